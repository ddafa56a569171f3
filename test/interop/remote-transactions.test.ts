import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { OutgoingMessage, SendResult, TransactionDecision } from '../../src/broker/types.ts';
import type { DelayListJson } from '../../src/cli/commands/delays.ts';
import type { MessageListJson } from '../../src/cli/commands/messages.ts';
import { DecisionNote, decisionDirectory } from '../../src/cli/decision-note.ts';
import type { TransactionListJson } from '../../src/cli/commands/transactions.ts';
import type { Message } from '../../src/record/message.ts';
import { openRemoteBroker } from '../../src/remote/open.ts';
import { RemotingClient } from '../../src/remote/remoting-client.ts';
import { RESPONSE_CODE } from '../../src/wire/codes.ts';
import { GET_PRODUCER_CONNECTION_LIST } from '../../src/wire/requests/group-admin.ts';
import { Cluster } from './support/cluster.ts';
import { JavaClient } from './support/java-client.ts';
import type { JavaSession } from './support/java-client.ts';
import { runMqlite } from './support/mqlite.ts';
import { temporaryDirectory } from './support/store-copy.ts';

/** See transactions.test.ts. */
const QUICK = { transactionTimeOut: 1000, transactionCheckInterval: 2000, transactionOpBatchInterval: 100, transactionCheckMax: 100 };
/** Two more rounds of checks. */
const QUIET_MS = 5000;
/** The group that `JavaSession.transaction` sends with. */
const JAVA_GROUP = 'interop-transactions';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 60_000;
  while (!await isSo()) {
    if (Date.now() > deadlineMs) throw new Error(`not within a minute: ${what}`);
    await sleep(100);
  }
}

