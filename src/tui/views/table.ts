import { columnsOf, fitToColumns } from '../../text/columns.ts';
import { greatest, span } from '../line.ts';
import type { Line, Tone } from '../panel.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly tone?: (row: Row) => Tone;
  readonly align?: 'left' | 'right';
  /** Most columns of the terminal it takes, of so many in all. */
  readonly max: (columns: number) => number;
}

export interface Table<Row> {
  readonly head: Line;
  readonly row: (row: Row) => Line;
}

const GAP = ' ';
/** The last column has at least this, or the ones before it give up some of theirs. */
const REST_COLUMNS = 12;

/**
 * Columns as wide as what is in them, within bounds; the last one takes the rest. Of a window's rows all count, not only those on the screen: columns
 * stand still while one scrolls.
 */
export function table<Row>(specs: readonly Column<Row>[], rows: readonly Row[], columns: number): Table<Row> {
  const fixed = specs.slice(0, -1);
  const widths = fixed.map(({ title, text, max }) => {
    let width = columnsOf(title);
    const most = Math.max(width, max(columns));
    for (let at = 0; at < rows.length && width < most; at++) width = Math.max(width, columnsOf(text(rows[at]!)));
    return Math.min(width, most);
  });
  let missing = REST_COLUMNS - (columns - widths.reduce((sum, width) => sum + width + GAP.length, 0));
  // The widest gives way first.
  while (missing > 0) {
    const widest = widths.indexOf(greatest(widths, 0));
    if (widths[widest] === undefined || widths[widest] <= 4) break;
    widths[widest]--;
    missing--;
  }
  widths.push(Math.max(1, columns - widths.reduce((sum, width) => sum + width + GAP.length, 0)));
  const cells = (texts: (spec: Column<Row>) => string, tones: (spec: Column<Row>) => Tone): Line =>
    specs.flatMap((spec, index) => [span(fitToColumns(texts(spec), widths[index]!, spec.align), tones(spec)), span(index < specs.length - 1 ? GAP : '')]);
  return {
    head: cells(({ title }) => title, () => 'dim'),
    row: (row) => cells(({ text }) => text(row), ({ tone }) => tone?.(row) ?? 'plain'),
  };
}
