import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { MqliteError } from '../../../../src/broker/errors.ts';
import { findDelayed } from '../../../../src/client/delayed.ts';
import { snapshotTree } from '../../../support/tree-snapshot.ts';
import { DelayStore, START_MS } from './support.ts';

const DAY_MS = 86_400_000;
const SECOND = Math.floor(START_MS / 1000) * 1000;

describe('delivery of delayed messages', () => {
  let store: DelayStore;
  beforeEach(async () => {
    store = new DelayStore();
    await store.make();
  });
  afterEach(() => store.broker.close());

  it('a level: not a millisecond early, with what the broker leaves in the properties', async () => {
    const { deliverAtMs, msgId } = await store.send('x', { delayLevel: 3, tags: 'A', keys: ['k'] });
    expect(deliverAtMs).toBe(START_MS + 10_000);
    expect(await store.at(deliverAtMs! - 1)).toEqual([]);
    expect(await store.at(deliverAtMs!)).toEqual(['x']);
    const [message] = await store.messages();
    expect(message).toMatchObject({ tags: 'A', keys: ['k'], msgId, bornTimestamp: START_MS, storeTimestamp: deliverAtMs, preparedTransactionOffset: 0 });
    expect(message!.properties).toMatchObject({ DELAY: '3', REAL_TOPIC: 'T', REAL_QID: '0' });
    expect((await store.broker.delayProgress()).levels[2]!.nextOffset).toBe(1);
  });

  it('timer messages of one second: each in its millisecond, and none again when another process goes on', async () => {
    const dues = [SECOND + 5000, SECOND + 5001, SECOND + 5400, SECOND + 5999, SECOND + 6000, SECOND + 6001];
    for (const due of dues) await store.send(String(due - SECOND), { deliverAtMs: due });
    const delivered: string[] = [];
    await store.at(START_MS);
    for (const due of dues) {
      expect(await store.at(due - 1)).toEqual(delivered);
      delivered.push(String(due - SECOND));
      expect(await store.at(due)).toEqual(delivered);
      await store.reopen();
      expect(await store.at(due)).toEqual(delivered);
    }
    expect(await store.at(SECOND + 60_000)).toEqual(delivered);
    const [message] = await store.messages();
    expect(message!.properties).toMatchObject({ TIMER_OUT_MS: String(SECOND + 4000), TIMER_DELIVER_MS: String(SECOND + 5000), TIMER_DEQUEUE_MS: String(SECOND + 5000), TIMER_ENQUEUE_MS: String(SECOND) });
  });

  it('a message sent into the second that is being read comes in time', async () => {
    await store.send('first', { deliverAtMs: SECOND + 2200 });
    expect(await store.at(SECOND + 2200)).toEqual(['first']);
    await store.send('second', { deliverAtMs: SECOND + 2300 });
    await store.send('third', { delayMs: 500 });
    expect(await store.at(SECOND + 2299)).toEqual(['first']);
    expect(await store.at(SECOND + 2300)).toEqual(['first', 'second']);
    expect(await store.at(SECOND + 2700)).toEqual(['first', 'second', 'third']);
  });

  it('more than two days ahead: put again on the way, delivered once', async () => {
    const due = START_MS + 2.6 * DAY_MS;
    await store.send('far', { deliverAtMs: due });
    await store.at(START_MS);
    expect(await store.at(START_MS + 1.1 * DAY_MS)).toEqual([]);
    const waiting = await store.messages('rmq_sys_wheel_timer');
    expect(waiting.map(({ properties }) => properties['TIMER_ROLL_TIMES'])).toEqual([undefined, '1']);
    expect((await findDelayed(store.broker, new AbortController().signal)).delayed).toMatchObject([{ deliverTimestamp: due, topic: 'T' }]);
    expect(await store.at(due - 1)).toEqual([]);
    expect(await store.at(due)).toEqual(['far']);
    expect(await store.at(due + 3 * DAY_MS)).toEqual(['far']);
  });

  it('taken back more than two days ahead: never delivered', async () => {
    const { recallHandle } = await store.send('far', { delayMs: 2.9 * DAY_MS });
    await store.broker.recall('T', recallHandle!);
    await store.reopen();
    for (let days = 0.5; days < 4; days += 0.5) expect(await store.at(START_MS + days * DAY_MS)).toEqual([]);
    expect((await findDelayed(store.broker, new AbortController().signal)).delayed).toEqual([]);
  });

  it('taken back in the last millisecond counts, in the next one it is refused', async () => {
    const { recallHandle, deliverAtMs } = await store.send('x', { delayMs: 1500 });
    await store.at(deliverAtMs! - 1);
    await store.broker.recall('T', recallHandle!);
    expect(await store.at(deliverAtMs! + 2000)).toEqual([]);
    const late = await store.send('y', { delayMs: 1500 });
    expect(await store.at(late.deliverAtMs!)).toEqual(['y']);
    await expect(store.broker.recall('T', late.recallHandle!)).rejects.toSatisfy((error) => error instanceof MqliteError && error.code === 'REFUSED');
  });

  it('what became due while nobody was there is delivered at the next opening, in order, but not what was taken back', async () => {
    const gone = await store.send('gone', { delayMs: 4000 });
    for (const after of [3000, 1000, 2000]) await store.send(String(after), { delayMs: after });
    await store.broker.recall('T', gone.recallHandle!);
    await store.reopen(() => (store.clock.now += 30 * DAY_MS));
    expect(await store.bodies()).toEqual(['1000', '2000', '3000']);
    await store.reopen(() => (store.clock.now += 30 * DAY_MS));
    expect(await store.bodies()).toEqual(['1000', '2000', '3000']);
  });

  it('looking delivers nothing and writes nothing', async () => {
    await store.send('level', { delayLevel: 1 });
    await store.send('timer', { delayMs: 700 });
    await store.broker.close();
    store.clock.now += 60_000;
    const before = snapshotTree(store.directory);
    const reader = await openLocalBroker({ storeDirectory: store.directory, mode: 'read', clock: store.clock });
    const { delayed } = await findDelayed(reader, new AbortController().signal);
    expect(delayed.map(({ message, deliverTimestamp }) => [message.body.toString(), deliverTimestamp])).toEqual([['timer', START_MS + 700], ['level', START_MS + 1000]]);
    await reader.close();
    expect(snapshotTree(store.directory)).toEqual(before);
    await store.open();
    expect((await store.bodies()).sort()).toEqual(['level', 'timer']);
  });

  it('a topic that was deleted meanwhile stays deleted, and that is said', async () => {
    await store.send('level', { delayLevel: 1 });
    await store.send('timer', { delayMs: 1500 });
    await store.send('kept', { delayMs: 1500 }, 'Other');
    await store.broker.deleteTopic('T');
    await store.at(START_MS + 5000).catch(() => []);
    expect((await store.broker.listTopics()).map(({ topic }) => topic)).not.toContain('T');
    expect(await store.bodies('Other')).toEqual(['kept']);
    expect(store.notices.filter((notice) => notice.includes('passed over: topic T was deleted'))).toHaveLength(2);
  });

  it('a clock that is set back delays nothing for longer than the delay', async () => {
    await store.send('x', { delayLevel: 1 });
    expect(await store.at(START_MS - 3_600_000)).toEqual(['x']);
  });

  it('a thousand levels and timers in one batch of sends arrive once each', async () => {
    const messages = Array.from({ length: 3000 }, (_, index) => ({ topic: 'T', body: Buffer.from(String(index)), ...(index % 2 === 0 ? { delayLevel: 1 + index % 3 } : { delayMs: 1 + index % 2500 }) }));
    for (const outcome of await store.broker.sendBatch(messages)) if ('error' in outcome) throw outcome.error;
    for (let step = 0; step < 12; step++) await store.at(START_MS + step * 1000);
    const found = await store.at(START_MS + 20_000);
    expect(found.map(Number).sort((a, b) => a - b)).toEqual(messages.map((_, index) => index));
  });
});
