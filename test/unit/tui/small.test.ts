import { expect, it } from 'vitest';
import { columnsOf } from '../../../src/text/columns.ts';
import { lineText } from '../../../src/tui/line.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { letter, rows, View } from './reducer-view.ts';

it('a terminal that is too small says so, in as many lines as it has, and the view is there again when it has grown', () => {
  const view = new View().window({ rows: rows(0, 100) }).keys('k');
  for (const [columns, height] of [[20, 5], [39, 24], [80, 5], [10, 10], [3, 2], [1, 1]] as const) {
    view.send({ type: 'resize', columns, rows: height });
    const lines = frame(view.state).map(lineText);
    expect(lines).toHaveLength(height);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    if (columns >= 10 && height >= 5) expect(lines.join(' ').trim()).toBe(`terminal too small (${columns}×${height}, at least 40×6)`);
  }
  for (const size of [{ columns: 40, rows: 6 }, { columns: 80, rows: 24 }]) expect(lineText(frame(view.send({ type: 'resize', ...size }).state)[1]!)).toContain('PAUSED');
  expect(view.selected).toBe('T98');
});

it('what nobody sees is not answered either: of keys only those that quit do something', () => {
  const view = new View().keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7], atMs: 0 }).keys('space', 'D').send({ type: 'resize', columns: 20, rows: 5 });
  view.taken();
  view.keys('y', 'j', 'esc');
  expect(view.taken()).toEqual([]);
  view.send({ type: 'resize', columns: 80, rows: 24 }).keys('y');
  expect(view.taken()).toEqual([{ type: 'redrive', records: [letter(7)] }]);
  view.send({ type: 'resize', columns: 20, rows: 5 }).keys('q', 'ctrl-c');
  expect(view.taken()).toEqual([{ type: 'quit' }, { type: 'quit' }]);
});
