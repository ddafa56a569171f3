import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { OutgoingMessage, SendResult } from '../../src/broker/types.ts';
import { storeInfo } from '../../src/engine/inspect/info.ts';
import { initStore } from '../../src/engine/inspect/init.ts';
import { verifyStore } from '../../src/engine/inspect/verify.ts';
import { brokerConfigOf, damageIn, openForWriting, readStore } from './support/mqlite.ts';
import { copyStore, temporaryDirectory, type TruthRow } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const SIZES = { segmentSizeBytes: 1_048_576, consumeQueueFileEntries: 1000, indexSlotCount: 1000, indexMaxCount: 4000 };
const CONFIG = { mappedFileSizeCommitLog: 1_048_576, mappedFileSizeConsumeQueue: 20_000, maxHashSlotNum: 1000, maxIndexNum: 4000 };
/** A broker looks every 100 ms, and at whole seconds only; a second delivery would come by then. */
const SETTLE_MS = 3000;

async function until<T>(look: () => Promise<T>, isDone: (value: T) => boolean, timeoutMs: number): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (isDone(value) || Date.now() > endMs) return value;
    await sleep(200);
  }
}

/** Each expected body once, none early; a line for each that is not so. */
function wrong(rows: readonly TruthRow[], dueMs: ReadonlyMap<string, number>): string[] {
  const found = new Map<string, TruthRow[]>();
  for (const row of rows) found.set(row.msgId, [...(found.get(row.msgId) ?? []), row]);
  const lines = [...dueMs].flatMap(([id, due]) => {
    const copies = found.get(id) ?? [];
    if (copies.length !== 1) return [`${id} is there ${copies.length} times`];
    return copies[0]!.storeTimestamp < due ? [`${id} came ${due - copies[0]!.storeTimestamp} ms early`] : [];
  });
  return [...lines, ...[...found.keys()].filter((id) => !dueMs.has(id)).map((id) => `${id} was not expected`)];
}

const late = (body: string, delay: Partial<OutgoingMessage>): OutgoingMessage => ({ topic: 'Late', body: Buffer.from(body), keys: [body], tags: 'T', ...delay });

