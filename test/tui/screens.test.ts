import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { repeatBySleeping, systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import { openLocalBroker } from '../../src/engine/open.ts';
import { columnsOf } from '../../src/text/columns.ts';
import { PANELS } from '../../src/tui/panels/index.ts';
import { FakeBroker, FakeStore } from '../support/fake-broker.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';
import type { SessionOptions } from '../../src/tui/session.ts';
import { TestView } from './view.ts';

const SIZES = [{ columns: 80, rows: 24 }, { columns: 160, rows: 50 }] as const;
const WAIT = { timeout: 20_000 };
/** Ten minutes after the newest record of the fixture. */
const NOW_MS = Math.max(...readTruth().map(({ storeTimestamp }) => storeTimestamp)) + 600_000;

let broker: Broker;
let view: TestView | undefined;

beforeAll(async () => {
  const real = await openLocalBroker({ storeDirectory: unpackFixture('clean'), mode: 'read', clock: systemClock, onNotice: () => undefined });
  // The path of a fresh directory is another one each time.
  broker = new Proxy(real, {
    get: (target, name) => {
      if (name === 'target') return '/data/rocketmq/store';
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
});

afterEach(() => view?.close());

const shows = (text: string | RegExp) => expect.poll(() => view!.text, WAIT).toMatch(text);

/** As many lines as the screen has, none wider, and the cursor where there is one. */
function fits({ columns, rows }: { readonly columns: number; readonly rows: number }): void {
  expect(view!.painted).toHaveLength(rows);
  for (const line of view!.text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
}

describe.each(SIZES)('at $columns by $rows', (size) => {
  const snapshot = (name: string) => expect(`${view!.text}\n`).toMatchFileSnapshot(`screens/${name}-${size.columns}x${size.rows}.txt`);

  const open = (more: Partial<SessionOptions> = {}): TestView => (view = new TestView(broker, { size, clock: frozen(NOW_MS), panels: PANELS, ...more }));

  it('messages', async () => {
    open();
    await shows(/> .*delay level 6/);
    fits(size);
    await snapshot('messages');
  });

  it('commit log', async () => {
    open({ start: 'commitlog' });
    await shows(/> +111297 /);
    if (size.columns > 100) await shows(/and \d+ more queues[^]*│ retry-group/);
    fits(size);
    await snapshot('commit-log');
  });

  it.each([
    ['3', 'queues', /^> +Batch +0 /m], ['4', 'groups', /^> +dump-reader /m], ['5', 'delayed', /^> /m], ['6', 'dead-letters', /^> .*retry-group/m], ['7', 'half-messages', /^> .*tx-u/m],
  ] as const)('%s: %s', async (key, name, row) => {
    open().press(key);
    await shows(row);
    fits(size);
    await snapshot(name);
  });

  it('a dead letter, and what is asked of the user', async () => {
    view = open();
    await shows('delay level 6');
    view.press('k');
    await shows(/> .*%DLQ%/);
    view.press('enter');
    await shows(/^..topic +%DLQ%/m);
    view.press('o');
    await shows('record ');
    fits(size);
    await snapshot('detail');
    view.press('e');
    await shows('export this message to: messages.ndjson');
    view.press('esc');
    await shows('? keys');
    view.press('esc');
    await shows('PAUSED');
    view.press('f');
    await shows('filter: ');
    view.press('sql:a > ', 'enter');
    await shows(/sql, character/);
    await snapshot('filter');
  });

  it('keys', async () => {
    view = open();
    view.press('?');
    await shows('Keys');
    fits(size);
    await snapshot('help');
  });

  it('wide characters, emoji, control characters and JSON', async () => {
    const clock = frozen(Date.UTC(2026, 10, 23, 12));
    const store = new FakeStore(clock);
    const fake = new FakeBroker({ store, target: '/data/rocketmq/store' });
    const topic = 'orders';
    await fake.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    for (const [tags, key, body] of [
      ['普通', '订单-1', '您的订单已经发货，预计三天之内送达，感谢您的支持与信任，祝您生活愉快，下次再见'], ['🚀', 'rocket', '🚀🎉👩‍👩‍👧 launched 🇩🇪'], ['plain', 'k-3', 'a plain body'],
      ['kana', 'カナ', 'ひらがなとカタカナ ﾊﾝｶｸ'], ['ctrl', 'k\u0007', 'red \u001b[31m, bell \u0007, tab \t, override \u202e'], ['json', 'j-1', '{"id":12345678901234567890,"items":[{"sku":"中","n":1},[],{}],"note":"a\\"b"}'],
    ] as const) await fake.send({ topic, body: Buffer.from(body), tags, keys: [key], msgId: `0000000000000000000000000000000${tags.length}` });
    view = new TestView(fake, { size, clock });
    await shows('12345678901234567890');
    fits(size);
    await snapshot('wide');
    view.press('enter');
    await shows('"items": [');
    await snapshot('json');
    view.press('b', 'b');
    await shows('00000000  7b 22');
    view.press('y');
    await expect.poll(() => view!.copied, WAIT).toEqual([topic]);
  });
});

it('a view that the target cannot give says why', async () => {
  const fake = new FakeBroker({ target: '/data/rocketmq/store' });
  await fake.createTopic('orders', { readQueueNums: 1, writeQueueNums: 1 });
  await fake.send({ topic: 'orders', body: Buffer.from('one') });
  fake.readLog = () => {
    throw new MqliteError('UNREACHABLE', 'broker-a does not answer');
  };
  view = new TestView(fake, { start: 'commitlog' });
  await shows('broker-a does not answer');
  view.press('1');
  await shows(/> .* one$/m);
});

it('the log of a cluster whose masters have one each begins without an error', async () => {
  const fake = new FakeBroker({ target: 'mq1:9876', kind: 'remote' });
  await fake.createTopic('orders', { readQueueNums: 1, writeQueueNums: 1 });
  await fake.send({ topic: 'orders', body: Buffer.from('one'), keys: ['o-1'] });
  const readLog = fake.readLog.bind(fake);
  fake.readLog = (query, signal) => {
    if (query.from.at === 'offset') throw new MqliteError('UNSUPPORTED', '0 is a place in the log of one broker; the cluster has 2, each with a log of its own');
    return readLog(query, signal);
  };
  view = new TestView(fake);
  await shows(/> .* one$/m);
  view.press('2');
  await shows(/^FOLLOWING {2}all logs, as queues list them$/m);
  expect(view.text).toMatch(/^> broker-a +0 .* o-1 /m);
  expect(view.text).not.toContain('is a place');
});

/** Time stands still, and who waits for a second or more waits for ever: every table is loaded once, and no rate is known. */
function frozen(nowMs: number): typeof systemClock {
  const never = (signal?: AbortSignal): Promise<void> => new Promise((resolve) => (signal?.aborted === true ? resolve() : signal?.addEventListener('abort', () => resolve(), { once: true })));
  const clock = { nowMs: () => nowMs, elapsedMs: systemClock.elapsedMs, sleep: (delayMs: number, signal?: AbortSignal) => (delayMs >= 1000 ? never(signal) : systemClock.sleep(delayMs, signal)) };
  return { ...clock, repeat: (delayMs, next) => repeatBySleeping(clock, delayMs, next) };
}
