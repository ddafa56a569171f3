/**
 * What a terminal could obey or be fooled by: C0 (but tab and newline where allowed), DEL, C1, line and paragraph separators, bidi marks,
 * embeddings, overrides and isolates, the zero-width space (joiners are letters of their scripts and stay), the byte-order mark, tag characters.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e', '\u0000': '\\0', '\u0007': '\\a', '\b': '\\b' };

/** Every dangerous character as a visible escape (`\e`, `\n`, `\x07`, `\u202e`), on one line. */
export function escapeControl(text: string): string {
  return text.replace(DANGEROUS, escapeCharacter);
}

/** The same, with newlines and tabs left alone: bodies of several lines. */
export function escapeControlKeepLines(text: string): string {
  return text.replace(DANGEROUS, (character) => (character === '\n' || character === '\t' ? character : escapeCharacter(character)));
}

/** The same inside a JSON text: escapes that mean the character, so that the document keeps its value. Line ends between its parts stay. */
export function escapeControlInJson(json: string): string {
  return json.replace(DANGEROUS, (character) => (character === '\n' ? character : jsonEscape(character)));
}

function jsonEscape(character: string): string {
  return [...Array(character.length).keys()].map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}

function escapeCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
