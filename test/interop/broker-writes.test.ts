import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { parseBrokerJson } from '../../src/engine/state/broker-json.ts';
import { damageIn, openForReading, readAll, toRow } from './support/mqlite.ts';
import { differences } from './support/rows.ts';
import { commitLogFiles, copyStore, FIXTURE_CONFIG, temporaryDirectory, treeSnapshot, type TruthRow } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';
import type { JavaSession } from './support/java-client.ts';
import { javaWorkload } from './support/workload.ts';

const CONFIG = { ...FIXTURE_CONFIG, mappedFileSizeConsumeQueue: 20_000 };

/** What the official client saw, to be found again by mqlite. */
interface Seen {
  readonly rows: TruthRow[];
  readonly since: number;
  readonly committed: { readonly queueId: number; readonly committedOffset: number | null }[];
}

async function look(client: JavaSession): Promise<Seen> {
  const since = Date.now();
  return { rows: await client.pullAll(), since, committed: await client.committed('steady', 'Many3') };
}

async function expectSameLook(directory: string, seen: Seen): Promise<void> {
  const before = treeSnapshot(directory);
  const broker = await openForReading(directory);
  try {
    expect(differences(await readAll(broker), seen.rows, seen.since)).toEqual([]);
    await expectSameAnswers(broker, seen);
    expect(broker.damage()).toEqual([]);
  } finally {
    await broker.close();
  }
  expect(await damageIn(directory)).toEqual([]);
  expect(treeSnapshot(directory), 'looking must not write').toEqual(before);
}

async function expectSameAnswers(broker: Broker, seen: Seen): Promise<void> {
  const sample = seen.rows.filter((row) => row.topic === 'Volume' && row.queueOffset % 250 === 0);
  expect(sample.length).toBeGreaterThan(8);
  for (const row of sample) {
    expect((await broker.queryByMsgId(row.offsetMsgId)).messages.map(toRow)).toEqual([expect.objectContaining({ ...row })]);
    expect((await broker.queryByMsgId(row.msgId, row.topic)).messages.map((message) => message.offsetMsgId)).toEqual([row.offsetMsgId]);
    const found = await broker.queryByKey({ topic: row.topic, key: row.properties['KEYS'] ?? '', maxMessages: 10 });
    expect(found.messages.map((message) => message.offsetMsgId)).toEqual([row.offsetMsgId]);
  }
  const committed = (await broker.committedOffsets('steady', 'Many3')).map((row) => ({ queueId: row.queue.queueId, committedOffset: row.committedOffset }));
  expect(committed.filter((row) => row.committedOffset !== null)).toEqual(seen.committed.filter((row) => row.committedOffset !== null));
}

/** Waits for the broker to write down what the client committed: it does so every 5 s, 10 s after its start for the first time. */
async function untilWritten(directory: string, { committed }: Seen): Promise<void> {
  const expected = Object.fromEntries(committed.flatMap(({ queueId, committedOffset }) => (committedOffset === null ? [] : [[queueId, committedOffset]])));
  await expect.poll(async () => (await committedInFile(directory))['Many3@steady'], { timeout: 30_000, interval: 100 }).toEqual(expected);
}

async function committedInFile(directory: string): Promise<Record<string, unknown>> {
  try {
    const { offsetTable } = parseBrokerJson(await readFile(join(directory, 'config', 'consumerOffset.json'), 'utf8')) as unknown as { offsetTable: Record<string, unknown> };
    return offsetTable;
  } catch {
    // Not there yet, or read while it is being replaced.
    return {};
  }
}

describeInterop('a store that a broker wrote', (world) => {
  it('reads the same in mqlite as in the official client, killed and stopped', async () => {
    const directory = temporaryDirectory('broker-writes');
    const first = await world.broker({ storeDirectory: directory, config: CONFIG });
    await javaWorkload(first.client);
    const seen = await look(first.client);
    expect(seen.rows.length).toBeGreaterThan(3000);
    for (const topic of ['SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC', 'rmq_sys_wheel_timer', '%DLQ%failing', 'Tx', 'Late']) {
      expect(seen.rows.some((row) => row.topic === topic), topic).toBe(true);
    }
    await first.client.close();
    await untilWritten(directory, seen);
    await first.broker.kill();
    expect(commitLogFiles(directory).length).toBeGreaterThanOrEqual(3);
    await expectSameLook(copyStore(directory), seen);

    const second = await world.broker({ storeDirectory: directory, config: CONFIG });
    await second.client.send([{ topic: 'Volume', body: 'after the kill', keys: 'volume-after' }]);
    const again = await look(second.client);
    expect(differences(again.rows, seen.rows, seen.since)).toEqual([]);
    await second.client.close();
    await second.broker.stop();
    await expectSameLook(copyStore(directory), again);
  });
});