describe.skipIf(inject('interopSkipReason') !== null)('transactions, delays, requests and look-ups on a real cluster', () => {
  let cluster: Cluster;
  let java: JavaClient;
  let client: JavaSession;
  let opened: Broker[] = [];

  const dataHome = temporaryDirectory('data');

  beforeAll(async () => {
    // Of the commands below: ledgers and decisions.
    process.env['XDG_DATA_HOME'] = dataHome;
    cluster = await Cluster.start({ brokers: [{ name: 'broker-a', config: { ...QUICK, recallMessageEnable: true } }] });
    java = new JavaClient();
    client = await java.connect(cluster.broker('broker-a'));
  });
  afterEach(async () => {
    for (const broker of opened) await broker.close();
    opened = [];
  });
  afterAll(async () => {
    await java?.close();
    await cluster?.end();
  });

  const open = async (mode: 'read' | 'write' = 'write'): Promise<Broker> => {
    const broker = await openRemoteBroker({ nameServers: [cluster.namesrv], mode });
    opened.push(broker);
    return broker;
  };
  /** A command on the cluster; the store directory of the environment is not looked at. */
  const run = (args: readonly string[], options: { readonly input?: string; readonly expect?: number } = {}): Promise<string> =>
    runMqlite(temporaryDirectory('no-store'), [...args, '--namesrv', cluster.namesrv], options);
  /** Bodies of a topic as the official client sees them, sorted. */
  const seenByJava = async (topic: string): Promise<string[]> => {
    const bodies: string[] = [];
    for (const { offsetMsgId } of await client.pullAll([topic])) bodies.push(Buffer.from((await client.view(offsetMsgId)).body!, 'base64').toString());
    return bodies.sort();
  };
  const transactions = async (group: string): Promise<Record<string, string>> => {
    const { transactions: all } = JSON.parse(await run(['tx', 'list', '--all', '--group', group, '--json'])) as TransactionListJson;
    return Object.fromEntries(all.map(({ keys, state }) => [keys.join(), state]));
  };

  describe('transactions', () => {
    const half = (broker: Broker, topic: string, group: string, key: string): Promise<SendResult> =>
      broker.send({ topic, body: Buffer.from(key), keys: [key], transactional: true, producerGroup: group });
    const end = (broker: Broker, group: string, sent: SendResult, decision: TransactionDecision): Promise<SendResult | null> =>
      broker.endTransaction({ topic: sent.topic, transactionId: sent.transactionId!, offsetMsgId: sent.offsetMsgId, queueOffset: sent.queueOffset, producerGroup: group, decision });

    it('halves of mqlite: ended by it, and by its answers when the broker asks', async () => {
      await client.createTopic('Paid');
      const broker = await open();
      const sent: Record<string, SendResult> = {};
      for (const key of ['c0', 'r0', 'p0', 'p1', 'p2', 'other']) sent[key] = await half(broker, 'Paid', key === 'other' ? 'others' : 'payers', key);
      const committed = await end(broker, 'payers', sent['c0']!, 'commit');
      expect(committed).toMatchObject({ topic: 'Paid', queueId: sent['c0']!.queueId, queueOffset: 0, msgId: sent['c0']!.msgId, status: 'SEND_OK' });
      expect(await client.view(committed!.offsetMsgId)).toMatchObject({ topic: 'Paid', sysFlag: 8, msgId: committed!.msgId });
      expect(await end(broker, 'payers', sent['r0']!, 'rollback')).toBeNull();
      for (const decision of ['commit', 'rollback'] as const) {
        await expect(end(broker, 'payers', sent['c0']!, decision)).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('already committed') as string });
        await expect(end(broker, 'payers', sent['r0']!, decision)).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('already rolled back') as string });
      }
      // Another process sees it as well, also before the broker has written down what it was told.
      await expect(end(await open(), 'payers', sent['c0']!, 'commit')).rejects.toMatchObject({ code: 'REFUSED' });
      await expect(end(broker, 'payers', { ...sent['p0']!, queueOffset: 99 }, 'commit')).rejects.toMatchObject({ code: 'REFUSED' });
      await expect(end(broker, 'others', sent['p0']!, 'commit')).rejects.toMatchObject({ code: 'REFUSED' });

      const asked: string[] = [];
      const stop = new AbortController();
      const checking = broker.checkTransactions('payers', async (message: Message) => {
        asked.push(`${message.body.toString()} for ${message.originTopic}`);
        if (message.keys[0] === 'p2' && asked.filter((one) => one.startsWith('p2')).length === 1) return 'unknown';
        return message.keys[0] === 'p1' ? 'rollback' : 'commit';
      }, stop.signal);
      await until('p2 is committed when it is asked about once more', async () => (await seenByJava('Paid')).join() === 'c0,p0,p2');
      await sleep(QUIET_MS);
      stop.abort();
      const stoppedMs = Date.now();
      await checking;
      expect(Date.now() - stoppedMs).toBeLessThan(1000);
      expect([...new Set(asked)].sort()).toEqual(['p0 for Paid', 'p1 for Paid', 'p2 for Paid']);
      expect(asked.filter((one) => one.startsWith('p0') || one.startsWith('p1'))).toHaveLength(2);
      expect(await seenByJava('Paid')).toEqual(['c0', 'p0', 'p2']);
      // Nobody of the group is there any more.
      const remoting = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 3000, requestTimeoutMs: 3000 });
      const { code } = await remoting.ask(cluster.broker('broker-a').address, GET_PRODUCER_CONNECTION_LIST, { producerGroup: 'payers' }, null);
      expect(code).toBe(RESPONSE_CODE.SYSTEM_ERROR);
      await remoting.close();
      expect(await transactions('payers')).toEqual({ c0: 'committed', r0: 'rolledBack', p0: 'committed', p1: 'rolledBack', p2: 'committed' });
      await end(broker, 'others', sent['other']!, 'rollback');
    });

    it('many with one decision, in their order', async () => {
      await client.createTopic('Many', { queues: 2 });
      const broker = await open();
      const messages = Array.from({ length: 300 }, (_, index): OutgoingMessage => ({ topic: 'Many', body: Buffer.from(`m${index}`), queueId: index % 2, transactional: true, producerGroup: 'many' }));
      const sent = (await broker.sendBatch(messages)) as SendResult[];
      const outcomes = await broker.endTransactions(sent.map(({ topic, transactionId, offsetMsgId, queueOffset }) => ({ topic, transactionId: transactionId!, offsetMsgId, queueOffset, producerGroup: 'many', decision: 'commit' as const })));
      expect(outcomes.map((outcome) => (outcome !== null && 'queueOffset' in outcome ? `${outcome.queueId}/${outcome.queueOffset} ${outcome.msgId}` : JSON.stringify(outcome))))
        .toEqual(sent.map(({ msgId }, index) => `${index % 2}/${Math.floor(index / 2)} ${msgId}`));
      expect((await client.places('Many')).sort()).toEqual(sent.map(({ msgId }, index) => `${index % 2}/${Math.floor(index / 2)} ${msgId}`).sort());
    });

    it('produce --transaction stores all or nothing', async () => {
      await client.createTopic('Whole', { queues: 1 });
      await run(['produce', 'Whole', '--transaction', '--group', 'whole'], { input: 'a\nb\nc\n' });
      await run(['produce', 'Whole', '--transaction', '--group', 'whole'], { input: 'd\n\n', expect: 2 });
      expect(await seenByJava('Whole')).toEqual(['a', 'b', 'c']);
    });

    it('a decision whose process was killed is carried out by tx commit --resume, once', async () => {
      await client.createTopic('Rest', { queues: 1 });
      const broker = await open();
      const sent: SendResult[] = [];
      for (const key of ['a', 'b', 'c']) sent.push(await half(broker, 'Rest', 'killed', key));
      const requests = sent.map(({ topic, transactionId, offsetMsgId, queueOffset }) => ({ topic, transactionId: transactionId!, offsetMsgId, queueOffset, producerGroup: 'killed', decision: 'commit' as const }));
      const note = await DecisionNote.write(decisionDirectory({ kind: 'remote', addresses: [cluster.namesrv], source: '', tls: null, credentials: null }, join(dataHome, 'mqlite')), requests);
      await broker.endTransaction(requests[0]!);
      // While its process lives it is nobody else's.
      expect(JSON.parse(await run(['tx', 'commit', '--resume', '--json']))).toEqual({ resumed: [], truncated: false });
      note.leave();
      expect(JSON.parse(await run(['tx', 'commit', '--resume', '--json']))).toEqual({ resumed: [{ producerGroup: 'killed', messages: 3, committed: 2, ended: 1, open: 0 }], truncated: false });
      expect(JSON.parse(await run(['tx', 'commit', '--resume', '--json']))).toEqual({ resumed: [], truncated: false });
      expect(await seenByJava('Rest')).toEqual(['a', 'b', 'c']);
    });

    it('halves of Java: listed, committed, rolled back and answered for, each once', async () => {
      await client.createTopic('Tx');
      for (const decision of ['commit', 'rollback'] as const) await client.transaction(decision, [{ topic: 'Tx', body: decision, keys: decision }]);
      await client.transaction('unknown', ['u0', 'u1', 'u2', 'u3'].map((key) => ({ topic: 'Tx', body: key, keys: key })));
      // A copy of the half with one check on it.
      expect(await client.answerChecks({ group: JAVA_GROUP, topic: 'Tx', decisions: {}, count: 4 })).not.toEqual([]);
      expect(await transactions(JAVA_GROUP)).toEqual({ commit: 'committed', rollback: 'rolledBack', u0: 'pending', u1: 'pending', u2: 'pending', u3: 'pending' });
      const idOf = async (key: string): Promise<string> =>
        (JSON.parse(await run(['tx', 'list', '--json'])) as TransactionListJson).transactions.find(({ keys }) => keys.includes(key))!.transactionId;
      const u0 = await idOf('u0');
      expect(await run(['tx', 'commit', u0])).toMatch(/^committed transaction .*: Tx, queue \d, offset \d\n$/);
      await run(['tx', 'commit', u0], { expect: 5 });
      await run(['tx', 'rollback', await idOf('u1')]);
      expect(await run(['tx', 'check', '--group', JAVA_GROUP, '--older-than', '0s', '--exec', 'test "$MQ_KEYS" = u3 && exit 0; exit 75'])).toMatch(/1 committed, 0 rolled back, 1 not known yet/);
      const asked = await client.answerChecks({ group: JAVA_GROUP, topic: 'Tx', decisions: { u2: 'commit' }, count: 1, quietMs: QUIET_MS });
      // A broker that asked while it was told goes on with a copy of the half; what it is answered then changes nothing any more.
      expect(asked.map(({ body }) => body)).toContain('u2');
      expect(await seenByJava('Tx')).toEqual(['commit', 'u0', 'u2', 'u3']);
      expect(await transactions(JAVA_GROUP)).toEqual({ commit: 'committed', rollback: 'rolledBack', u0: 'committed', u1: 'rolledBack', u2: 'committed', u3: 'committed' });
    });
  });

  describe('delayed messages', () => {
    const waiting = async (topic: string): Promise<DelayListJson['delayed']> => (JSON.parse(await run(['delay', 'list', topic, '--json'])) as DelayListJson).delayed;

    it('are listed as the broker has them', async () => {
      await client.createTopic('Late', { queues: 1 });
      const sentMs = Date.now();
      await client.send([{ topic: 'Late', body: 'level', delayLevel: 9 }, { topic: 'Late', body: 'timer', delayMs: 3_600_000 }]);
      const [level, timer] = await waiting('Late');
      expect(level).toMatchObject({ topic: 'Late', queueId: 0, asked: { by: 'level', level: 9 }, recallHandle: null, overdue: false, message: { body: 'level' } });
      expect(Math.abs(level!.deliverTimestamp - sentMs - 300_000)).toBeLessThan(5000);
      expect(timer).toMatchObject({ topic: 'Late', asked: { by: 'delay', delayMs: 3_600_000 }, overdue: false, message: { body: 'timer' } });
      expect(await run(['delay', 'levels'])).toMatch(/^9\t5m\t1$/m);
      await run(['delay', 'cancel', level!.message.msgId], { expect: 5 });
      await run(['delay', 'deliver', timer!.message.msgId], { expect: 5 });
      await run(['delay', 'cancel', timer!.message.msgId]);
      expect((await waiting('Late')).map(({ message }) => message.body)).toEqual(['level']);
    });

    it('a message of Java is taken back by mqlite, one of mqlite by Java, and neither comes', async () => {
      await client.createTopic('Back', { queues: 1 });
      const broker = await open();
      const dueMs = Date.now() + 9000;
      const [fromJava, kept] = await client.send(['from Java', 'kept'].map((body) => ({ topic: 'Back', body, delayMs: dueMs - Date.now() })));
      const ours = await broker.send({ topic: 'Back', body: Buffer.from('ours'), deliverAtMs: dueMs });
      expect(await broker.recall('Back', fromJava!.recallHandle!)).toBe(fromJava!.msgId);
      await expect(broker.recall('Back', fromJava!.recallHandle!)).rejects.toMatchObject({ code: 'REFUSED' });
      expect(await client.recall('Back', ours.recallHandle!)).toBe(ours.msgId);
      await until('the index has what Java stored', async () => (await broker.queryByMsgId(ours.msgId, 'rmq_sys_wheel_timer')).messages.length === 2);
      await expect(broker.recall('Back', ours.recallHandle!)).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('taken back already') as string });
      await expect(broker.recall('Late', kept!.recallHandle!)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(broker.recall('Back', Buffer.from(`v1 Back broker-a ${Date.now() + 60_000} NOBODY`).toString('base64url'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await waiting('Back')).map(({ message }) => message.body)).toEqual(['kept']);
      await sleep(Math.max(0, dueMs - 2500 - Date.now()));
      await expect(broker.recall('Back', kept!.recallHandle!)).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('too late') as string });
      await until('the one that was kept is there', async () => (await seenByJava('Back')).length > 0);
      await sleep(2000);
      expect(await seenByJava('Back')).toEqual(['kept']);
      await expect(broker.recall('Back', kept!.recallHandle!)).rejects.toMatchObject({ code: 'REFUSED' });
    });
  });

  describe('requests and replies', () => {
    it('mqlite asks, Java replies', async () => {
      await client.createTopic('Ask', { queues: 1 });
      const broker = await open();
      const asked = Promise.all(['one', 'two'].map(async (body) => (await broker.request({ topic: 'Ask', body: Buffer.from(body) }, 60_000)).body.toString()));
      const replying = client.reply({ group: 'repliers', topic: 'Ask', count: 2, timeoutMs: 60_000 });
      expect(await asked).toEqual(['one from Java', 'two from Java']);
      expect((await replying).sort()).toEqual(['one', 'two']);
      await expect(broker.request({ topic: 'Ask', body: Buffer.from('nobody') }, 300)).rejects.toMatchObject({ code: 'TIMED_OUT' });
    });

    it('Java asks, mqlite replies', async () => {
      await client.createTopic('Answer', { queues: 1 });
      const broker = await open();
      const asked = client.request('Answer', 'what?', 60_000);
      const [queue] = await broker.queues('Answer');
      let request: Message | undefined;
      await until('the request is there', async () => {
        [request] = (await broker.pull({ queue: queue!, offset: 0, maxMessages: 1, suspendMs: 1000 })).messages;
        return request !== undefined;
      });
      const sent = await broker.reply(request!, Buffer.from('this'));
      expect(sent).toMatchObject({ status: 'SEND_OK', topic: 'DefaultCluster_REPLY_TOPIC', brokerName: 'broker-a' });
      expect(await asked).toBe('this');
    });
  });

  describe('look-ups', () => {
    it('by id and by key answer what Java answers', async () => {
      await client.createTopic('Find');
      await client.createTopic('Elsewhere');
      const sent = await client.send([
        { topic: 'Find', body: 'a', keys: 'k1 k2' }, { topic: 'Find', body: 'b', keys: 'k2' }, { topic: 'Find', body: 'c', keys: 'Aa' }, { topic: 'Find', body: 'd', keys: 'BB' },
        { topic: 'Elsewhere', body: 'e', keys: 'k1' },
      ]);
      const broker = await open('read');
      const ids = (messages: readonly { readonly offsetMsgId: string }[]): string[] => messages.map(({ offsetMsgId }) => offsetMsgId).sort();
      await until('the index has them', async () => (await client.findByKey('Elsewhere', 'k1')).length === 1);
      for (const key of ['k1', 'k2', 'Aa', 'BB', 'k']) {
        const java = await client.findByKey('Find', key).catch(() => []);
        expect(ids((await broker.queryByKey({ topic: 'Find', key, maxMessages: 10 })).messages), key).toEqual(ids(java));
      }
      for (const { msgId, offsetMsgId, topic } of sent) {
        const found = [await broker.queryByMsgId(msgId), await broker.queryByMsgId(msgId, topic), await broker.queryByMsgId(offsetMsgId), await broker.queryByMsgId(offsetMsgId.toLowerCase(), topic)];
        for (const { messages } of found) expect(ids(messages)).toEqual([offsetMsgId]);
        expect(ids(await client.findByUniqueKey(topic, msgId))).toEqual([offsetMsgId]);
        const java = await client.view(offsetMsgId);
        expect(found[2]!.messages[0]).toMatchObject({ msgId: java.msgId, bornHost: java.bornHost, storeHost: java.storeHost, storeSize: java.storeSize, bodyCRC: java.bodyCRC, properties: java.properties });
      }
      // An address that is nobody's of this cluster is not dialled.
      expect(await broker.queryByMsgId(`0A0000010000270F${sent[0]!.offsetMsgId.slice(16)}`)).toEqual({ messages: [], truncated: false });
    });

    it('more messages with a key than a broker answers at once: all, or the newest and that there are more', async () => {
      await client.createTopic('Full', { queues: 1 });
      const broker = await open();
      for (let second = 0; second < 3; second++) {
        await broker.sendBatch(Array.from({ length: 30 }, (_, index): OutgoingMessage => ({ topic: 'Full', body: Buffer.from(`${second * 30 + index}`), keys: ['same'] })));
        await sleep(1500);
      }
      const bodies = async (maxMessages: number): Promise<readonly [readonly string[], boolean]> => {
        const { messages, truncated } = await broker.queryByKey({ topic: 'Full', key: 'same', maxMessages });
        return [messages.map(({ body }) => body.toString()), truncated];
      };
      const all = Array.from({ length: 90 }, (_, index) => String(index));
      expect(await bodies(200)).toEqual([all, false]);
      expect(await bodies(70)).toEqual([all.slice(20), true]);
    });

    it('message get and find', async () => {
      const broker = await open();
      await client.createTopic('Got', { queues: 1 });
      const sent = await broker.send({ topic: 'Got', body: Buffer.from('here'), keys: ['k'] });
      for (const args of [['get', sent.msgId], ['get', sent.offsetMsgId, '--topic', 'Got'], ['find', 'Got', '--key', 'k'], ['find', 'Got', '--from=-1h']]) {
        const { messages } = JSON.parse(await run(['message', ...args, '--json'])) as MessageListJson;
        expect(messages.map(({ body, offsetMsgId }) => `${body} ${offsetMsgId}`), args.join(' ')).toEqual([`here ${sent.offsetMsgId}`]);
      }
      await run(['message', 'get', 'AC1100020B5D30946E0900000000FFFF'], { expect: 3 });
      await run(['message', 'find', 'Got', '--key', 'nobody'], { expect: 3 });
    });
  });

  it('dlq: what is dead is listed, shown, exported and sent again', async () => {
    await client.createTopic('Dead', { queues: 1 });
    await client.send([{ topic: 'Dead', body: 'bad', keys: 'k' }]);
    await client.consume({ group: 'losers', topic: 'Dead', count: 1, fail: true, maxReconsumeTimes: 0 });
    await until('it is dead', async () => (await client.topics())['%DLQ%losers'] !== undefined && (await client.queues('%DLQ%losers'))[0]!.maxOffset === 1);
    expect(JSON.parse(await run(['dlq', 'list', '--json']))).toMatchObject({ groups: [{ group: 'losers', count: 1 }] });
    expect(JSON.parse(await run(['dlq', 'list', 'losers', '--json']))).toMatchObject({ deadLetters: [{ keys: ['k'], originTopic: 'Dead' }] });
    expect(await run(['dlq', 'show', 'losers', '0'])).toContain('bad');
    expect(JSON.parse(await run(['dlq', 'export', 'losers']))).toMatchObject({ body: 'bad' });
    await run(['dlq', 'redrive', 'losers']);
    const [again] = await client.consume({ group: 'losers', topic: 'Dead', count: 1 });
    expect(again).toMatchObject({ reconsumeTimes: 0 });
    expect(JSON.parse(await run(['dlq', 'purge', 'losers', '--json']))).toMatchObject({ count: 1, executed: false });
  });
});
