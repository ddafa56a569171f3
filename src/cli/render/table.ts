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
}

/**
 * A table: cli-table3 on a terminal, tab-separated lines with a header on a pipe. Cells are the user's data: control characters are
 * shown escaped on a terminal; on a pipe only what would break a line or a column is. Ends with a newline.
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
  return `${table.toString()}\n`;
}

function plainTable(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [columns.map((column) => column.title).join('\t')];
  for (const row of rows) lines.push(row.map((cell) => String(cell).replace(/[\t\n\r]/g, escapeControl)).join('\t'));
  return `${lines.join('\n')}\n`;
}
