import { expect, it } from 'vitest';
import { acknowledgements, brokerConfigOf, damageIn, lostAcknowledgements, mqlite, openForReading, readStore, runMqlite, smallStore } from './support/mqlite.ts';
import { copyStore } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const ROUNDS = 5;
const TOPIC = 'InUse';
const GROUP = 'readers';

/** Committed offsets by queue, as a process that looks from outside sees them; none before the first commit. */
async function committed(directory: string): Promise<Map<number, number>> {
  const broker = await openForReading(directory);
  try {
    if (!(await broker.listGroups()).some((group) => group.group === GROUP)) return new Map();
    return new Map((await broker.committedOffsets(GROUP, TOPIC)).map((row) => [row.queue.queueId, row.committedOffset ?? 0]));
  } finally {
    await broker.close();
  }
}

/** Keys of every 50th message that the index does not lead to. */
async function keysNotFound(directory: string, count: number): Promise<string[]> {
  const broker = await openForReading(directory);
  try {
    const missing: string[] = [];
    for (let i = 0; i < count; i += 50) {
      const found = await broker.queryByKey({ topic: TOPIC, key: `in-use-${i}`, maxMessages: 5 });
      if (found.messages.length !== 1) missing.push(`in-use-${i}: found ${found.messages.length} times`);
    }
    return missing.length <= 10 ? missing : [`${missing.length} of ${Math.ceil(count / 50)}`, ...missing.slice(0, 10)];
  } finally {
    await broker.close();
  }
}

/**
 * A broker that cannot get the lock still deletes, replaces and rewrites files before it exits [DefaultMessageStore#start]
 * [BrokerController#shutdownBasicService]. Live writers must come through that with nothing lost.
 */
describeInterop('a broker started again and again on a directory in use', (world) => {
  it('is refused every time, and no acknowledged message and no committed offset is lost', async () => {
    const directory = await smallStore('in-use');
    await runMqlite(directory, ['produce', TOPIC, 'the first']);
    const config = await brokerConfigOf(directory);
    const producer = mqlite(directory, ['produce', TOPIC, '--json-input', '--json']);
    const consumer = mqlite(directory, ['consume', TOPIC, '--group', GROUP, '--json']);
    let fed = 0;
    const feeder = setInterval(() => {
      let lines = '';
      for (let i = 0; i < 50; i++, fed++) lines += `${JSON.stringify({ body: `b${fed} ${'y'.repeat(300)}`, keys: [`in-use-${fed}`] })}\n`;
      producer.write(lines);
    }, 50);
    try {
      expect(await producer.until(() => acknowledgements(producer.stdout).length >= 100, 20_000, 'the first acknowledgements'), producer.stderr).toBe(true);
      let before = await committed(directory);
      for (let round = 0; round < ROUNDS; round++) {
        const stored = acknowledgements(producer.stdout).length;
        const attempt = await world.tryBroker({ storeDirectory: directory, config });
        expect(attempt.booted, `round ${round}`).toBe(false);
        expect(attempt.booted ? '' : attempt.output).toMatch(/Lock failed/i);
        expect(producer.exit, producer.stderr).toBeNull();
        expect(consumer.exit, consumer.stderr).toBeNull();
        expect(acknowledgements(producer.stdout).length, 'the producer goes on').toBeGreaterThan(stored);
        const after = await committed(directory);
        for (const [queueId, offset] of before) expect(after.get(queueId) ?? 0, `round ${round}, queue ${queueId}`).toBeGreaterThanOrEqual(offset);
        before = after;
      }
    } finally {
      clearInterval(feeder);
      producer.endInput();
    }
    expect(await producer.exited).toEqual({ code: 0, signal: null });
    const acknowledged = acknowledgements(producer.stdout);
    expect(acknowledged).toHaveLength(fed);
    await consumer.until(() => consumer.stdout.split('\n').length > fed + 1, 30_000, 'the consumer reaching the end');
    expect((await consumer.stop('SIGTERM', 20_000)).code).toBe(143);
    const offsets = [...(await committed(directory)).values()];
    expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(fed + 1);

    expect(lostAcknowledgements(acknowledged, await readStore(directory, [TOPIC]))).toEqual([]);
    expect.soft(await keysNotFound(directory, fed)).toEqual([]);
    expect.soft(await damageIn(directory)).toEqual([]);

    const { broker, client } = await world.broker({ storeDirectory: copyStore(directory), config });
    const rows = await client.pullAll([TOPIC]);
    expect(lostAcknowledgements(acknowledged, rows)).toEqual([]);
    expect(rows).toHaveLength(fed + 1);
    expect.soft((await client.findByKey(TOPIC, 'in-use-0')).length).toBe(1);
    expect((await client.committed(GROUP, TOPIC)).reduce((sum, row) => sum + (row.committedOffset ?? 0), 0)).toBe(fed + 1);
    await broker.kill();
    expect(broker.complaints()).toEqual([]);
  });
});
