import { beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../../src/record/message.ts';
import { layOut, openDetail } from '../../../src/tui/detail.ts';
import type { DetailLine, DetailState } from '../../../src/tui/detail.ts';
import { lineText } from '../../../src/tui/line.ts';
import { reindentJson } from '../../../src/tui/reindent-json.ts';
import { detailLines } from '../../../src/tui/views/pages.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

let broker: FakeBroker;
beforeEach(async () => {
  broker = new FakeBroker();
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
});

async function message(body: string, more: Partial<Parameters<FakeBroker['send']>[0]> = {}): Promise<Message> {
  await broker.send({ topic: 'T', body: Buffer.from(body), ...more });
  return broker.store.log.at(-1)!;
}

describe('JSON that nobody could read', () => {
  it('is shown as the text that it is, however deep', async () => {
    for (const depth of [2500, 16_000]) {
      const body = '['.repeat(depth) + ']'.repeat(depth);
      expect(reindentJson(body)).toBeNull();
      const detail = openDetail(await message(body), 80);
      expect(detail.modes).toEqual(['text', 'hex']);
      expect(detailLines(detail, 80, 20)).toHaveLength(20);
    }
    expect(reindentJson(`${'['.repeat(64)}1${']'.repeat(64)}`)).not.toBeNull();
    // Not deep, and wide.
    expect(reindentJson(`${'['.repeat(60)}${'1,'.repeat(32_000)}1${']'.repeat(60)}`)).toBeNull();
  });

  it('is a page also of more lines than a call takes arguments', async () => {
    const detail = openDetail(await message('x'), 80);
    const lines = Array.from({ length: 300_000 }, () => detail.lines[0]!);
    expect(detailLines({ ...detail, lines }, 80, 20)).toHaveLength(20);
  });
});

/** What the screen shows of some lines, without the marks before them. */
const shown = (detail: DetailState, columns: number, wanted: (line: DetailLine) => boolean): string[] =>
  detailLines({ ...detail, selected: -1, top: 0 }, columns, detail.lines.length).filter((_, index) => wanted(detail.lines[index]!)).map((line) => lineText(line).slice(2));

describe('nothing is lost at the end of a line', () => {
  const long = Array.from({ length: 700 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');

  it.each([30, 60, 80, 121])('of bodies, in %i columns', async (columns) => {
    for (const body of [long, '中文字'.repeat(100), `a${'\u0300'.repeat(900)}b`.repeat(3), '\u0600'.repeat(300)]) {
      const detail = openDetail(await message(body), columns);
      expect(shown(detail, columns, ({ kind }) => kind === 'body').join('')).toBe(detail.lines.filter(({ kind }) => kind === 'body').map(({ text }) => text).join(''));
      expect(shown(detail, columns, ({ kind }) => kind === 'body').join('')).toContain(body.slice(0, 20));
      expect(shown(detail, columns, ({ kind }) => kind === 'body').join('')).toHaveLength(body.length);
    }
    const hex = layOut({ ...openDetail(await message(long), columns), mode: 'hex' }, columns, 20);
    expect(shown(hex, columns, ({ kind }) => kind === 'body').map((line) => line.split('  ').at(-1)!.trimStart()).join('')).toBe(long);
  });

  it('of keys, ids, properties and their names', async () => {
    const key = 'k'.repeat(300);
    const sent = await message('x', { keys: [key], properties: { [`n${long}`]: 'v', short: long } });
    const detail = openDetail({ ...sent, msgId: 'I'.repeat(200) }, 80);
    const text = (id: string): string => shown(detail, 80, (line) => line.id === id).map((line) => line.slice(detail.labelColumns + 2)).join('');
    expect(text('key/0')).toBe(key);
    expect(text('msgId')).toBe('I'.repeat(200));
    expect(text('property/short')).toBe(long);
    expect(shown(detail, 80, ({ id }) => id === `property/n${long}`).map((line) => line.slice(0, detail.labelColumns).trim()).join('')).toBe(`n${long}`);
    for (const line of detail.lines.filter(({ id }) => id === 'key/0')) expect(line.value).toBe(key);
  });
});

describe('the cursor of the page', () => {
  it('stays on what it is on when others are found above it, and that where it was on the screen', async () => {
    const body = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
    const detail = openDetail(await message(body), 80);
    const at = detail.lines.findIndex(({ text }) => text === 'line 50');
    const placed = { ...detail, selected: at, top: at - 7 };
    const others = [await message('other'), await message('another')];
    const found = layOut({ ...placed, related: others }, 80, 20);
    expect(found.lines.length).toBeGreaterThan(detail.lines.length);
    expect([found.lines[found.selected]!.text, found.selected - found.top]).toEqual(['line 50', 7]);
  });

  it('stays on the same part of a long line in another width', async () => {
    const body = Array.from({ length: 40 }, (_, line) => `${line}:${'x'.repeat(300)}`).join('\n');
    const detail = openDetail(await message(body), 160);
    const at = detail.lines.findIndex(({ text }) => text.startsWith('30:')) + 1;
    const narrow = layOut({ ...detail, selected: at, top: at - 5 }, 60, 10);
    const line = narrow.lines[narrow.selected]!;
    expect([line.id, line.part <= 158 && line.part + line.text.length > 158]).toEqual(['body/text/30', true]);
    expect(narrow.selected - narrow.top).toBe(5);
  });
});

it('counts in words as one says them', async () => {
  const sent = await message('again');
  const reconsumed = (reconsumeTimes: number): string[] => shown(openDetail({ ...sent, properties: sent.properties, body: sent.body, reconsumeTimes } as Message, 80), 80, ({ id }) => id === 'reconsumed').map((line) => line.replace(/ +/, ' '));
  expect([reconsumed(0), reconsumed(1), reconsumed(2)]).toEqual([[], ['reconsumed 1 time'], ['reconsumed 2 times']]);
});