describeInterop('delayed messages', (world) => {
  it.each(['closed', 'killed'])('of a store that mqlite %s: the broker delivers each once, not early, and none that was delivered or taken back', async (ending) => {
    const directory = temporaryDirectory('delay');
    await initStore({ storeDirectory: directory, ...SIZES, messageDelayLevel: '1s 9s 11s 40s' });
    const broker = await openForWriting(directory);
    const dueMs = new Map<string, number>();
    const send = async (body: string, delay: Partial<OutgoingMessage>): Promise<SendResult> => {
      const sent = await broker.send(late(body, delay));
      dueMs.set(sent.msgId, sent.deliverAtMs ?? 0);
      return sent;
    };
    await broker.createTopic('Late', { readQueueNums: 2, writeQueueNums: 2 });
    const soon = Math.ceil(Date.now() / 1000) * 1000 + 1000;
    // These mqlite delivers itself, the last ones in a second that is not over.
    for (let i = 0; i < 5; i++) await send(`mqlite level ${i}`, { delayLevel: 1 });
    for (let i = 0; i < 40; i++) await send(`mqlite timer ${i}`, { deliverAtMs: soon + i * 40 });
    const ours = dueMs.size;
    for (const level of [2, 3]) for (let i = 0; i < 10; i++) await send(`level ${level} ${i}`, { delayLevel: level });
    for (let i = 0; i < 20; i++) await send(`timer ${i}`, { deliverAtMs: soon + 8000 + i * 170 });
    const cancelled = await send('cancelled', { deliverAtMs: soon + 9000 });
    const forced = await send('forced', { deliverAtMs: soon + 9500 });
    await broker.recall('Late', cancelled.recallHandle!);
    dueMs.delete(cancelled.msgId);
    await broker.deliverNow('Late', forced.recallHandle!);
    dueMs.set(forced.msgId, 0);
    const far = [await send('far level', { delayLevel: 4 }), await send('far timer', { delayMs: 3_600_000 })];
    const count = async (): Promise<number> => (await Promise.all((await broker.queues('Late')).map((queue) => broker.maxOffset(queue)))).reduce((sum, end) => sum + end, 0);
    expect(await until(count, (found) => found >= ours + 1, 10_000)).toBe(ours + 1);
    if (ending === 'closed') await broker.close();
    const copy = copyStore(directory);
    if (ending === 'killed') await broker.close();

    const { broker: real, client } = await world.broker({ storeDirectory: copy, config: await brokerConfigOf(directory) });
    for (const { msgId } of far) dueMs.delete(msgId);
    const rows = await until(() => client.pullAll(['Late']), (found) => found.length >= dueMs.size, 30_000);
    expect(wrong(rows, dueMs)).toEqual([]);
    await sleep(SETTLE_MS);
    expect(wrong(await client.pullAll(['Late']), dueMs)).toEqual([]);
    await real.stop();
    expect(real.complaints()).toEqual([]);
    // And back: mqlite has nothing left to deliver but what is far away.
    const again = await openForWriting(copy);
    await sleep(1500);
    await again.close();
    expect(wrong(await readStore(copy, ['Late']), dueMs)).toEqual([]);
    expect(await damageIn(copy)).toEqual([]);
  });

  it.each(['stopped', 'killed'])('pending in the store of a broker that was %s: mqlite delivers each once, not early, and a broker none of them again', async (ending) => {
    const config = { ...CONFIG, recallMessageEnable: true };
    const directory = temporaryDirectory('delay-broker');
    const { broker: real, client } = await world.broker({ storeDirectory: directory, config });
    await client.createTopic('Late', { queues: 2 });
    const before = Date.now();
    const delays = [{ delayLevel: 1 }, { delayLevel: 3 }, { delayLevel: 3 }, { delayMs: 1500 }, { delayMs: 12_400 }, { delayMs: 13_000 }];
    const DELAY_MS = [1000, 10_000, 10_000, 1500, 12_400, 13_000];
    const dueMs = new Map<string, number>();
    for (let i = 0; i < 5; i++) {
      const sent = await client.send(delays.map((delay) => ({ topic: 'Late', body: `${i} ${JSON.stringify(delay)}`, tags: 'T', keys: `k${i}`, ...delay })));
      // A broker floors a timer message to whole seconds, and is up to a second late.
      sent.forEach(({ msgId }, index) => dueMs.set(msgId, before + DELAY_MS[index]!));
    }
    const early = await until(() => client.pullAll(['Late']), (rows) => rows.length >= 10, 6000);
    expect(early).toHaveLength(10);
    // So that the broker has written down what it delivered.
    await sleep(1500);
    if (ending === 'stopped') await real.stop();
    else await real.kill();
    const copy = copyStore(directory);

    // A killed broker writes its delay offsets every 10 s only: what it delivered since is looked up, not delivered again.
    const broker: Broker = await openForWriting(copy);
    const all = async (): Promise<number> => (await Promise.all((await broker.queues('Late')).map((queue) => broker.maxOffset(queue)))).reduce((sum, end) => sum + end, 0);
    await until(all, (found) => found >= dueMs.size, 20_000);
    await sleep(1500);
    expect(broker.notices().filter((notice) => /passed over|cannot|made anew/.test(notice))).toEqual([]);
    await broker.close();
    expect(wrong(await readStore(copy, ['Late']), dueMs)).toEqual([]);
    expect(await damageIn(copy)).toEqual([]);

    const second = await world.broker({ storeDirectory: copy, config });
    await sleep(SETTLE_MS);
    expect(wrong(await second.client.pullAll(['Late']), dueMs)).toEqual([]);
    await second.broker.stop();
    expect(second.broker.complaints()).toEqual([]);
  });

  it('of a broker with levels of its own: its messages tell them, nothing is called damage, and once they are given mqlite delivers by them', async () => {
    const ownLevels = { ...CONFIG, messageDelayLevel: '2s 4s 90s' };
    const directory = temporaryDirectory('delay-levels');
    const { broker: real, client } = await world.broker({ storeDirectory: directory, config: ownLevels });
    await client.createTopic('Late', { queues: 2 });
    const before = Date.now();
    const levels = [1, 2, 2, 3, 9];
    const sent = await client.send(levels.map((delayLevel, i) => ({ topic: 'Late', body: `level ${delayLevel}`, tags: 'T', keys: `k${i}`, delayLevel })));
    await real.stop();
    const unsure = 'messages of level 1 wait 2s instead of 1s, level 2 wait 4s instead of 5s, level 3 wait 90s instead of 10s; levels behind 3 do not show';
    const { identity, notes } = await storeInfo({ storeDirectory: directory });
    expect(identity.messageDelayLevel).toBe('2s 4s 90s');
    expect(notes).toContain(`messageDelayLevel is not known: ${unsure}`);
    expect(await damageIn(directory)).toEqual([]);
    await expect(openForWriting(directory)).rejects.toThrow(`cannot tell messageDelayLevel (${unsure})`);

    const copy = copyStore(directory);
    mkdirSync(join(copy, 'mqlite'));
    writeFileSync(join(copy, 'mqlite/store.json'), JSON.stringify({ messageDelayLevel: ownLevels.messageDelayLevel }));
    const broker = await openForWriting(copy);
    const dueMs = new Map(sent.slice(0, 3).map(({ msgId }, i) => [msgId, before + [2000, 4000, 4000][i]!]));
    const ours = await broker.send(late('ours', { delayLevel: 2 }));
    dueMs.set(ours.msgId, ours.deliverAtMs!);
    const all = async (): Promise<number> => (await Promise.all((await broker.queues('Late')).map((queue) => broker.maxOffset(queue)))).reduce((sum, end) => sum + end, 0);
    await until(all, (found) => found >= dueMs.size, 15_000);
    expect(broker.notices()).toEqual([]);
    await broker.close();
    expect(wrong(await readStore(copy, ['Late']), dueMs)).toEqual([]);
    expect(await damageIn(copy)).toEqual([]);

    // Its conf is changed: what is new waits otherwise than store.json says, which is no damage either.
    const changed = await world.broker({ storeDirectory: copy, config: { ...CONFIG, messageDelayLevel: '1s 4s 90s' } });
    const [quick] = await changed.client.send([{ topic: 'Late', body: 'quick', delayLevel: 1 }]);
    const rows = await until(() => changed.client.pullAll(['Late']), (found) => found.some(({ msgId }) => msgId === quick!.msgId), 15_000);
    expect(rows.map(({ msgId }) => msgId)).toContain(quick!.msgId);
    await changed.broker.stop();
    expect(changed.broker.complaints()).toEqual([]);
    const report = await verifyStore({ storeDirectory: copy });
    expect(report.damage).toEqual([]);
    expect(report.notes.filter((note) => note.includes('delay level'))).toEqual([
      `1 message of delay level 1 waits 1s instead of 2s, due when the queue entry says: the broker's messageDelayLevel is not what ${join(copy, 'mqlite/store.json')} says; write what broker.conf has into that file`,
    ]);
  });
});
