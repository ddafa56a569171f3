const INDENT = '  ';
/** Deeper, and longer, it is not easier to read: what indents would add grows with the depth of each token. */
const MAX_DEPTH = 64;
const MAX_CHARACTERS = 1 << 20;

/** A JSON text over several lines, every number and string exactly as it stood; null for what is no JSON object or array, is deeper than 64, or would take more than 2^20 characters. */
export function reindentJson(text: string): string | null {
  if (!/^\s*[{[]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // Known to be JSON: tokens are all it takes.
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let result = '';
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token === '{' || token === '[') {
      result += token;
      if (next === '}' || next === ']') continue;
      if (++depth > MAX_DEPTH) return null;
      result += `\n${INDENT.repeat(depth)}`;
    } else if (token === '}' || token === ']') {
      const before = tokens[index - 1];
      if (before !== '{' && before !== '[') {
        depth--;
        result += `\n${INDENT.repeat(depth)}`;
      }
      result += token;
    } else if (token === ',') {
      result += `,\n${INDENT.repeat(depth)}`;
    } else {
      result += token === ':' ? ': ' : token;
    }
    if (result.length > MAX_CHARACTERS) return null;
  }
  return result;
}
