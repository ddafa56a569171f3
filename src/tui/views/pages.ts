import { GAP_COLUMNS } from '../detail.ts';
import type { DetailLine, DetailState } from '../detail.ts';
import { fitToColumns } from '../../text/columns.ts';
import { BINDINGS } from '../keys.ts';
import { cutLine, greatest, span, withCursor } from '../line.ts';
import type { Line, Span } from '../panel.ts';
import type { State } from '../state.ts';

/** The page of one message. */
export function detailLines({ lines, labelColumns, top, selected }: DetailState, columns: number, count: number): Line[] {
  return lines.slice(top, top + count).map((line, index) => withCursor(detailLine(line, labelColumns), columns, top + index === selected, false));
}

function detailLine({ kind, label, text, part }: DetailLine, labelColumns: number): Line {
  const name = (): Span => span(fitToColumns(label, labelColumns) + ' '.repeat(GAP_COLUMNS), 'dim');
  switch (kind) {
    case 'heading': return [span(label, 'strong')];
    case 'field': return [name(), span(text)];
    case 'link': return [name(), span(`${part === 0 ? '→' : ' '} ${text}`, 'accent')];
    case 'body': return [span(text)];
  }
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  up: '↑', down: '↓', left: '←', right: '→', pageup: 'PgUp', pagedown: 'PgDn', home: 'Home', end: 'End', enter: 'Enter', esc: 'Esc', space: 'Space',
  tab: 'Tab', 'shift-tab': 'Shift-Tab', backspace: 'Backspace',
};

export const keyName = (key: string): string => KEY_NAMES[key] ?? key.replace(/^ctrl-(.)$/, (_, letter: string) => `Ctrl-${letter.toUpperCase()}`);

/** The page of keys, from the table that drives them, and of the views. */
export function helpLines({ views, help, columns }: State, count: number): Line[] {
  const entries = [
    ...views.map(({ title }, index) => ({ keys: String(index + 1), help: title })),
    ...BINDINGS.map((binding) => ({ keys: binding.keys.map(keyName).join(' '), help: binding.help })),
  ];
  const width = greatest(entries.map(({ keys }) => keys.length), 0);
  const lines = entries.map((entry): Line => cutLine([span(`  ${fitToColumns(entry.keys, width)}  `, 'accent'), span(entry.help)], columns));
  return lines.slice(help?.top ?? 0, (help?.top ?? 0) + count);
}
