import { beforeEach, describe, expect, it } from 'vitest';
import type { Key } from 'ink';
import { repeatBySleeping } from '../../../src/base/clock.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { columnsOf } from '../../../src/text/columns.ts';
import { flagFilter, parseViewFilter } from '../../../src/tui/filter.ts';
import { FramePacer } from '../../../src/tui/frame-pacer.ts';
import { keyNames } from '../../../src/tui/input.ts';
import { cutLine, lineColumns, lineText, span, spread, withCursor } from '../../../src/tui/line.ts';
import { reindentJson } from '../../../src/tui/reindent-json.ts';
import { logRow, wholeCharacters } from '../../../src/tui/rows.ts';
import { repaint, Screen } from '../../../src/tui/screen.ts';
import { paint } from '../../../src/tui/theme.ts';
import { commitLogTable } from '../../../src/tui/views/commit-log.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

describe('lines', () => {
  it('are cut with a mark and keep their tones', () => {
    const line = [span('abc', 'good'), span('中文', 'bad'), span('xyz')];
    expect(cutLine(line, 10)).toBe(line);
    for (let columns = 1; columns < 10; columns++) {
      expect(lineColumns(cutLine(line, columns))).toBeLessThanOrEqual(columns);
      expect(lineText(cutLine(line, columns))).toMatch(/…$/);
    }
    expect(cutLine(line, 6)).toEqual([span('abc', 'good'), span('中…', 'bad')]);
  });

  it('show the cursor by a sign and inverse, a mark by a star, over the whole width', () => {
    expect(withCursor([span('row')], 10, true, true)).toEqual([span('>*row     ', 'selected')]);
    expect(lineText(withCursor([span('row')], 10, false, false))).toBe('  row');
    expect(lineText(spread([span('left')], [span('right')], 12))).toBe('left   right');
    expect(lineText(spread([span('left')], [span('right')], 8))).toBe('left');
  });

  it('are painted with colours, or without', () => {
    expect(paint([span('a'), span('b', 'bad')], true)).toBe('a\u001b[31mb\u001b[0m');
    expect(paint([span('a', 'good'), span('b', 'selected')], false)).toBe('a\u001b[7mb\u001b[0m');
  });
});

describe('the screen', () => {
  class Output {
    readonly columns = 80;
    readonly rows = 24;
    readonly writableLength = 0;
    text = '';
    write(text: string): void {
      this.text += text;
    }
    on(): void {}
    off(): void {}
  }

  it('writes lines that have changed, and nothing when none has', () => {
    expect(repaint(['a', 'b', 'c'], ['a', 'x', 'c'])).toBe('\u001b[?2026h\u001b[2;1H\u001b[2Kx\u001b[?2026l');
    expect(repaint(['a', 'b'], ['a', 'b'])).toBe('');
    expect(repaint(['a', 'b'], ['a'])).toContain('\u001b[2;1H\u001b[2K');
  });

  it('is left once, and takes nothing after that', () => {
    const output = new Output();
    const screen = new Screen(output);
    screen.enter();
    screen.leave();
    const { text } = output;
    expect(text).toContain('\u001b[?1049l');
    screen.leave();
    screen.paint(['late']);
    screen.copy('late');
    expect(output.text).toBe(text);
  });
});

describe('keys as ink reads them', () => {
  const plain = Object.fromEntries(['upArrow', 'return', 'escape', 'ctrl', 'shift', 'meta', 'tab'].map((name) => [name, false])) as unknown as Key;

  it('have names, also several that came in one piece', () => {
    expect(keyNames('', { ...plain, upArrow: true })).toEqual(['up']);
    expect(keyNames('', { ...plain, tab: true, shift: true })).toEqual(['shift-tab']);
    expect(keyNames('d', { ...plain, ctrl: true })).toEqual(['ctrl-d']);
    expect(keyNames('\u0015a b中\r', plain)).toEqual(['ctrl-u', 'a', 'space', 'b', '中', 'enter']);
    expect(keyNames('x', { ...plain, meta: true })).toEqual([]);
  });
});

describe('a filter as it is typed', () => {
  it('is tags, SQL, a regular expression, or both', () => {
    expect(parseViewFilter(' ')).toBeNull();
    expect(parseViewFilter('*')).toBeNull();
    expect(parseViewFilter('A || B')).toMatchObject({ compiled: { expression: { tags: 'A || B' } }, grep: null });
    expect(parseViewFilter('sql:a > 5 /x y/i')).toMatchObject({ compiled: { expression: { sql: 'a > 5' } }, grep: /x y/iu });
    expect(parseViewFilter('/a/b/')).toMatchObject({ compiled: null, grep: /a\/b/u });
    expect(() => parseViewFilter('sql:')).toThrow('empty');
    expect(() => parseViewFilter('/(/')).toThrow('Invalid regular expression');
  });

  it('is what flags say, whatever is in them', () => {
    expect(flagFilter({ tag: 'A', grep: 'x+' })).toMatchObject({ text: 'A /x+/', compiled: { expression: { tags: 'A' } }, grep: /x+/u });
    expect(flagFilter({ sql: "a = 'x /y'", grep: 'm' })).toMatchObject({ compiled: { expression: { sql: "a = 'x /y'" } }, grep: /m/u });
    expect(flagFilter({ sql: "a = '/b/'" })).toMatchObject({ compiled: { expression: { sql: "a = '/b/'" } }, grep: null });
    expect(flagFilter({ grep: '' })).toMatchObject({ compiled: null, grep: /(?:)/u });
    expect(flagFilter({ grep: 'a/i' })?.grep?.source).toBe('a\\/i');
    expect([flagFilter({}), flagFilter({ tag: '*' })]).toEqual([null, null]);
  });
});

