import { beforeEach, describe, expect, it } from 'vitest';
import { actionOf, BINDINGS } from '../../../src/tui/keys.ts';
import { flagFilter } from '../../../src/tui/filter.ts';
import { lineText } from '../../../src/tui/line.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { helpCount, pageRows } from '../../../src/tui/state.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import type { Panel } from '../../../src/tui/panel.ts';
import { referenceId } from '../../../src/tui/rows.ts';
import { letter, letters, row, rows, View } from './reducer-view.ts';

let view: View;
beforeEach(() => {
  view = new View();
});

describe('the table of keys', () => {
  it('gives no key two meanings in one place', () => {
    for (const mode of ['stream', 'panel', 'detail', 'help'] as const) {
      const keys = BINDINGS.filter(({ modes }) => modes.includes(mode)).flatMap((binding) => binding.keys);
      expect(new Set(keys).size, mode).toBe(keys.length);
    }
    expect(actionOf('stream', 'F')).toBe('follow');
    expect(actionOf('detail', 'F')).toBeUndefined();
  });

  it('every binding of a stream does something', () => {
    for (const { modes, keys, action } of BINDINGS.filter((binding) => binding.modes.includes('stream') && !['back', 'clear-marks', 'left', 'redrive'].includes(binding.action))) {
      expect(modes).toContain('stream');
      const fresh = new View().window({ rows: rows(0, 100), atStart: false }).keys('k');
      const before = fresh.state;
      fresh.taken();
      fresh.keys(keys[0]!);
      expect(fresh.state !== before || fresh.taken().length > 0, action).toBe(true);
    }
  });
});

describe('a stream that flows', () => {
  it('keeps its end at the bottom, also when the screen changes', () => {
    view.window({ rows: rows(0, 100) });
    expect(view.selected).toBe('T99');
    expect(view.stream.top).toBe(100 - pageRows(view.state));
    view.window({ rows: rows(50, 160), arrived: 60 }).send({ type: 'resize', columns: 100, rows: 50 });
    expect(view.selected).toBe('T159');
    expect(view.stream.top).toBe(110 - 46);
  });

  it('is paused by whoever goes up, counts what comes, and shows it when one goes there', () => {
    view.window({ rows: rows(0, 100) }).keys('k');
    expect(view.taken()).toEqual([{ type: 'follow', stream: 'messages', on: false }]);
    view.window({ rows: rows(0, 100), arrived: 1204, atEnd: false });
    expect([view.selected, view.stream.arrived - view.stream.seen]).toEqual(['T98', 1204]);
    expect(view.taken()).toEqual([]);
    view.keys('down', 'pagedown');
    expect(view.taken()).toEqual([{ type: 'newer', stream: 'messages', count: 200 }]);
    // What was asked for comes, and the cursor goes as far as it was to.
    view.window({ rows: rows(0, 300), arrived: 1204, atEnd: false }, { done: true });
    expect(view.selected).toBe('T118');
    expect(view.stream.arrived - view.stream.seen).toBe(1204);
    view.window({ rows: rows(0, 130), arrived: 1204, atEnd: true }).keys('end');
    expect([view.stream.isFollowing, view.selected]).toEqual([true, 'T129']);
    expect(view.taken()).toEqual([{ type: 'follow', stream: 'messages', on: true }]);
    view.window({ rows: rows(0, 130), arrived: 1300 });
    expect(view.stream.arrived - view.stream.seen).toBe(0);
  });

  it('p pauses and goes on', () => {
    view.window({ rows: rows(0, 100) }).keys('p');
    expect(view.stream.isFollowing).toBe(false);
    view.keys('p');
    expect(view.stream.isFollowing).toBe(true);
    expect(view.taken().map((effect) => effect.type === 'follow' && effect.on)).toEqual([false, true]);
  });
});

describe('scrolling', () => {
  it('asks the store for more before the window ends, once at a time, and stays on its row when it comes', () => {
    view.window({ rows: rows(500, 600), atStart: false }).keys('pageup', 'pageup', 'pageup', 'pageup', 'pageup');
    expect(view.taken().filter(({ type }) => type === 'older')).toEqual([{ type: 'older', stream: 'messages', count: 200 }]);
    const { selected, stream } = view;
    const shownAt = stream.selected - stream.top;
    view.window({ rows: rows(300, 600), atStart: false }, { done: true });
    expect(view.selected).toBe(selected);
    expect(view.stream.selected - view.stream.top).toBe(shownAt);
  });

  it('goes to the first in the store, and to a place', () => {
    view.window({ rows: rows(500, 600), atStart: false }).keys('home');
    expect(view.taken()).toEqual([{ type: 'jump', stream: 'messages', to: { at: 'first' }, context: 20 }]);
    view.window({ rows: rows(0, 100), atStart: true, atEnd: false }, { done: true, select: { id: 'T0' } });
    expect([view.selected, view.stream.top]).toEqual(['T0', 0]);
    view.keys(':').type('-20').keys('enter');
    expect(view.taken()).toEqual([{ type: 'jump', stream: 'messages', to: { at: 'lastN', count: 20 }, context: 20 }]);
    view.keys('g').type('@nonsense').keys('enter');
    expect(view.state.prompt?.error).toContain('not a time');
    expect(view.taken()).toEqual([]);
    view.keys('esc');
    expect(view.state.prompt).toBeNull();
  });
});

