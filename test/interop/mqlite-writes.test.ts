import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { SendResult } from '../../src/broker/types.ts';
import type { JavaSession } from './support/java-client.ts';
import { acknowledgements, brokerConfigOf, damageIn, lostAcknowledgements, mqlite, openForWriting, readStore, runMqlite, smallStore } from './support/mqlite.ts';
import { differences } from './support/rows.ts';
import { commitLogFiles, copyStore, type TruthRow } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';
import { MQLITE_TOPICS, mqliteMessages, sendAll } from './support/workload.ts';

/** Consumes half of one topic as a member of a group and commits that. */
async function commitHalf(broker: Broker, group: string, topic: string): Promise<void> {
  const membership = await broker.joinGroup({ group, subscriptions: [{ topic }] });
  const commits = await Promise.all(membership.queues.map(async (queue) => ({ queue, offset: Math.floor((await broker.maxOffset(queue)) / 2) })));
  expect(commits.length).toBeGreaterThan(0);
  await membership.commit(commits);
  await membership.leave();
}

/** The index and the log answer the official client for messages at the start, in the middle and at the end. */
async function expectFindable(client: JavaSession, sent: readonly SendResult[], rows: readonly TruthRow[]): Promise<void> {
  const byId = new Map(rows.map((row) => [row.msgId, row]));
  for (const result of [sent[0], sent[Math.floor(sent.length / 2)], sent.at(-1)]) {
    const row = byId.get(result?.msgId ?? '');
    if (row === undefined) throw new Error(`${result?.msgId} was sent but not read`);
    expect((await client.view(row.offsetMsgId)).msgId).toBe(row.msgId);
    expect((await client.findByUniqueKey(row.topic, row.msgId)).map((found) => found.queueOffset)).toEqual([row.queueOffset]);
    const key = row.properties['KEYS']?.split(' ')[0] ?? '';
    expect((await client.findByKey(row.topic, key)).map((found) => found.msgId), `key ${key}`).toEqual([row.msgId]);
  }
}

describeInterop('a directory that mqlite wrote', (world) => {
  it('closed: the broker boots without a complaint, the client reads and finds everything, goes on, and mqlite takes it back', async () => {
    const directory = await smallStore('mqlite-writes');
    const broker = await openForWriting(directory);
    const messages = mqliteMessages();
    const sent = await sendAll(broker, messages);
    await commitHalf(broker, 'half', 'Volume');
    await broker.close();
    expect(commitLogFiles(directory).length).toBeGreaterThanOrEqual(3);
    const ours = await readStore(directory);
    expect(lostAcknowledgements(sent, ours)).toEqual([]);
    expect(ours.length).toBe(messages.length);

    const copy = copyStore(directory);
    const booted = Date.now();
    const first = await world.broker({ storeDirectory: copy, config: await brokerConfigOf(directory) });
    expect(differences(await first.client.pullAll(), ours, booted)).toEqual([]);
    await expectFindable(first.client, sent, ours);
    const half = await first.client.committed('half', 'Volume');
    expect(half.map((row) => row.committedOffset)).toEqual((await first.client.queues('Volume')).map((queue) => Math.floor(queue.maxOffset / 2)));

    await first.client.send([{ topic: 'Small0', body: 'from Java', tags: 'J', keys: 'java-1' }, { topic: 'New', body: 'new topic', keys: 'java-2' }]);
    const small = await first.client.consume({ group: 'java', topic: 'Small1', count: 5 });
    expect(small).toHaveLength(5);
    const rows = await first.client.pullAll();
    const since = Date.now();
    await first.client.close();
    await first.broker.stop();
    expect(first.broker.complaints()).toEqual([]);

    expect(differences(await readStore(copy), rows, since)).toEqual([]);
    const again = await openForWriting(copy);
    const more = await sendAll(again, messages.slice(0, 300));
    expect((await again.committedOffsets('java', 'Small1')).reduce((sum, row) => sum + (row.committedOffset ?? 0), 0)).toBe(5);
    await again.close();
    expect(await damageIn(copy)).toEqual([]);
    const theirs = await readStore(copy);
    expect(lostAcknowledgements(more, theirs)).toEqual([]);

    const second = await world.broker({ storeDirectory: copy, config: await brokerConfigOf(copy) });
    expect(differences(await second.client.pullAll(), theirs, since)).toEqual([]);
    await second.broker.kill();
    expect(second.broker.complaints()).toEqual([]);
  });

  it.each([300, 2500, 6000])('killed after %d acknowledgements: nothing acknowledged is lost, nothing is found twice, the first keys are found', async (count) => {
    const directory = await smallStore('mqlite-writes');
    const producer = mqlite(directory, ['produce', 'Killed', '--json-input', '--json']);
    const feeder = setInterval(() => feed(), 20);
    let fed = 0;
    function feed(): void {
      let lines = '';
      for (let i = 0; i < 400; i++, fed++) {
        lines += `${JSON.stringify({ body: `body ${fed} ${'x'.repeat(fed % 700)}`, keys: [`killed-${fed}`], tags: `T${fed % 4}`, properties: { n: String(fed) } })}\n`;
      }
      producer.write(lines);
    }
    try {
      expect(await producer.until(() => acknowledgements(producer.stdout).length >= count, 60_000, `${count} acknowledgements`), producer.stderr).toBe(true);
    } finally {
      clearInterval(feeder);
      await producer.stop('SIGKILL', 10_000);
    }
    const acknowledged = acknowledgements(producer.stdout);
    const config = await brokerConfigOf(directory);

    const { broker, client } = await world.broker({ storeDirectory: copyStore(directory), config });
    const rows = await client.pullAll(['Killed']);
    expect(lostAcknowledgements(acknowledged, rows)).toEqual([]);
    await expectFindable(client, acknowledged, rows);
    await broker.kill();
    expect(broker.complaints()).toEqual([]);

    await runMqlite(directory, ['produce', 'Killed', 'after the kill']);
    const ours = await readStore(directory, ['Killed']);
    expect(lostAcknowledgements(acknowledged, ours)).toEqual([]);
    expect(ours.length).toBeGreaterThan(acknowledged.length);
    expect(await damageIn(directory)).toEqual([]);
  });

  it('names as many topics as it wrote', async () => {
    const directory = await smallStore('mqlite-writes');
    const broker = await openForWriting(directory);
    await sendAll(broker, mqliteMessages().filter((message) => message.topic.startsWith('Small')));
    await broker.close();
    const { broker: real, client } = await world.broker({ storeDirectory: directory, config: await brokerConfigOf(directory) });
    const topics = Object.entries(await client.topics()).filter(([topic]) => topic.startsWith('Small'));
    expect(topics).toHaveLength(MQLITE_TOPICS);
    expect(topics.every(([, topic]) => topic.readQueueNums === 4 && topic.writeQueueNums === 4 && topic.perm === 6)).toBe(true);
    await real.kill();
    expect(real.complaints()).toEqual([]);
  });
});
