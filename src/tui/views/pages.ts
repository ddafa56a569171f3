import type { DetailLine, DetailState } from '../detail.ts';
import { fitToColumns } from '../../text/columns.ts';
import { BINDINGS } from '../keys.ts';
import { cutLine, greatest, span, withCursor } from '../line.ts';
import type { Line } from '../panel.ts';
import type { State } from '../state.ts';

const LABEL_COLUMNS = 14;

/** The page of one message. */
export function detailLines({ lines, top, selected }: DetailState, columns: number, count: number): Line[] {
  const labels = Math.min(greatest(lines.map(({ kind, label }) => (kind === 'field' ? label.length : 0)), LABEL_COLUMNS), Math.max(LABEL_COLUMNS, columns >> 2));
  return lines.slice(top, top + count).map((line, index) => withCursor(detailLine(line, labels), columns, top + index === selected, false));
}

function detailLine({ kind, label, text }: DetailLine, labels: number): Line {
  switch (kind) {
    case 'heading': return [span(label, 'strong')];
    case 'field': return [span(`${fitToColumns(label, labels)}  `, 'dim'), span(text)];
    case 'link': return [span(`${fitToColumns(label, labels)}  `, 'dim'), span(`→ ${text}`, 'accent')];
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