describe('a place where nothing is', () => {
  const time = { at: 'time', timestamp: Date.UTC(2026, 10, 23, 12) } as const;
  const shown = () => frame(view.state).map(lineText).at(-1);

  it('is said, and where the cursor is instead', () => {
    view.window({ rows: rows(0, 100) }, { done: true, select: 'last', nothingFrom: time });
    expect([view.selected, shown()]).toEqual(['T99', 'nothing at or after 2026-11-23 12:00:00.000Z; the cursor is on the last one']);
    view.window({ rows: [] }, { done: true, select: 'last', nothingFrom: { at: 'offset', offset: 7 } });
    expect(shown()).toBe('nothing at or behind offset 7');
    view.keys('f').type('A').keys('enter').window({ rows: rows(0, 100) }, { done: true, select: 'last', nothingFrom: time });
    expect(shown()).toContain('nothing passes the filter at or after');
  });

  it('is not said of a view that nobody looks at, nor where there is nothing at all', () => {
    view.window({ rows: [] }, { done: true, select: 'last', nothingFrom: { at: 'lastN', count: 5 } });
    expect(view.state.notice).toBeNull();
    view.keys('3').window({ rows: rows(0, 100) }, { done: true, select: 'last', nothingFrom: time });
    expect(view.state.notice).toBeNull();
  });
});

describe('the filter', () => {
  it('is typed while the stream flows; a bad one says why and leaves the old one', () => {
    view.window({ rows: rows(0, 100) }).keys('f').type('A || B /x+/').keys('enter');
    expect(view.taken()).toMatchObject([{ type: 'filter', stream: 'messages', to: { at: 'last' }, filter: { text: 'A || B /x+/' } }]);
    expect(view.stream.filter?.text).toBe('A || B /x+/');
    view.keys('f', 'ctrl-u').type('sql:a >').keys('enter');
    expect(view.state.prompt?.error).toMatch(/^sql, character 4/);
    expect(view.stream.filter?.text).toBe('A || B /x+/');
    view.keys('ctrl-u').type('/(/').keys('enter');
    expect(view.state.prompt?.error).toContain('regular expression');
    view.keys('ctrl-u', 'enter');
    expect(view.stream.filter).toBeNull();
  });

  it('of a paused stream keeps the place', () => {
    view.window({ rows: rows(0, 100) }).keys('k', 'f').type('A').keys('enter');
    expect(view.taken().at(-1)).toMatchObject({ type: 'filter', to: { at: 'time', timestamp: 1098 } });
  });
});

