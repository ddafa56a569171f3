import { expect } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { columnsOf } from '../../../../src/text/columns.ts';
import type { Line, Panel, PanelScope, RedrivesOf } from '../../../../src/tui/panel.ts';

export const WIDTHS = [60, 80, 160] as const;
export const EVERYTHING: PanelScope = { topics: [], groups: [] };
export const FAMILY = '👨‍👩‍👧‍👦';
/** As long as RocketMQ allows. */
export const LONG_TOPIC = `payments-${'very-long-name-'.repeat(7)}end`.padEnd(127, '-');

export const textOf = (line: Line): string => line.map(({ text }) => text).join('');

export async function loadOf<S>(panel: Panel<S>, broker: Broker, clock: Clock, previous: S | null = null, scope: PanelScope = EVERYTHING, redrives: RedrivesOf = () => new Map()): Promise<S> {
  return panel.load({ broker, scope, clock, redrives, previous, signal: new AbortController().signal });
}

export const rowTexts = <S>(panel: Panel<S>, snapshot: S, widthColumns: number, nowMs: number): string[] => panel.rows(snapshot, { widthColumns, nowMs }).map(({ line }) => textOf(line));

/** What a screen of that width shows, each line with a mark at its end. Fails when a line is not as wide as the header, is too wide, or could be obeyed by a terminal. */
export function screenOf<S>(panel: Panel<S>, snapshot: S, widthColumns: number, nowMs: number): string {
  const layout = { widthColumns, nowMs };
  const header = textOf(panel.header(layout));
  const rows = panel.rows(snapshot, layout);
  const summary = textOf(panel.summary(snapshot, layout));
  for (const { line } of rows) expect(columnsOf(textOf(line)), textOf(line)).toBe(columnsOf(header));
  for (const line of [header, summary]) expect(columnsOf(line)).toBeLessThanOrEqual(widthColumns);
  for (const maxRows of [0, 1, 2, 7, 40]) {
    const brief = panel.brief?.(snapshot, { ...layout, maxRows }).map(textOf) ?? [];
    expect(brief.length).toBeLessThanOrEqual(maxRows);
    for (const line of brief) expect(columnsOf(line), line).toBeLessThanOrEqual(widthColumns);
  }
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  const lines = [header, ...rows.map(({ line }) => textOf(line)), summary];
  expect(lines.filter((line) => /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]/u.test(line))).toEqual([]);
  return `${lines.map((line) => `${line}|`).join('\n')}\n`;
}

/** The screens of a snapshot, all widths, against the file that is committed. */
export async function expectScreens<S>(name: string, panel: Panel<S>, snapshot: S, nowMs: number): Promise<void> {
  const screens = WIDTHS.map((width) => `${width} columns\n${screenOf(panel, snapshot, width, nowMs)}`);
  await expect(screens.join('\n')).toMatchFileSnapshot(`screens/${name}.txt`);
  // What is not in the committed screens holds for every width.
  for (let width = 1; width <= 250; width += 7) screenOf(panel, snapshot, width, nowMs);
}
