import stringWidth from 'string-width';

/** What stands for the rest of a text that was cut. */
export const ELLIPSIS = '…';

const SEGMENTER = new Intl.Segmenter();
/** Each character one column. */
const NARROW = /^[\u0020-\u007e]*$/;
/**
 * Each character a cluster of its own: those of `NARROW`, Latin letters, Cyrillic ones, quotation marks, box drawing and blocks one column; CJK punctuation, kana,
 * CJK ideographs, Hangul syllables and full-width forms two. What it saves is most of the time of a screen.
 */
const SIMPLE = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u2013\u2014\u2018-\u201d\u2026\u2500-\u259f\u3001-\u3003\u3008-\u3011\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
/** Skin tones without an emoji before them: alone two columns wide, they would join the blank of the column before. */
const LEADING_MODIFIERS = /^[\p{Grapheme_Extend}\p{Mark}\u200d\p{Emoji_Modifier}]*\p{Emoji_Modifier}/u;
const MODIFIER = /\p{Emoji_Modifier}/gu;
/** From here on the characters of `SIMPLE` are wide. */
const FIRST_WIDE = '\u3000';

/**
 * Columns of a terminal that a text takes, by the rules that ink lays out by (string-width): a cluster of characters at a time, wide ones and emoji two,
 * what only joins or decorates none. Of escaped text (escape.ts): control characters and escape sequences are not counted.
 */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  if (SIMPLE.test(text)) return simpleColumns(text);
  return stringWidth(text);
}

/** The text, or as much of its start as fits into so many columns with `…` behind it. Wide characters are never halved: the last column may stay free. A skin tone at its start is escaped. */
export function cutToColumns(text: string, columns: number): string {
  return cut(text, columns).text;
}

/** Cut or filled up with blanks to exactly so many columns. */
export function fitToColumns(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const kept = cut(text, columns);
  const blanks = ' '.repeat(Math.max(0, columns - kept.columns));
  return align === 'right' ? blanks + kept.text : kept.text + blanks;
}

/** The beginning of the text that fits into so many columns, without a mark. */
export function takeColumns(text: string, columns: number): string {
  if (NARROW.test(text)) return text.slice(0, Math.max(0, columns));
  let taken = '';
  let left = columns;
  for (const cluster of clustersOf(text)) {
    left -= columnsOf(cluster);
    if (left < 0) break;
    taken += cluster;
  }
  return taken;
}

/** What is left of the text behind so many columns. A wide character that the border cuts in two is left out. */
export function skipColumns(text: string, columns: number): string {
  if (NARROW.test(text)) return text.slice(Math.max(0, columns));
  let passed = 0;
  let rest = '';
  for (const cluster of clustersOf(text)) {
    if (passed >= columns) rest += cluster;
    passed += columnsOf(cluster);
  }
  return rest;
}

/** What is kept of a text, and the columns that it takes. */
interface Cut {
  readonly text: string;
  readonly columns: number;
}

function cut(whole: string, columns: number): Cut {
  if (columns <= 0) return { text: '', columns: 0 };
  if (whole.length <= columns && NARROW.test(whole)) return { text: whole, columns: whole.length };
  const text = whole.replace(LEADING_MODIFIERS, (start) => start.replace(MODIFIER, (modifier) => `\\u{${modifier.codePointAt(0)!.toString(16)}}`));
  let kept = '';
  let keptColumns = 0;
  let shorter: Cut | null = null;
  for (const cluster of clustersOf(text)) {
    const clusterColumns = columnsOf(cluster);
    // Whether a mark is needed shows later: what fits beside it is remembered.
    if (shorter === null && keptColumns + clusterColumns > columns - 1) shorter = { text: kept + ELLIPSIS, columns: keptColumns + 1 };
    if (keptColumns + clusterColumns > columns) return shorter!;
    kept += cluster;
    keptColumns += clusterColumns;
  }
  return { text: kept, columns: keptColumns };
}

/** What a reader takes for characters, one after the other. */
export function* clustersOf(text: string): Generator<string, void, undefined> {
  if (SIMPLE.test(text)) yield* text;
  else for (const { segment } of SEGMENTER.segment(text)) yield segment;
}

const simpleColumns = (text: string): number => {
  let columns = 0;
  for (const character of text) columns += character < FIRST_WIDE ? 1 : 2;
  return columns;
};
