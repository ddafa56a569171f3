import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { Membership, MessageQueue } from '../../src/broker/types.ts';
import { broadcastFiles } from '../../src/cli/broadcast-files.ts';
import { sendWithRetries } from '../../src/client/send-retry.ts';
import { openRemoteBroker } from '../../src/remote/open.ts';
import { Cluster } from './support/cluster.ts';
import { JavaClient, type JavaSession } from './support/java-client.ts';
import { Child } from './support/process.ts';
import { temporaryDirectory } from './support/store-copy.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const BROKERS = ['broker-a', 'broker-b'];
const keyOf = ({ brokerName, topic, queueId }: Pick<MessageQueue, 'brokerName' | 'topic' | 'queueId'>): string => `${brokerName}/${topic}/${queueId}`;

/** Two masters, members of mqlite in this process and in others, and members of the official Java client. */
describe.skipIf(inject('interopSkipReason') !== null)('groups of a real cluster', () => {
  let cluster: Cluster;
  let java: JavaClient;
  let session: JavaSession;
  let broker: Broker;
  const notices: string[] = [];
  const children: Child[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start({ brokers: BROKERS.map((name) => ({ name })) });
    java = new JavaClient();
    session = await java.connect(cluster.broker('broker-a'));
    broker = await open();
  }, 300_000);
  afterAll(async () => {
    await broker?.close();
    await java?.close();
    await cluster?.end();
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop('SIGKILL', 10_000)));
  });

  const open = (data = temporaryDirectory('data')): Promise<Broker> => openRemoteBroker({
    nameServers: [cluster.namesrv], mode: 'write', broadcastFiles: broadcastFiles(data, [cluster.namesrv]), onNotice: (text) => void notices.push(text),
  });

  /** A topic of 4 queues on each broker, with `count` messages each. */
  async function topic(name: string, count = 0): Promise<MessageQueue[]> {
    await broker.createTopic(name, { readQueueNums: 4, writeQueueNums: 4 });
    const queues = await broker.queues(name);
    expect(queues.map(keyOf)).toEqual(BROKERS.flatMap((brokerName) => [0, 1, 2, 3].map((queueId) => `${brokerName}/${name}/${queueId}`)));
    // By the Java client: it sends to the queue that it is told, on the broker that it is told.
    for (const brokerName of BROKERS) {
      const messages = queues.filter((queue) => queue.brokerName === brokerName).flatMap(({ queueId }) => Array.from({ length: count }, (_, index) => ({ topic: name, queueId, body: `m${index}`, brokerName })));
      if (messages.length > 0) await session.send(messages);
    }
    return queues;
  }

  const mqlite = (...args: readonly string[]): Child => {
    const child = new Child(process.execPath, [BIN, ...args, '--namesrv', cluster.namesrv]);
    children.push(child);
    return child;
  };

  /** What the runtime does, until `isDone` or for 30 s. */
  async function run(members: readonly Membership[], isDone: () => boolean | Promise<boolean>): Promise<void> {
    for (const untilMs = Date.now() + 30_000; !(await isDone());) {
      if (Date.now() > untilMs) throw new Error(`it did not come to that: ${JSON.stringify(members.map(({ queues, awaited }) => ({ queues: queues.map(keyOf), awaited: awaited.map(keyOf) })))}`);
      for (const member of members) {
        await member.commit([]);
        await member.release(await member.refresh());
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const own = (member: Membership): string[] => member.queues.map(keyOf).sort();

  it('shares queues of all brokers with a Java member, whoever comes first, and takes over what it leaves', async () => {
    const queues = (await topic('Shared', 1)).map(keyOf);
    const first = await broker.joinGroup({ group: 'shared', subscriptions: [{ topic: 'Shared' }] });
    expect(own(first)).toEqual(queues);
    await session.join({ member: 'j', group: 'shared', topic: 'Shared' });
    await run([first], async () => own(first).length === 4 && (await session.memberState('j')).queues.filter((queue) => queue.includes('/Shared/')).length === 4);
    const theirs = (await session.memberState('j')).queues.filter((queue) => queue.includes('/Shared/'));
    expect([...own(first), ...theirs].sort()).toEqual(queues);

    const second = await broker.joinGroup({ group: 'shared', subscriptions: [{ topic: 'Shared' }] });
    await run([first, second], async () => own(first).length + own(second).length + (await session.memberState('j')).queues.filter((queue) => queue.includes('/Shared/')).length === 8 && own(second).length >= 2 && own(first).length <= 3);
    const all = [...own(first), ...own(second), ...(await session.memberState('j')).queues.filter((queue) => queue.includes('/Shared/'))];
    expect(all.sort()).toEqual(queues);

    const listed = await broker.listMembers('shared');
    expect(listed.map(({ clientId }) => clientId)).toContain(first.info.clientId);
    const jm = listed.find(({ client }) => client?.language === 'JAVA')!;
    expect(jm).toMatchObject({ messageModel: 'clustering', allocate: 'average', orderly: false, subscriptions: [{ topic: 'Shared', filter: '*' }], client: { version: '5.5.0', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string } });
    expect(jm.sinceTimestamp).toBeGreaterThan(Date.now() - 60_000);
    expect(jm.queues.map(keyOf).filter((queue) => queue.includes('/Shared/'))).toHaveLength(all.length - own(first).length - own(second).length);
    const elsewhere = await open();
    const seenFromOutside = (await elsewhere.listMembers('shared')).find(({ clientId }) => clientId === first.info.clientId)!;
    expect(seenFromOutside).toMatchObject({ ...first.info, client: { language: 'NODE_JS' } });
    expect(seenFromOutside.queues.map(keyOf).sort()).toEqual(own(first));
    await elsewhere.close();
    const shown = mqlite('groups', 'show', 'shared');
    await shown.exited;
    expect(shown.stdout).toMatch(/\(average, JAVA 5\.5\.0 at 127\.0\.0\.1:\d+\)/);
    expect(shown.stdout).toMatch(new RegExp(`${first.info.clientId}, pid ${process.pid} on 127\\.0\\.0\\.1, since .*\\(average, NODE_JS 5\\.5\\.0 at`));

    await session.leave('j');
    await run([first, second], () => own(first).length === 4 && own(second).length === 4);
    await first.leave();
    await run([second], () => own(second).length === 8);
    await second.leave();
    expect(await broker.listMembers('shared')).toEqual([]);
  });

  it('a Java member that comes or goes sees the same: nothing is consumed by two, or by nobody', async () => {
    await topic('Handed', 10);
    const consumer = mqlite('consume', 'Handed', '--group', 'handed', '--format', String.raw`%b/%p/%o\n`.replace('%b', '%v'));
    await consumer.until(() => consumer.stdout.split('\n').length > 80, 30_000, '80 messages');
    await session.join({ member: 'h', group: 'handed', topic: 'Handed' });
    await broker.listMembers('handed');
    await expect.poll(async () => (await session.memberState('h')).queues.filter((queue) => queue.includes('/Handed/')).length, { timeout: 30_000 }).toBe(4);
    const sent = [];
    for (let index = 0; index < 40; index++) sent.push(await broker.send({ topic: 'Handed', body: Buffer.from(`n${index}`) }));
    const ofJava = (await session.memberState('h')).queues;
    await expect.poll(async () => {
      const theirs = (await session.memberState('h')).seen.filter((row) => row.includes(' n')).length;
      const ours = consumer.stdout.split('\n').filter((row) => row.startsWith('n')).length;
      return theirs + ours;
    }, { timeout: 30_000 }).toBe(40);
    expect((await session.memberState('h')).seen.filter((row) => row.includes(' n')).length).toBe(sent.filter((result) => ofJava.includes(keyOf(result))).length);
    // Killed without a word: the broker sees the connection break, and the Java member has all.
    consumer.kill('SIGKILL');
    await expect.poll(async () => (await session.memberState('h')).queues.filter((queue) => queue.includes('/Handed/')).length, { timeout: 30_000 }).toBe(8);
    await session.leave('h');
  });

  it('a member killed with its JVM is replaced, and what it consumed and committed does not come again', async () => {
    await topic('Killed', 5);
    const other = new JavaClient();
    const theirs = await other.connect(cluster.broker('broker-a'));
    await theirs.join({ member: 'k', group: 'killed', topic: 'Killed' });
    const member = await broker.joinGroup({ group: 'killed', subscriptions: [{ topic: 'Killed' }] });
    await run([member], async () => own(member).length === 4 && (await theirs.memberState('k')).queues.filter((queue) => queue.includes('/Killed/')).length === 4);
    await expect.poll(async () => (await broker.committedOffsets('killed', 'Killed')).filter(({ committedOffset, maxOffset }) => committedOffset === maxOffset).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
    await other.kill();
    await run([member], () => own(member).length === 8);
    const committed = new Map((await member.committed()).map(({ queue, offset }) => [keyOf(queue), offset]));
    expect([...committed.values()].filter((offset) => offset === 5).length).toBeGreaterThanOrEqual(4);
    await member.leave();
  });

  it('what disagrees: filters are told of, what would lose messages is refused', async () => {
    await topic('Disputed');
    const clientId = await session.join({ member: 'd', group: 'disputed', topic: 'Disputed', tags: 'TagA' });
    await expect.poll(async () => (await broker.listMembers('disputed').catch(() => [])).length, { timeout: 20_000 }).toBe(1);
    notices.length = 0;
    const member = await broker.joinGroup({ group: 'disputed', subscriptions: [{ topic: 'Disputed', filter: { sql: 'a > 5' } }] });
    expect(notices).toEqual([expect.stringMatching(/group disputed: other members filter Disputed by "TagA", this one by "sql a > 5"/) as string]);
    await member.leave();
    for (const more of [{ allocate: 'circle' }, { queueId: 0 }, { messageModel: 'broadcasting' }] as const) {
      await expect(broker.joinGroup({ group: 'disputed', subscriptions: [{ topic: 'Disputed', filter: { tags: 'TagA' } }], ...more })).rejects.toMatchObject({
        code: 'REFUSED', message: expect.stringContaining(clientId) as string,
      });
    }
    await expect(broker.joinGroup({ group: 'fresh', subscriptions: [{ topic: 'Disputed', filter: { sql: 'a >' } }] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await session.leave('d');
  });

  it('what mqlite sends back comes to a Java member, and the other way round; after the last time it is dead', async () => {
    await topic('Tried');
    const sent = await broker.send({ topic: 'Tried', body: Buffer.from('bad'), tags: 'T', keys: ['k'] });
    const [message] = (await broker.pull({ queue: { topic: 'Tried', brokerName: sent.brokerName, queueId: sent.queueId }, offset: sent.queueOffset, maxMessages: 1 })).messages;
    expect(await broker.sendBack(message!, { group: 'tried', delayLevel: 1, maxReconsumeTimes: 3 })).toEqual({ topic: '%RETRY%tried', reconsumeTimes: 1, isDead: false });
    await session.join({ member: 't', group: 'tried', topic: 'Tried', fail: true });
    await expect.poll(async () => (await session.memberState('t')).seen.filter((row) => row.endsWith(' bad')).length, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
    await session.leave('t');
    // Java's member failed it, and sent it back: once more through the retry topic, to a member of mqlite.
    const consumer = mqlite('consume', 'Tried', '--group', 'tried', '--exec', 'printf "%s %s\\n" "$MQ_TOPIC" "$MQ_RECONSUME_TIMES" >> "$MQLITE_TEST_OUT"; exit 1', '--max-reconsume', '3', '-X', 'suspendCurrentQueueTimeMillis=100');
    await expect.poll(async () => (await broker.listTopics()).map((one) => one.topic).includes('%DLQ%tried'), { timeout: 120_000, interval: 1000 }).toBe(true);
    await consumer.stop('SIGTERM', 10_000);
    const letters = (await Promise.all((await broker.queues('%DLQ%tried')).map(async (queue) => (await broker.pull({ queue, offset: 0, maxMessages: 9 })).messages))).flat();
    expect(letters.map((letter) => [letter.body.toString(), letter.originTopic, letter.tags, letter.keys, letter.properties['ORIGIN_MESSAGE_ID']])).toEqual([['bad', 'Tried', 'T', ['k'], sent.offsetMsgId]]);
  });

  it('a queue in order is one member\'s at a time, Java\'s or ours, and is let go at once', async () => {
    const queues = (await topic('Ordered', 2)).map(keyOf);
    await session.join({ member: 'o', group: 'ordered', topic: 'Ordered', orderly: true });
    await expect.poll(async () => (await session.memberState('o')).seen.length, { timeout: 30_000 }).toBe(16);
    const member = await broker.joinGroup({ group: 'ordered', subscriptions: [{ topic: 'Ordered' }], orderly: true });
    // Until Java's member has let go they are its.
    expect([...own(member), ...member.awaited.map(keyOf)].length).toBe(4);
    await run([member], () => own(member).length === 4 && member.awaited.length === 0);
    await run([member], async () => (await session.memberState('o')).queues.filter((queue) => queue.includes('/Ordered/')).length === 4);
    const { seen: { length: before }, queues: ofJava } = await session.memberState('o');
    const sent = [];
    for (let index = 0; index < 24; index++) sent.push(await broker.send({ topic: 'Ordered', body: Buffer.from(`o${index}`) }));
    await expect.poll(async () => (await session.memberState('o')).seen.length - before, { timeout: 20_000 }).toBe(sent.filter((result) => ofJava.includes(keyOf(result))).length);
    // Left in order: the locks are free at once, not after their 60 s.
    await member.leave();
    await expect.poll(async () => (await session.memberState('o')).seen.length - before, { timeout: 20_000 }).toBe(24);
    const places = (await session.memberState('o')).seen.map((row) => row.split(' ')[0]!.split('/'));
    for (const key of queues) {
      const [brokerName, , queueId] = key.split('/');
      const offsets = places.filter((place) => place[0] === brokerName && place[1] === queueId).map((place) => Number(place[2]));
      expect(offsets).toEqual([...offsets].sort((left, right) => left - right));
    }
    await session.leave('o');
  });

  it('broadcasting: everybody has everything, and mqlite its offsets to itself', async () => {
    const queues = await topic('Cast', 1);
    const data = temporaryDirectory('data');
    const one = await open(data);
    const member = await one.joinGroup({ group: 'cast', subscriptions: [{ topic: 'Cast' }], messageModel: 'broadcasting', instance: 'one' });
    await session.join({ member: 'c', group: 'cast', topic: 'Cast', broadcast: true });
    // A Java client whose first route lacked a broker asks for it anew after 30 s.
    await expect.poll(async () => (await session.memberState('c')).seen.length, { timeout: 60_000 }).toBe(8);
    await member.refresh();
    expect(own(member)).toEqual(queues.map(keyOf));
    await member.commit([{ queue: queues[5]!, offset: 1 }]);
    expect((await one.listMembers('cast')).map(({ messageModel }) => messageModel)).toEqual(['broadcasting', 'broadcasting']);
    expect((await one.committedOffsets('cast', 'Cast')).every(({ committedOffset }) => committedOffset === null)).toBe(true);
    await expect(one.joinGroup({ group: 'cast', subscriptions: [{ topic: 'Cast' }], messageModel: 'broadcasting', instance: 'one' })).rejects.toMatchObject({ code: 'LOCKED' });
    await one.close();
    const again = await open(data);
    const member2 = await again.joinGroup({ group: 'cast', subscriptions: [{ topic: 'Cast' }], messageModel: 'broadcasting', instance: 'one' });
    expect(await member2.committed()).toEqual([{ queue: queues[5]!, offset: 1 }]);
    await again.close();
    await session.leave('c');
  });

  it('resets reach live members, Java\'s and ours, whoever asks for them; and a group without members', async () => {
    const queues = await topic('Reset', 3);
    const consumer = mqlite('consume', 'Reset', '--group', 'reset', '--format', String.raw`%v %p %o\n`, '-X', 'persistConsumerOffsetInterval=500');
    const lines = (): string[] => consumer.stdout.split('\n').filter((line) => line !== '');
    expect(await consumer.until(() => lines().length >= 24, 30_000, '24 messages'), consumer.stderr).toBe(true);
    await expect.poll(async () => (await broker.committedOffsets('reset', 'Reset')).map(({ committedOffset }) => committedOffset), { timeout: 20_000 }).toEqual(queues.map(() => 3));
    const resetMs = Date.now();
    await broker.resetOffsets('reset', [{ queue: queues[0]!, offset: 1 }, { queue: queues[7]!, offset: 0 }]);
    await consumer.until(() => lines().length >= 29, 10_000, '5 messages again');
    expect(Date.now() - resetMs).toBeLessThan(5000);
    // The same by Java's admin, from the first message on.
    await expect.poll(async () => (await broker.committedOffsets('reset', 'Reset')).every(({ committedOffset }) => committedOffset === 3), { timeout: 20_000 }).toBe(true);
    await session.resetByTime('reset', 'Reset', 0);
    await consumer.until(() => lines().length >= 53, 10_000, 'everything again');
    await expect.poll(async () => (await broker.committedOffsets('reset', 'Reset')).every(({ committedOffset }) => committedOffset === 3), { timeout: 20_000 }).toBe(true);
    await consumer.stop('SIGTERM', 10_000);
    expect(lines()).toHaveLength(53);

    // A group of its own: polls of members that left are held by the broker for a while, and may take notice in a Java member's stead.
    await session.join({ member: 'r', group: 'reset-java', topic: 'Reset' });
    await expect.poll(async () => (await session.memberState('r')).seen.length, { timeout: 20_000 }).toBe(24);
    await broker.resetOffsets('reset-java', [{ queue: queues[2]!, offset: 0 }]);
    // A broker tells a Java member with the answer to its next pull: the next message wakes that.
    await session.send([{ topic: 'Reset', queueId: 2, brokerName: 'broker-a', body: 'wake' }]);
    const isOfQueue = (row: string): boolean => row.startsWith('broker-a/2/');
    await expect.poll(async () => (await session.memberState('r')).seen.filter(isOfQueue).length, { timeout: 40_000 }).toBeGreaterThanOrEqual(7);
    await session.leave('r');

    await broker.resetOffsets('reset', queues.map((queue) => ({ queue, offset: 2 })));
    expect((await broker.committedOffsets('reset', 'Reset')).map(({ committedOffset }) => committedOffset)).toEqual(queues.map(() => 2));
    const member = await broker.joinGroup({ group: 'reset', subscriptions: [{ topic: 'Reset' }] });
    expect((await member.committed()).map(({ offset }) => offset)).toEqual(queues.map(() => 2));
    expect(await member.commit([{ queue: queues[1]!, offset: 3 }])).toEqual([]);
    expect((await broker.committedOffsets('reset', 'Reset')).find(({ queue }) => keyOf(queue) === keyOf(queues[1]!))!.committedOffset).toBe(3);
    await member.leave();
  });

  it('a broker killed while commands follow: they go on with the other one, and with this one when it is back', async () => {
    await topic('Followed');
    const readers = [
      mqlite('consume', 'Followed', '--group', 'followers', '--json'), mqlite('consume', 'Followed', '--group', 'heard', '--broadcast', '--json'),
      mqlite('consume', 'Followed', '--from', 'last', '--json'), mqlite('tail', 'Followed', '--json'), mqlite('tail', '--commitlog', '--json'),
    ];
    let count = 0;
    const isOver = new AbortController();
    const sending = (async () => {
      while (!isOver.signal.aborted) {
        const body = `f${count++}`;
        const [outcome] = await sendWithRetries(broker, systemClock, [{ topic: 'Followed', body: Buffer.from(body) }], {}, { retries: 5, changesBroker: true, retriesUnconfirmed: false, timeoutMs: 10_000 });
        if ('error' in outcome!) throw outcome.error;
        await systemClock.sleep(20);
      }
    })();
    // What goes wrong there is said where it is waited for.
    sending.catch(() => undefined);
    /** All of them read something that is stored from now on, where it is wanted. */
    const allRead = async (brokerName: string, timeoutMs: number): Promise<void> => {
      const before = readers.map(({ stdout }) => stdout.length);
      for (const [index, reader] of readers.entries()) {
        expect(await reader.until(() => reader.stdout.slice(before[index]).includes(`"brokerName":"${brokerName}"`), timeoutMs, `reader ${index} reads of ${brokerName}`), `${reader.exit?.code} ${reader.stderr}`).toBe(true);
      }
    };
    await allRead('broker-b', 30_000);
    await cluster.broker('broker-b').kill();
    await systemClock.sleep(4000);
    await allRead('broker-a', 30_000);
    for (const reader of readers) expect(reader.stderr).toContain('broker-b');
    await cluster.boot('broker-b');
    // While one is missing it is asked for every 5 s; a broker tells its name server as soon as it has booted.
    await allRead('broker-b', 60_000);
    isOver.abort();
    await sending;
    for (const reader of readers) expect(reader.exit).toBeNull();
  }, 180_000);

  it('a broker killed and booted again knows its members at once, and gets what they committed meanwhile', async () => {
    const queues = await topic('Crashed', 2);
    const member = await broker.joinGroup({ group: 'crashed', subscriptions: [{ topic: 'Crashed' }] });
    expect(own(member)).toHaveLength(8);
    await cluster.broker('broker-b').kill();
    const [first, last] = [queues[0]!, queues[7]!];
    expect(await member.commit([{ queue: first, offset: 2 }, { queue: last, offset: 2 }])).toEqual([]);
    expect(await member.refresh()).toEqual([]);
    expect(own(member)).toHaveLength(8);
    const sent = await broker.pull({ queue: first, offset: 0, maxMessages: 1 });
    await cluster.boot('broker-b');
    await run([member], async () => (await broker.committedOffsets('crashed', 'Crashed').catch(() => [])).filter(({ committedOffset }) => committedOffset === 2).length === 2);
    expect(own(member)).toHaveLength(8);
    const second = await broker.joinGroup({ group: 'crashed', subscriptions: [{ topic: 'Crashed' }] });
    await run([member, second], () => own(member).length === 4 && own(second).length === 4);
    // Sent back while its broker is gone: to the group's retries on the other one.
    await cluster.broker('broker-a').kill();
    expect(await broker.sendBack(sent.messages[0]!, { group: 'crashed', delayLevel: 1 })).toEqual({ topic: '%RETRY%crashed', reconsumeTimes: 1, isDead: false });
    await cluster.boot('broker-a');
    await run([member, second], () => [...member.queues, ...second.queues].some((queue) => queue.topic === '%RETRY%crashed' && queue.brokerName === 'broker-b'));
    const retried = (await broker.pull({ queue: { topic: '%RETRY%crashed', brokerName: 'broker-b', queueId: 0 }, offset: 0, maxMessages: 1, suspendMs: 5000 })).messages[0]!;
    expect([retried.body.toString(), retried.originTopic, retried.reconsumeTimes, retried.properties['ORIGIN_MESSAGE_ID']]).toEqual(['m0', 'Crashed', 1, sent.messages[0]!.offsetMsgId]);
    await member.leave();
    await second.leave();
  });
});
