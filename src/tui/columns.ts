/**
 * How many columns of a terminal text takes. Text is measured grapheme by grapheme, as terminals of today and ink draw it: East Asian wide characters and
 * emoji take two, marks and joiners none of their own.
 */
const ASCII = /^[\x20-\x7e]*$/;
/** Text of which each UTF-16 unit is a character of its own, one column wide or two: no marks, no emoji, nothing that joins. */
const SIMPLE = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0391-\u0482\u2013\u2014\u2026\u3001-\u3029\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
const SIMPLE_WIDE = /[\u3001-\uff60]/g;
const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\ufe00-\ufe0f]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|^[\u{1f1e6}-\u{1f1ff}]{2}$|^[0-9#*]\ufe0f?\u20e3$/u;
const WIDE = new RegExp(
  '^[\\u1100-\\u115f\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2e80-\\u2e99\\u2e9b-\\u2ef3\\u2f00-\\u2fd5\\u2ff0-\\u303e\\u3041-\\u3096\\u3099-\\u30ff' +
  '\\u3105-\\u312f\\u3131-\\u318e\\u3190-\\u31e5\\u31ef-\\u321e\\u3220-\\u3247\\u3250-\\ua48c\\ua490-\\ua4c6\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff' +
  '\\ufe10-\\ufe19\\ufe30-\\ufe52\\ufe54-\\ufe66\\ufe68-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6\\u{16fe0}-\\u{16fe4}\\u{17000}-\\u{18cff}\\u{1aff0}-\\u{1b2ff}' +
  '\\u{1d300}-\\u{1d376}\\u{1f200}-\\u{1f265}\\u{20000}-\\u{2fffd}\\u{30000}-\\u{3fffd}]', 'u');

const ELLIPSIS = '…';

export function columnsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  if (SIMPLE.test(text)) return text.length + (text.match(SIMPLE_WIDE)?.length ?? 0);
  let columns = 0;
  for (const grapheme of graphemes(text)) columns += graphemeColumns(grapheme);
  return columns;
}

/** The beginning of the text that fits into so many columns. */
export function take(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let taken = '';
  let left = columns;
  for (const grapheme of graphemes(text)) {
    left -= graphemeColumns(grapheme);
    if (left < 0) break;
    taken += grapheme;
  }
  return taken;
}

/** What is left of the text behind so many columns. A wide character that the border cuts in two is left out. */
export function skip(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(Math.max(0, columns));
  let passed = 0;
  let rest = '';
  for (const grapheme of graphemes(text)) {
    if (passed >= columns) rest += grapheme;
    passed += graphemeColumns(grapheme);
  }
  return rest;
}

/** At most so many columns; what is cut off leaves a mark. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return '';
  // No grapheme takes more than two columns of its own, and a long text need not be measured as a whole.
  if (text.length <= columns * 16 && columnsOf(text) <= columns) return text;
  return `${take(text.slice(0, columns * 16), columns - 1)}${ELLIPSIS}`;
}

/** Exactly so many columns: cut with a mark, or filled up with spaces. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, columns);
  const fill = ' '.repeat(Math.max(0, columns - columnsOf(short)));
  return align === 'left' ? short + fill : fill + short;
}

function graphemeColumns(grapheme: string): number {
  if (grapheme.length === 1 && grapheme >= ' ' && grapheme <= '~') return 1;
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return EMOJI.test(grapheme) || WIDE.test(grapheme) ? 2 : 1;
}

function* graphemes(text: string): Generator<string> {
  if (SIMPLE.test(text)) return yield* text;
  for (const { segment } of SEGMENTER.segment(text)) yield segment;
}