describe('marks, export, redrive', () => {
  it('writes what is marked, else what passes the filter, else what is selected', () => {
    view.window({ rows: rows(0, 100) }).keys('e', 'ctrl-u').type('one.ndjson').keys('enter');
    expect(view.taken()).toEqual([{ type: 'name-file', file: 'messages.ndjson' }, { type: 'export', file: 'one.ndjson', what: { records: [row(99).record] }, label: 'export the selected record to' }]);
    view.keys('k', 'space', 'k', 'k', 'space', 'e', 'enter');
    expect(view.taken().at(-1)).toEqual({ type: 'export', file: 'messages.ndjson', what: { records: [row(98).record, row(97).record] }, label: 'export 2 marked records to' });
    view.keys('u', 'f').type('A').keys('enter', 'e', 'enter');
    expect(view.taken().at(-1)).toMatchObject({ type: 'export', what: { all: 'messages', filter: { text: 'A' } } });
  });

  it('writes what the prompt named, whatever has come since, and asks again when it cannot', () => {
    view.window({ rows: rows(0, 100) }).keys('e').send({ type: 'file-name', wanted: 'messages.ndjson', file: 'messages-2.ndjson' });
    view.window({ rows: rows(0, 120), arrived: 20 }).keys('enter');
    const request = { file: 'messages-2.ndjson', what: { records: [row(99).record] }, label: 'export the selected record to' } as const;
    expect(view.taken().at(-1)).toEqual({ type: 'export', ...request });
    view.send({ type: 'export-failed', ...request, reason: 'it is there already' });
    expect(view.state.prompt).toMatchObject({ kind: 'export', text: 'messages-2.ndjson', error: 'it is there already', label: request.label });
    view.keys('x', 'enter');
    expect(view.taken().at(-1)).toEqual({ type: 'export', ...request, file: 'messages-2.ndjsonx' });
    // Whoever has gone on is told, and no more.
    view.keys('k').send({ type: 'export-failed', ...request, reason: 'it is there already' });
    expect([view.state.prompt, view.state.notice?.text]).toEqual([null, 'it is there already']);
  });

  it('sends marked dead letters again when that is confirmed, and nothing else', () => {
    view.keys('3');
    expect(view.taken()).toEqual([{ type: 'show', view: 'letters' }]);
    view.send({ type: 'panel', panel: 'letters', snapshot: [7, 8, 9], atMs: 0 }).keys('D');
    expect(view.state.notice?.text).toContain('mark dead letters');
    view.keys('space', 'space', 'D');
    expect(view.state.prompt?.label).toBe('send 2 dead letters to g again on /store? y/n');
    view.keys('n', 'D', 'x', 'esc');
    expect(view.taken()).toEqual([]);
    view.keys('D', 'y');
    expect(view.taken()).toEqual([{ type: 'redrive', records: [letter(7), letter(8)] }]);
    view.send({ type: 'redriven', text: '1 sent; g: the disk is full', isGood: false, sent: [letter(7)] });
    expect([view.state.notice, [...view.state.panels['letters']!.marks.values()]]).toEqual([{ text: '1 sent; g: the disk is full', tone: 'bad' }, [letter(8)]]);
  });
});

describe('dead letters that were sent before', () => {
  const question = (): string | undefined => view.keys('D').state.prompt?.label;

  it('are named by the question, as far as they were sent from here', () => {
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7, 8, 9], atMs: 0 }).keys('space', 'D', 'y').send({ type: 'redriven', text: '1 sent', isGood: true, sent: [letter(7)] });
    expect(view.keys('k').keys('space').state.panels['letters']!.marks.size).toBe(1);
    expect(question()).toBe('send 1 dead letter (sent before) to g again on /store? y/n');
    view.keys('n', 'space');
    expect(question()).toBe('send 2 dead letters (1 of them sent before) to g again on /store? y/n');
    // They are the same in the stream.
    view.keys('n', '1').window({ rows: [{ ...row(0), id: 'x', record: letter(7) }] }).keys('space');
    expect(question()).toBe('send 1 dead letter (sent before) to g again on /store? y/n');
  });

  it('the question says which answers there are, however long it is', () => {
    view = new View({ target: `/a-long-path${'/of-a-store'.repeat(9)}` });
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7], atMs: 0 }).keys('space', 'D');
    const line = lineText(frame(view.state).at(-1)!);
    expect([line, line.length]).toEqual([expect.stringMatching(/^send 1 dead letter to g again on \/a-long-path.*… y\/n$/), 80]);
  });

  it('and as far as a table knows it', () => {
    view = new View({ panels: [{ panel: { ...letters, sentAgain: () => new Set([referenceId(letter(8))]) } as Panel, unavailable: null }] });
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7, 8, 9], atMs: 0 }).keys('space', 'space', 'space');
    expect(question()).toBe('send 3 dead letters (1 of them sent before) to g again on /store? y/n');
  });
});

describe('a table', () => {
  it('keeps the cursor on its row, and opens the message of one', () => {
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7, 8, 9], atMs: 0 }).keys('j', 'j');
    view.send({ type: 'panel', panel: 'letters', snapshot: [1, 2, 7, 8, 9, 10], atMs: 0 });
    expect(view.state.panels['letters']!.selected).toBe(4);
    view.taken();
    view.keys('enter');
    expect(view.taken()).toEqual([{ type: 'read', record: letter(9), withOthers: false }]);
  });

  it('what failed to load stays, with its age', () => {
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7], atMs: 1000 }, { type: 'health', view: 'letters', atMs: 9000, reason: 'nobody answers' });
    expect(view.state.panels['letters']).toMatchObject({ snapshot: [7], health: { okAtMs: 1000, reason: 'nobody answers' } });
  });
});

describe('a view that nobody looked at', () => {
  it('is not old when one returns to it, but when its source does not answer then', () => {
    const health = { type: 'health', view: 'messages', atMs: 0, reason: null } as const;
    const stateLine = (): string => lineText(frame(view.state)[1]!);
    view.window({ rows: rows(0, 10) }).send(health).keys('2').send({ type: 'clock', nowMs: 8000, absent: [] }).keys('1');
    expect(stateLine()).not.toContain('old');
    view.send({ type: 'clock', nowMs: 12_000, absent: [] });
    expect(stateLine()).not.toContain('old');
    view.send({ type: 'clock', nowMs: 14_000, absent: [] });
    expect(stateLine()).toContain('14s old: no answer');
  });
});

