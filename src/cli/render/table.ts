import type { ChalkInstance } from 'chalk';
import { escapeControl } from '../../text/escape.ts';
import { loadChalk } from './color.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right' | undefined;
}

export interface TableStyle {
  /** Borders and escaped cells; without it: tab-separated lines with a header, for pipes. */
  readonly terminal: boolean;
  readonly color: boolean;
  /** Of the terminal: a table that is wider is written as a block a row, a line a cell. Undefined: as wide as it gets. */
  readonly widthColumns?: number | undefined;
}

/**
 * A table: cli-table3 on a terminal, tab-separated lines with a header on a pipe. Cells are the user's data: control characters are
 * shown escaped on a terminal; on a pipe only what would break a line or a column is. A table wider than its terminal is a block a row. Ends with a newline.
 */
export async function renderTable(columns: readonly Column[], rows: readonly (readonly (string | number)[])[], style: TableStyle): Promise<string> {
  if (!style.terminal) return plainTable(columns, rows);
  const [{ default: Table }, chalk] = await Promise.all([import('cli-table3'), loadChalk(style.color)]);
  const table = new Table({
    head: columns.map((column) => chalk.bold(column.title)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => escapeControl(String(cell))));
  const text = table.toString();
  // The first line is the border: as many columns as characters.
  if (style.widthColumns !== undefined && rows.length > 0 && text.indexOf('\n') > style.widthColumns) return blocks(columns, rows, chalk);
  return `${text}\n`;
}

/** Wrapped by the terminal, the lines of a table are nobody's. */
function blocks(columns: readonly Column[], rows: readonly (readonly (string | number)[])[], chalk: ChalkInstance): string {
  const titleWidth = Math.max(...columns.map(({ title }) => title.length));
  const lineOf = (title: string, cell: string | number): string => `${chalk.bold(title)}${' '.repeat(titleWidth - title.length)}  ${escapeControl(String(cell))}`.trimEnd();
  return `${rows.map((row) => row.map((cell, index) => `${lineOf(columns[index]!.title, cell)}\n`).join('')).join('\n')}`;
}

function plainTable(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [columns.map((column) => column.title).join('\t')];
  for (const row of rows) lines.push(row.map((cell) => String(cell).replace(/[\t\n\r]/g, escapeControl)).join('\t'));
  return `${lines.join('\n')}\n`;
}
