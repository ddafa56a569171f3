import { columnsOf, cutToColumns } from '../../text/columns.ts';
import { escapeControl } from '../../text/escape.ts';
import type { Line, Span } from '../panel.ts';

/** A line of running text, cut where the terminal ends. */
export function textLine(spans: readonly Span[], widthColumns: number): Line {
  const line: Span[] = [];
  let left = widthColumns;
  for (const { text, tone } of spans) {
    const safe = escapeControl(text);
    const cut = cutToColumns(safe, left);
    if (cut !== '') line.push(spanOf(cut, tone));
    left -= columnsOf(cut);
    if (cut !== safe) break;
  }
  return line;
}

/** The rows that weigh most, in the order that they have, as many as there is room for; where some are left out the last line says how many. */
export function foremost<Row>(rows: readonly Row[], maxRows: number, weightOf: (row: Row) => number, lineOf: (row: Row) => Line, more: (hidden: number) => Line): Line[] {
  if (rows.length <= maxRows) return rows.map(lineOf);
  if (maxRows < 1) return [];
  const chosen = heaviest(rows, maxRows - 1, weightOf);
  return [...chosen.map(lineOf), more(rows.length - chosen.length)];
}

/** Those that weigh most, so many at most, in the order that they have. */
export function heaviest<Row>(rows: readonly Row[], count: number, weightOf: (row: Row) => number): readonly Row[] {
  if (rows.length <= count) return rows;
  const chosen = new Set([...rows].sort((left, right) => weightOf(right) - weightOf(left)).slice(0, count));
  return rows.filter((row) => chosen.has(row));
}

export const spanOf = (text: string, tone: Span['tone']): Span => (tone === undefined || tone === 'plain' ? { text } : { text, tone });