it('a broker that is gone is named as long as it is, whatever is pressed', () => {
  const stateLine = (): string => lineText(frame(view.state)[1]!);
  const health = { type: 'health', view: 'messages', atMs: 0, reason: null } as const;
  view.window({ rows: rows(0, 10) }).send(health, { type: 'clock', nowMs: 1000, absent: ['broker-b'] }).keys('j');
  expect(stateLine()).toMatch(/without broker-b$/);
  view.keys('3');
  expect(stateLine()).toMatch(/without broker-b$/);
  view.send({ type: 'clock', nowMs: 2000, absent: [] });
  expect(stateLine()).not.toContain('without');
});

describe('a filter of flags', () => {
  it('that could not be typed stays when it is not changed', () => {
    const filter = flagFilter({ sql: "a = 'x /y'", grep: 'm' });
    view = new View({ filter });
    view.keys('f', 'enter');
    expect(view.stream.filter).toBe(filter);
  });
});

describe('a dead broker', () => {
  it('leaves what was shown, and lets one ask again', () => {
    view.window({ rows: rows(500, 600), atStart: false }).keys('home').send({ type: 'health', view: 'messages', atMs: 5, reason: 'gone' });
    expect(view.stream).toMatchObject({ loading: false, health: { reason: 'gone' } });
    expect(view.stream.rows).toHaveLength(100);
    view.taken();
    view.keys('home');
    expect(view.taken()).toMatchObject([{ type: 'jump' }]);
  });

  it.each([['Home', ['home']], ['G', ['G']], ['a place', [':', '7', 'enter']]])('is told to whoever goes to %s, once', (_, keys) => {
    const gone = { type: 'health', view: 'messages', atMs: 5, reason: 'nobody answers' } as const;
    view.window({ rows: rows(500, 600), atStart: false, atEnd: false }, { done: true }).keys('k', 'k').window({ rows: rows(500, 600), atStart: false, atEnd: false }, { done: true }).send(gone);
    view.keys(...keys).send(gone);
    expect([view.state.notice, view.stream.rows.length]).toEqual([{ text: 'could not be read: nobody answers', tone: 'bad' }, 100]);
    // It is tried again by itself, and fails again.
    view.keys('?', 'q').send(gone);
    expect(view.state.notice).toBeNull();
  });
});

describe('another size', () => {
  const isShown = ({ selected, top }: { readonly selected: number; readonly top: number }): boolean => selected >= top && selected < top + pageRows(view.state);

  it('keeps what is selected on the screen, in every view and on every page', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from(Array.from({ length: 100 }, (_, line) => `line ${line} ${'x'.repeat(200)}`).join('\n')) });
    view.window({ rows: rows(0, 100) }).keys('k', 'k');
    view.send({ type: 'rows', stream: 'commitlog', window: { rows: rows(0, 100), atStart: true, atEnd: true, arrived: 0, perSecond: null } });
    view.keys('2', 'k', '3').send({ type: 'panel', panel: 'letters', snapshot: rows(0, 100).map((_, index) => index), atMs: 0 }).keys('end', 'k');
    view.send({ type: 'message', message: broker.store.log[0]!, withOthers: false }).keys('end', 'k');
    const on = view.state.details[0]!.lines[view.state.details[0]!.selected]!;
    view.keys('?', 'end');
    for (const [columns, height] of [[40, 9], [200, 60], [60, 12]] as const) {
      view.send({ type: 'resize', columns, rows: height });
      const { help, details, streams, panels } = view.state;
      expect([streams.messages, streams.commitlog, panels['letters']!, details[0]!].map(isShown)).toEqual([true, true, true, true]);
      expect(details[0]!.lines[details[0]!.selected]!.id).toBe(on.id);
      expect(help!.top).toBeLessThanOrEqual(Math.max(0, helpCount(view.state) - pageRows(view.state)));
      expect([streams.messages.selected, streams.commitlog.selected, panels['letters']!.selected]).toEqual([97, 98, 98]);
    }
  });
});

describe('leaving', () => {
  it('q goes back from pages and quits in a view; Ctrl-C quits everywhere', () => {
    view.window({ rows: rows(0, 10) }).keys('?', 'q');
    expect([view.state.help, view.taken()]).toEqual([null, []]);
    view.keys('q');
    expect(view.taken()).toEqual([{ type: 'quit' }]);
    view.keys('?', 'ctrl-c');
    expect(view.taken()).toEqual([{ type: 'quit' }]);
  });
});
