import { fitToColumns } from '../../text/columns.ts';
import { escapeControl } from '../../text/escape.ts';
import type { Line, Panel, PanelRow, RecordReference, Span } from '../panel.ts';
import { spanOf } from './lines.ts';

/** One column of a table. Widths are in columns of the terminal. */
export interface Column<Row> {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** Narrower than this it is left out. */
  readonly min: number;
  /** What it takes where there is room. */
  readonly wanted: number;
  /** Where there is more room it grows to this; `wanted` otherwise. */
  readonly max?: number;
  /** When there is not enough room, those with the least give way first: down to `min`, and then they go. */
  readonly keep: number;
  /** Only there where all others have what they want. */
  readonly isExtra?: boolean;
  /** What it shows, of so many columns; cut where it is longer. User data needs no escaping before. */
  readonly cell: (row: Row, widthColumns: number) => string | Span;
}

export interface PlacedColumn<Row> {
  readonly column: Column<Row>;
  readonly widthColumns: number;
}

export interface PlacedTable<Row> {
  readonly columns: readonly PlacedColumn<Row>[];
  readonly gap: string;
}

/** From here on there is room for two blanks between columns. */
const WIDE_COLUMNS = 100;

/** Which columns a table of that width has, and how wide they are: the same for its header and all of its rows, whatever they hold. */
export function placeColumns<Row>(columns: readonly Column<Row>[], widthColumns: number): PlacedTable<Row> {
  const gapColumns = widthColumns >= WIDE_COLUMNS ? 2 : 1;
  const roomFor = (kept: readonly Column<Row>[]): number => widthColumns - gapColumns * (kept.length - 1);
  const byKeep = [...columns].sort((left, right) => left.keep - right.keep);
  let shown = columns.filter(({ isExtra }) => isExtra !== true);
  for (const column of byKeep) {
    if (shown.length === 1 || sum(shown.map(({ min }) => min)) <= roomFor(shown)) break;
    shown = shown.filter((other) => other !== column);
  }
  for (const extra of byKeep.filter(({ isExtra }) => isExtra === true).reverse()) {
    const more = columns.filter((column) => column === extra || shown.includes(column));
    if (sum(more.map(({ wanted }) => wanted)) <= roomFor(more)) shown = more;
  }
  const room = roomFor(shown);
  const widths = new Map(shown.map((column) => [column, column.wanted]));
  shrink(widths, byKeep, sum([...widths.values()]) - room);
  grow(widths, room - sum([...widths.values()]));
  return { columns: shown.map((column) => ({ column, widthColumns: Math.min(widths.get(column)!, Math.max(0, room)) })), gap: ' '.repeat(gapColumns) };
}

function shrink<Row>(widths: Map<Column<Row>, number>, byKeep: readonly Column<Row>[], excessColumns: number): void {
  let excess = excessColumns;
  for (const column of byKeep) {
    const width = widths.get(column);
    if (width === undefined || excess <= 0) continue;
    const taken = Math.min(excess, width - column.min);
    widths.set(column, width - taken);
    excess -= taken;
  }
}

/** What is left goes to those that can use it, in proportion to what they want. */
function grow<Row>(widths: Map<Column<Row>, number>, leftColumns: number): void {
  const fullnessOf = (column: Column<Row>): number => widths.get(column)! / column.wanted;
  for (let left = leftColumns; left > 0; left--) {
    const hungry = [...widths.keys()].filter((column) => widths.get(column)! < (column.max ?? column.wanted));
    if (hungry.length === 0) return;
    const neediest = hungry.reduce((most, column) => (fullnessOf(column) < fullnessOf(most) ? column : most));
    widths.set(neediest, widths.get(neediest)! + 1);
  }
}

export function headerLine<Row>({ columns, gap }: PlacedTable<Row>): Line {
  return [{ text: columns.map(({ column, widthColumns }) => fitToColumns(column.header, widthColumns, column.align)).join(gap), tone: 'strong' }];
}

/** A row whose line is drawn when it is looked at: of a long table a screen shows some. */
export function panelRow<Row>(table: PlacedTable<Row>, row: Row, id: string, record: RecordReference | null | undefined): PanelRow {
  let line: Line | undefined;
  return {
    id,
    get line() {
      return (line ??= rowLine(table, row));
    },
    ...(record === null || record === undefined ? {} : { record }),
  };
}

/** Header and rows of a panel that shows one row of its snapshot a line, in their order. */
export function rowsAsTable<Row>(columns: readonly Column<{ readonly row: Row; readonly nowMs: number }>[], idOf: (row: Row) => string, recordOf: (row: Row) => RecordReference | null | undefined):
Pick<Panel<{ readonly rows: readonly Row[] }>, 'header' | 'rows'> {
  return {
    header: ({ widthColumns }) => headerLine(placeColumns(columns, widthColumns)),
    rows: ({ rows }, { widthColumns, nowMs }) => {
      const table = placeColumns(columns, widthColumns);
      return rows.map((row) => panelRow(table, { row, nowMs }, idOf(row), recordOf(row)));
    },
  };
}

export function rowLine<Row>({ columns, gap }: PlacedTable<Row>, row: Row): Line {
  const spans: Span[] = [];
  columns.forEach(({ column, widthColumns }, index) => {
    const cell = column.cell(row, widthColumns);
    const { text, tone } = typeof cell === 'string' ? { text: cell, tone: undefined } : cell;
    if (index > 0) spans.push({ text: gap });
    spans.push(spanOf(fitToColumns(escapeControl(text), widthColumns, column.align), tone));
  });
  return joined(spans);
}

/** Neighbours that look the same become one: each costs the screen a node. */
function joined(spans: readonly Span[]): Line {
  const line: Span[] = [];
  for (const span of spans) {
    const last = line.at(-1);
    if (last !== undefined && last.tone === span.tone) line[line.length - 1] = spanOf(last.text + span.text, span.tone);
    else line.push(span);
  }
  return line;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
