import stringWidth from 'string-width';

/** What stands for the rest of a text that was cut. */
export const ELLIPSIS = '…';

/** Each character one column. */
const NARROW = /^[\u0020-\u007e]*$/;
/** Each character a cluster of its own: those of `NARROW` one column, kana, CJK ideographs, Hangul syllables and full-width forms two. */
const SIMPLE = /^[\u0020-\u007e\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
/** The greatest character of `SIMPLE` that is narrow. */
const LAST_NARROW = '\u007e';

/**
 * Columns of a terminal that a text takes, by the rules that ink lays out by (string-width): a cluster of characters at a time, wide ones and emoji two,
 * what only joins or decorates none. Of escaped text (escape.ts): control characters and escape sequences are not counted.
 */
export function columnsOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  if (SIMPLE.test(text)) return simpleColumns(text);
  return stringWidth(text);
}

/** The text, or as much of its start as fits into so many columns with `…` behind it. Wide characters are never halved: the last column may stay free. */
export function cutToColumns(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (text.length <= columns && NARROW.test(text)) return text;
  let [kept, keptColumns] = ['', 0];
  let shorter: string | null = null;
  for (const cluster of clustersOf(text)) {
    keptColumns += columnsOf(cluster);
    // Whether a mark is needed shows later: what fits beside it is remembered.
    if (shorter === null && keptColumns > columns - 1) shorter = kept;
    if (keptColumns > columns) return shorter + ELLIPSIS;
    kept += cluster;
  }
  return kept;
}

/** Cut or filled up with blanks to exactly so many columns. */
export function fitToColumns(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutToColumns(text, columns);
  const blanks = ' '.repeat(Math.max(0, columns - columnsOf(cut)));
  return align === 'right' ? blanks + cut : cut + blanks;
}

/** What a reader takes for characters, one after the other. */
export function* clustersOf(text: string): Generator<string, void, undefined> {
  if (SIMPLE.test(text)) yield* text;
  else for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}

const simpleColumns = (text: string): number => {
  let columns = 0;
  for (const character of text) columns += character <= LAST_NARROW ? 1 : 2;
  return columns;
};
