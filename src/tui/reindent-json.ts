const INDENT = '  ';

/** A JSON text over several lines, every number and string exactly as it stood; null for what is no JSON object or array. */
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
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token === '{' || token === '[') {
      result += token;
      if (next === '}' || next === ']') return;
      depth++;
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
  });
  return result;
}