describe('bodies', () => {
  it('JSON gets lines and keeps each number as it stands', () => {
    expect(reindentJson('{"a":12345678901234567890,"b":[],"c":[1,{"d":"x,y:{"}]}')).toBe('{\n  "a": 12345678901234567890,\n  "b": [],\n  "c": [\n    1,\n    {\n      "d": "x,y:{"\n    }\n  ]\n}');
    for (const text of ['{"a":1', 'plain', '12', '"text"']) expect(reindentJson(text)).toBeNull();
    const document = { deep: [{ a: [[], {}, null, true, -1.5e3] }, 'quote " and \\ end'] };
    expect(JSON.parse(reindentJson(JSON.stringify(document))!)).toEqual(document);
  });

  it('are cut between characters', () => {
    const bytes = Buffer.from('ab中🚀');
    for (let length = 0; length <= bytes.length; length++) {
      const whole = wholeCharacters(bytes.subarray(0, length));
      expect(whole.toString('utf8')).not.toContain('\ufffd');
      expect(length - whole.length).toBeLessThan(4);
    }
  });
});

describe('a damaged log', () => {
  it('has no way to the terminal through the topic of a record', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('x'), tags: '\u001b[2Jt' });
    const message = { ...broker.store.log[0]!, topic: 'evil\u001b]0;x\u0007' };
    const rows = [
      logRow({ recordType: 'message', commitLogOffset: 0, sizeBytes: 10, tagsCode: 1n, crcOk: false, message }),
      logRow({ recordType: 'damaged', commitLogOffset: 10, sizeBytes: 5, reason: 'magic code \u001b[31m' }),
      logRow({ recordType: 'blank', commitLogOffset: 15, sizeBytes: 100 }),
    ];
    const table = commitLogTable(rows, 100, 0);
    const lines = rows.map((row) => lineText(table.row(row)));
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f]/);
    expect(lines.map((line) => columnsOf(line))).toEqual([100, 100, 100]);
    expect(lines.map((line) => /BAD|DMG|blank/.exec(line)?.[0])).toEqual(['BAD', 'DMG', 'blank']);
  });
});

describe('frames', () => {
  let nowMs = 0;
  let costMs = 0;
  let drawn: number[] = [];
  let timers: { readonly dueMs: number; readonly run: () => void }[] = [];
  const clock: Clock = {
    nowMs: () => nowMs, elapsedMs: () => nowMs, sleep: async () => undefined,
    repeat: (delayMs, next) => repeatBySleeping(clock, delayMs, next),
    after: (delayMs, run) => {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => { timers = timers.filter((other) => other !== timer); };
    },
  };
  const pass = (untilMs: number): void => {
    for (;;) {
      const next = timers.filter(({ dueMs }) => dueMs <= untilMs).sort((left, right) => left.dueMs - right.dueMs)[0];
      if (next === undefined) break;
      timers = timers.filter((timer) => timer !== next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.run();
    }
    nowMs = untilMs;
  };
  beforeEach(() => {
    nowMs = 1000;
    costMs = 1;
    drawn = [];
    timers = [];
  });
  const pacer = (isBlocked = () => false): FramePacer => new FramePacer({ clock, isBlocked, draw: () => { drawn.push(nowMs); nowMs += costMs; } });

  it('come at once, and 30 a second at most', () => {
    const frames = pacer();
    for (let ms = 0; ms < 1000; ms++) {
      frames.request(false);
      pass(1000 + ms);
    }
    expect(drawn[0]).toBe(1000);
    expect(drawn.length).toBeGreaterThan(28);
    expect(drawn.length).toBeLessThanOrEqual(31);
  });

  it('become fewer the longer they take, but a key is answered at the highest rate', () => {
    costMs = 60;
    const frames = pacer();
    for (let ms = 0; ms < 2000; ms += 10) {
      frames.request(false);
      pass(Math.max(nowMs, 1000 + ms));
    }
    expect(drawn.length).toBeLessThanOrEqual(11);
    expect(drawn.length).toBeGreaterThanOrEqual(9);
    const lastMs = drawn.at(-1)!;
    pass(nowMs + 300);
    frames.request(false);
    frames.request(true);
    pass(nowMs + 40);
    expect(drawn.at(-1)).toBeGreaterThan(lastMs);
  });

  it('wait for a terminal that has not taken the last one, and end when they are stopped', () => {
    let blocked = true;
    const frames = pacer(() => blocked);
    frames.request(true);
    pass(nowMs + 500);
    expect(drawn).toEqual([]);
    blocked = false;
    pass(nowMs + 50);
    expect(drawn).toHaveLength(1);
    frames.stop();
    frames.request(true);
    pass(nowMs + 500);
    expect(drawn).toHaveLength(1);
  });
});
