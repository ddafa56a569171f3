import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../../../src/broker/errors.ts';
import type { MessageQueue } from '../../../../src/broker/types.ts';
import { deadLettersPanel } from '../../../../src/tui/panels/dead-letters.ts';
import { delayedPanel } from '../../../../src/tui/panels/delayed.ts';
import { groupsPanel } from '../../../../src/tui/panels/groups.ts';
import { halfMessagesPanel } from '../../../../src/tui/panels/half-messages.ts';
import { PANELS } from '../../../../src/tui/panels/index.ts';
import { queuesPanel } from '../../../../src/tui/panels/queues.ts';
import { FakeBroker } from '../../../support/fake-broker.ts';
import { ManualClock } from '../../client/support.ts';
import { EVERYTHING, expectScreens, FAMILY, loadOf, LONG_TOPIC, rowTexts, screenOf, textOf } from './support.ts';

const AWKWARD = [
  { keys: ['order-1'], body: '{"sku":"A-1","qty":2}' },
  { keys: ['订单-42', '客户'], body: '已支付，金额 128 元，明天发货，谢谢惠顾' },
  { keys: [`k${FAMILY}`], body: `🚀 launch ${FAMILY} 👍🏽 done` },
  { keys: ['a\u001b]0;pwned\u0007'], body: '\u001b[2J\u001b[31mred\u0000\r\nline \u202ertl' },
] as const;
const queue = (topic: string, queueId: number): MessageQueue => ({ topic, brokerName: 'broker-a', queueId });
const body = (text: string | Uint8Array): Buffer => Buffer.from(text as string);

/** Two topics, one of them with the longest name, and awkward messages. */
async function busyBroker(clock: ManualClock): Promise<FakeBroker> {
  const broker = new FakeBroker({ clock });
  await broker.createTopic('Orders', { readQueueNums: 4, writeQueueNums: 4 });
  await broker.createTopic(LONG_TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
  for (const [queueId, message] of AWKWARD.entries()) await broker.send({ topic: 'Orders', queueId, keys: message.keys, body: body(message.body) });
  await broker.send({ topic: LONG_TOPIC, queueId: 0, body: Buffer.from([0xff, 0xfe, 0x00, 0x01]) });
  return broker;
}

async function send(broker: FakeBroker, topic: string, queueId: number, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await broker.send({ topic, queueId, body: body(`${n}`) });
}

describe('queues', () => {
  it('screens', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    let snapshot = await loadOf(queuesPanel, broker, clock);
    for (const [step, count] of [0, 1, 3, 9, 0, 27, 81].entries()) {
      await clock.advance(1000);
      await send(broker, 'Orders', 0, count);
      if (step % 3 === 0) await send(broker, 'Orders', 1, 1);
      snapshot = await loadOf(queuesPanel, broker, clock, snapshot);
    }
    await clock.advance(500);
    await expectScreens('queues', queuesPanel, snapshot, clock.nowMs());
  });

  it('has no rate before there is something to compare, and what came since is marked', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    const first = await loadOf(queuesPanel, broker, clock);
    expect(rowTexts(queuesPanel, first, 80, clock.nowMs())[0]).toMatch(/^ {2}Orders +0 .* 1 +unknown /);
    await clock.advance(2000);
    await send(broker, 'Orders', 2, 5);
    const second = await loadOf(queuesPanel, broker, clock, first);
    const rows = rowTexts(queuesPanel, second, 80, clock.nowMs());
    expect(rows.filter((row) => row.startsWith('*'))).toEqual([rows[2]]);
    expect(rows[2]).toMatch(/ 6 +2\.5\/s /);
    expect(rows[0]).toMatch(/ 1 +0\/s /);
    expect(textOf(queuesPanel.summary(second, { widthColumns: 80, nowMs: clock.nowMs() }))).toBe('5 queues of 2 topics, 2.5/s in');
    const withNew = { ...second, rows: [...second.rows, { ...second.rows[0]!, samples: second.rows[0]!.samples.slice(-1) }] };
    expect(textOf(queuesPanel.summary(withNew, { widthColumns: 80, nowMs: clock.nowMs() }))).toBe('6 queues of 2 topics, at least 2.5/s in');
    await clock.advance(1000);
    expect(rowTexts(queuesPanel, await loadOf(queuesPanel, broker, clock, second), 80, clock.nowMs()).filter((row) => row.startsWith('*'))).toEqual([]);
  });

  it('keeps 41 samples, and begins anew when a topic is made anew', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    let snapshot = await loadOf(queuesPanel, broker, clock);
    for (let step = 0; step < 60; step++) {
      await clock.advance(1000);
      snapshot = await loadOf(queuesPanel, broker, clock, snapshot);
    }
    expect(snapshot.rows.every(({ samples }) => samples.length === 41)).toBe(true);
    await broker.deleteTopic('Orders');
    await broker.createTopic('Orders', { readQueueNums: 4, writeQueueNums: 4 });
    snapshot = await loadOf(queuesPanel, broker, clock, snapshot);
    const [row] = snapshot.rows.filter((candidate) => candidate.queue.topic === 'Orders');
    expect(row).toMatchObject({ maxOffset: 0, last: null, isActive: false });
    expect(row!.samples).toHaveLength(1);
    expect(rowTexts(queuesPanel, snapshot, 80, clock.nowMs())[0]).toMatch(/unknown +- +$/);
  });

  it('leaves out a topic that vanishes between two questions, and keeps its other errors', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    const first = await loadOf(queuesPanel, broker, clock);
    const describeTopic = broker.describeTopic.bind(broker);
    broker.describeTopic = async (topic) => {
      if (topic === 'Orders') throw new MqliteError('TOPIC_NOT_FOUND', 'gone');
      return describeTopic(topic);
    };
    const second = await loadOf(queuesPanel, broker, clock, first);
    expect(second.rows.map((row) => row.queue.topic)).toEqual([LONG_TOPIC]);
    broker.describeTopic = async () => { throw new MqliteError('UNREACHABLE', 'broker is down'); };
    await expect(loadOf(queuesPanel, broker, clock, second)).rejects.toThrow('broker is down');
  });

  it('looks at so many topics at a time, and at each in its turn', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock, kind: 'remote' });
    for (let n = 0; n < 80; n++) await broker.createTopic(`T${String(n).padStart(2, '0')}`, { readQueueNums: 1, writeQueueNums: 1 });
    for (let n = 0; n < 80; n++) await broker.send({ topic: `T${String(n).padStart(2, '0')}`, queueId: 0, body: body('x') });
    const asked: string[] = [];
    let reads = 0;
    const [describeTopic, pull] = [broker.describeTopic.bind(broker), broker.pull.bind(broker)];
    broker.describeTopic = async (topic) => { asked.push(topic); return describeTopic(topic); };
    broker.pull = async (request) => { reads++; return pull(request); };
    let snapshot = await loadOf(queuesPanel, broker, clock);
    expect([asked.length, reads]).toEqual([32, 16]);
    expect(textOf(queuesPanel.summary(snapshot, { widthColumns: 80, nowMs: clock.nowMs() }))).toBe('32 queues of 80 topics, 48 topics still to be looked at');
    for (let time = 1; time < 3; time++) {
      await clock.advance(1000);
      snapshot = await loadOf(queuesPanel, broker, clock, snapshot);
    }
    expect(new Set(asked).size).toBe(80);
    expect(asked).toHaveLength(96);
    expect(snapshot.rows).toHaveLength(80);
  });

  it('shows the chosen topics alone, also one of RocketMQ\'s own', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    await broker.send({ topic: 'Orders', body: body('later'), delayLevel: 3 });
    expect(new Set((await loadOf(queuesPanel, broker, clock)).rows.map((row) => row.queue.topic))).toEqual(new Set(['Orders', LONG_TOPIC]));
    const chosen = await loadOf(queuesPanel, broker, clock, null, { topics: ['SCHEDULE_TOPIC_XXXX', 'NoSuch'], groups: [] });
    expect(new Set(chosen.rows.map((row) => row.queue.topic))).toEqual(new Set(['SCHEDULE_TOPIC_XXXX']));
  });

  it('Enter opens the newest message', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    const rows = queuesPanel.rows(await loadOf(queuesPanel, broker, clock), { widthColumns: 80, nowMs: 0 });
    expect(rows[0]!.record).toEqual({ ...queue('Orders', 0), queueOffset: 0 });
    await broker.createTopic('Empty', { readQueueNums: 1, writeQueueNums: 1 });
    const empty = queuesPanel.rows(await loadOf(queuesPanel, broker, clock), { widthColumns: 80, nowMs: 0 })[0]!;
    expect(textOf(empty.line)).toContain('Empty');
    expect(empty.record).toBeUndefined();
  });
});

describe('groups', () => {
  async function groupBroker(clock: ManualClock): Promise<FakeBroker> {
    const broker = await busyBroker(clock);
    await send(broker, 'Orders', 0, 1200);
    await send(broker, 'Orders', 1, 300);
    await broker.joinGroup({ group: 'billing', subscriptions: [{ topic: 'Orders' }] }).then((member) => member.refresh());
    broker.store.setOffset('billing', queue('Orders', 0), 0);
    for (let id = 1; id < 4; id++) broker.store.setOffset('billing', queue('Orders', id), 1);
    broker.store.setOffset('billing', queue(LONG_TOPIC, 0), 1);
    // Of one queue with messages nothing is known.
    broker.store.setOffset('audit', queue('Orders', 0), 1201);
    await broker.createGroup('idle', {});
    return broker;
  }

  it('screens', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    const listMembers = broker.listMembers.bind(broker);
    broker.listMembers = async (group) => (await listMembers(group)).map((member) => ({ ...member, clientId: '192.168.100.27@4711#6f3a' }));
    let snapshot = await loadOf(groupsPanel, broker, clock);
    for (let step = 1; step <= 8; step++) {
      await clock.advance(2000);
      await send(broker, 'Orders', 0, 10);
      broker.store.setOffset('billing', queue('Orders', 0), step * 60);
      snapshot = await loadOf(groupsPanel, broker, clock, snapshot);
    }
    await expectScreens('groups', groupsPanel, snapshot, clock.nowMs());
  });

  it('what cannot be known is unknown, and never 0', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    const rows = rowTexts(groupsPanel, await loadOf(groupsPanel, broker, clock), 120, clock.nowMs());
    const audit = rows.filter((row) => row.startsWith('audit') || row.startsWith('  Orders')).slice(0, 2);
    for (const row of audit) expect(row).toMatch(/ unknown +unknown +unknown +unknown +unknown /);
    expect(rows.find((row) => row.startsWith('idle'))).toMatch(/ unknown +unknown +unknown +unknown +unknown +0 /);
    expect(rows.filter((row) => /^ {4}1 /.test(row))[0]).toMatch(/- +unknown +unknown /);
    expect(textOf(groupsPanel.summary(await loadOf(groupsPanel, broker, clock), { widthColumns: 120, nowMs: clock.nowMs() }))).toBe('3 groups, 1 behind by 1,501 messages, of 2 the lag is unknown');
  });

  it('rates come of two looks, and say when the backlog is gone', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    const first = await loadOf(groupsPanel, broker, clock);
    await clock.advance(10_000);
    await send(broker, 'Orders', 0, 50);
    broker.store.setOffset('billing', queue('Orders', 0), 550);
    const second = await loadOf(groupsPanel, broker, clock, first);
    const billing = rowTexts(groupsPanel, second, 120, clock.nowMs()).find((row) => row.startsWith('billing'));
    // 701 + 300 messages, 55 out and 5 in a second.
    expect(billing).toMatch(/ 1,001 +10s +5\/s +55\/s +21s +1 /);
    expect(groupsPanel.rows(second, { widthColumns: 120, nowMs: 0 }).filter(({ record }) => record !== undefined).map(({ record }) => record)).toContainEqual({ ...queue('Orders', 0), queueOffset: 550 });
  });

  it('of chosen topics it shows who reads them, and how far behind on them', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    const all = await loadOf(groupsPanel, broker, clock);
    await clock.advance(2000);
    const chosen = await loadOf(groupsPanel, broker, clock, all, { topics: [LONG_TOPIC], groups: [] });
    expect(chosen.groups.map(({ group, topics }) => [group, topics.map(({ topic }) => topic)])).toEqual([['billing', [LONG_TOPIC]]]);
    expect(rowTexts(groupsPanel, chosen, 120, clock.nowMs())[0]).toMatch(/^billing +0 +- +0\/s +0\/s +- +1 +▁▁$/);
    expect((await loadOf(groupsPanel, broker, clock, chosen)).groups).toHaveLength(3);
  });

  it('a reset counts anew instead of backwards', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    broker.store.setOffset('billing', queue('Orders', 0), 1000);
    const first = await loadOf(groupsPanel, broker, clock);
    await clock.advance(2000);
    broker.store.setOffset('billing', queue('Orders', 0), 0);
    const second = await loadOf(groupsPanel, broker, clock, first);
    expect(rowTexts(groupsPanel, second, 120, clock.nowMs()).find((row) => row.startsWith('billing'))).toMatch(/ 1,501 +2s +0\/s +unknown +unknown /);
  });

  it('shows the owner of each queue, the instances of those that broadcast, and of many queues those furthest behind', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    await broker.createTopic('Wide', { readQueueNums: 100, writeQueueNums: 100 });
    await broker.send({ topic: 'Wide', queueId: 99, body: body('x') });
    const member = await broker.joinGroup({ group: 'g', subscriptions: [{ topic: 'Wide' }] });
    await member.refresh();
    for (let id = 0; id < 100; id++) broker.store.setOffset('g', queue('Wide', id), 0);
    const loud = await broker.joinGroup({ group: 'loud', subscriptions: [{ topic: 'Wide' }], messageModel: 'broadcasting', instance: 'left' });
    await loud.refresh();
    await loud.commit([{ queue: queue('Wide', 99), offset: 1 }]);
    const snapshot = await loadOf(groupsPanel, broker, clock);
    const rows = rowTexts(groupsPanel, snapshot, 160, clock.nowMs());
    expect(rows.filter((row) => /^ {4}\d/.test(row))).toHaveLength(128);
    expect(rows.filter((row) => row.startsWith('    and 36 more queues'))).toHaveLength(2);
    expect(rows.find((row) => /^ {4}99 /.test(row))).toMatch(new RegExp(` 1 .*${member.info.clientId.slice(-8)}.*█`));
    expect(rows.some((row) => row.startsWith('  Wide as left'))).toBe(true);
  });

  it('leaves out a group that vanishes', async () => {
    const clock = new ManualClock();
    const broker = await groupBroker(clock);
    broker.listMembers = async (group) => { if (group === 'idle') throw new MqliteError('GROUP_NOT_FOUND', 'gone'); return []; };
    expect((await loadOf(groupsPanel, broker, clock)).groups.map(({ group }) => group)).toEqual(['audit', 'billing']);
  });
});

describe('delayed', () => {
  it('screens', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    const reader = new FakeBroker({ clock, store: broker.store, mode: 'read' });
    await broker.send({ topic: 'Orders', queueId: 0, keys: AWKWARD[1].keys, body: body(AWKWARD[1].body), delayLevel: 1 });
    await broker.send({ topic: 'Orders', queueId: 0, keys: AWKWARD[2].keys, body: body(AWKWARD[2].body), delayMs: 90_000 });
    await broker.send({ topic: LONG_TOPIC, queueId: 0, keys: AWKWARD[3].keys, body: body(AWKWARD[3].body), deliverAtMs: clock.nowMs() + 86_400_000 });
    await broker.send({ topic: 'Orders', queueId: 0, body: body('x'.repeat(500)), delayLevel: 18 });
    const [failed] = (await reader.pull({ queue: queue('Orders', 0), offset: 0, maxMessages: 1 })).messages;
    await broker.sendBack(failed!, { group: 'billing' });
    const snapshot = await loadOf(delayedPanel, reader, clock);
    await clock.advance(2500);
    await expectScreens('delayed', delayedPanel, snapshot, clock.nowMs());
  });

  it('counts down between two looks', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    await broker.send({ topic: 'Orders', body: body('soon'), delayMs: 90_000 });
    const snapshot = await loadOf(delayedPanel, broker, clock);
    const dueIn = (): string => rowTexts(delayedPanel, snapshot, 80, clock.nowMs())[0]!.slice(0, 15).trim();
    expect(dueIn()).toBe('1m 30s');
    await clock.advance(89_500);
    expect(dueIn()).toBe('1s');
    await clock.advance(500);
    expect(dueIn()).toBe('overdue 0s');
    await clock.advance(3_723_000);
    expect(dueIn()).toBe('overdue 1h 2m');
  });

  it('says of whom it knows no timer messages', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    await broker.send({ topic: 'Orders', body: body('timer'), delayMs: 90_000 });
    await broker.send({ topic: 'Orders', body: body('level'), delayLevel: 18 });
    const delayProgress = broker.delayProgress.bind(broker);
    broker.delayProgress = async () => ({ ...await delayProgress(), timer: null });
    const snapshot = await loadOf(delayedPanel, broker, clock);
    expect(snapshot.rows.map(({ asked }) => asked)).toEqual(['level 18']);
    expect(textOf(delayedPanel.summary(snapshot, { widthColumns: 120, nowMs: clock.nowMs() }))).toBe('1 message to come, without timer messages: broker-a does not tell which are delivered');
  });

  it('chooses topics, and says where a row\'s record is', async () => {
    const clock = new ManualClock();
    const broker = await busyBroker(clock);
    await broker.send({ topic: 'Orders', body: body('a'), delayLevel: 5 });
    await broker.send({ topic: LONG_TOPIC, body: body('b'), delayLevel: 4 });
    const all = delayedPanel.rows(await loadOf(delayedPanel, broker, clock), { widthColumns: 80, nowMs: 0 });
    expect(all.map(({ record, id }) => [record, id])).toEqual([3, 4].map((queueId) => [{ ...queue('SCHEDULE_TOPIC_XXXX', queueId), queueOffset: 0, commitLogOffset: logOffsetOf(broker, 'SCHEDULE_TOPIC_XXXX', queueId, 0) }, `SCHEDULE_TOPIC_XXXX/broker-a/${queueId}/0`]));
    expect(rowTexts(delayedPanel, await loadOf(delayedPanel, broker, clock, null, { topics: ['Orders'], groups: [] }), 80, 0)).toHaveLength(1);
  });
});

describe('dead letters', () => {
  async function deadBroker(clock: ManualClock): Promise<FakeBroker> {
    const broker = await busyBroker(clock);
    for (let queueId = 0; queueId < 4; queueId++) {
      const [failed] = (await broker.pull({ queue: queue('Orders', queueId), offset: 0, maxMessages: 1 })).messages;
      await clock.advance(60_000);
      await broker.sendBack(failed!, { group: queueId === 3 ? 'a-group-with-quite-a-long-name-for-a-group' : 'billing', delayLevel: -1 });
    }
    return broker;
  }

  it('screens', async () => {
    const clock = new ManualClock();
    const snapshot = await loadOf(deadLettersPanel, await deadBroker(clock), clock);
    await clock.advance(3_600_000);
    await expectScreens('dead-letters', deadLettersPanel, snapshot, clock.nowMs());
  });

  it('each row is a record of the dead-letter topic, newest first; what was purged is left out', async () => {
    const clock = new ManualClock();
    const broker = await deadBroker(clock);
    const first = await loadOf(deadLettersPanel, broker, clock, null, { topics: [], groups: ['billing'] });
    expect(deadLettersPanel.rows(first, { widthColumns: 80, nowMs: 0 }).map(({ record }) => record)).toEqual([2, 1, 0].map((queueOffset) => ({ ...queue('%DLQ%billing', 0), queueOffset, commitLogOffset: logOffsetOf(broker, '%DLQ%billing', 0, queueOffset) })));
    broker.store.setOffset('MQLITE_DLQ', queue('%DLQ%billing', 0), 2);
    const second = await loadOf(deadLettersPanel, broker, clock, first, { topics: [], groups: ['billing'] });
    expect(second.rows.map(({ record }) => record.queueOffset)).toEqual([2]);
    expect(textOf(deadLettersPanel.summary(second, { widthColumns: 80, nowMs: 0 }))).toBe('1 dead letter of 1 group');
    broker.store.setOffset('MQLITE_DLQ', queue('%DLQ%billing', 0), 0);
    expect((await loadOf(deadLettersPanel, broker, clock, second, { topics: [], groups: ['billing', 'none'] })).rows).toHaveLength(3);
  });

  it('chooses by the topic that a letter came from', async () => {
    const clock = new ManualClock();
    const broker = await deadBroker(clock);
    const [other] = (await broker.pull({ queue: queue(LONG_TOPIC, 0), offset: 0, maxMessages: 1 })).messages;
    for (let n = 0; n < 250; n++) await broker.sendBack(other!, { group: 'other', delayLevel: -1 });
    const chosen = await loadOf(deadLettersPanel, broker, clock, null, { topics: ['Orders'], groups: [] });
    expect(chosen.rows.map(({ group }) => group).sort()).toEqual(['a-group-with-quite-a-long-name-for-a-group', 'billing', 'billing', 'billing']);
    expect(textOf(deadLettersPanel.summary(chosen, { widthColumns: 100, nowMs: 0 }))).toBe('4 dead letters of 2 groups, 50 older ones not looked at');
    expect((await loadOf(deadLettersPanel, broker, clock, chosen)).count).toBe(254);
  });

  it('shows the newest 200 of a queue, says how many there are, and reads none twice', async () => {
    const clock = new ManualClock();
    const broker = await deadBroker(clock);
    const [failed] = (await broker.pull({ queue: queue('Orders', 0), offset: 0, maxMessages: 1 })).messages;
    for (let n = 0; n < 300; n++) await broker.sendBack(failed!, { group: 'billing', delayLevel: -1 });
    const pulled: number[] = [];
    const pull = broker.pull.bind(broker);
    broker.pull = async (request) => { const result = await pull(request); pulled.push(result.messages.length); return result; };
    const scope = { topics: [], groups: ['billing'] };
    const first = await loadOf(deadLettersPanel, broker, clock, null, scope);
    expect(first.rows).toHaveLength(200);
    expect(textOf(deadLettersPanel.summary(first, { widthColumns: 100, nowMs: 0 }))).toBe('303 dead letters of 1 group, the newest 200 shown and 103 more');
    expect(pulled).toEqual([200]);
    await broker.sendBack(failed!, { group: 'billing', delayLevel: -1 });
    const second = await loadOf(deadLettersPanel, broker, clock, first, scope);
    expect(pulled).toEqual([200, 1]);
    expect(second.rows[0]!.record.queueOffset).toBe(303);
    expect(second.rows.at(-1)!.record.queueOffset).toBe(104);
  });
});

describe('half messages', () => {
  async function halfBroker(clock: ManualClock): Promise<FakeBroker> {
    const broker = await busyBroker(clock);
    for (const [index, { keys, body: text }] of AWKWARD.entries()) {
      await broker.send({ topic: index === 3 ? LONG_TOPIC : 'Orders', queueId: 0, keys, body: body(text), transactional: true, producerGroup: index % 2 === 0 ? 'payers' : 'shippers' });
      await clock.advance(10_000);
    }
    await broker.checkTransactions('payers', async () => 'unknown', new AbortController().signal, { once: true, maxChecks: 2 });
    return broker;
  }

  it('screens', async () => {
    const clock = new ManualClock();
    const broker = await halfBroker(clock);
    for (let round = 0; round < 2; round++) await broker.checkTransactions('payers', async () => 'unknown', new AbortController().signal, { once: true, maxChecks: 2 });
    await expectScreens('half-messages', halfMessagesPanel, await loadOf(halfMessagesPanel, broker, clock), clock.nowMs());
  });

  it('keeps a transaction\'s row through its copies, and drops it when it is ended', async () => {
    const clock = new ManualClock();
    const broker = await halfBroker(clock);
    const first = await loadOf(halfMessagesPanel, broker, clock);
    expect(first.rows.map(({ state, checkTimes }) => `${state} ${checkTimes}`)).toEqual(['pending 1', 'pending 0', 'pending 1', 'pending 0']);
    const ids = halfMessagesPanel.rows(first, { widthColumns: 80, nowMs: 0 }).map(({ id }) => id);
    await broker.checkTransactions('payers', async () => 'unknown', new AbortController().signal, { once: true });
    await broker.checkTransactions('shippers', async () => 'rollback', new AbortController().signal, { once: true });
    const second = await loadOf(halfMessagesPanel, broker, clock, first);
    const rows = halfMessagesPanel.rows(second, { widthColumns: 80, nowMs: 0 });
    expect(rows.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(rows.map(({ record }) => record!.topic)).toEqual(['RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_HALF_TOPIC']);
    expect(second.rows.map(({ checkTimes }) => checkTimes)).toEqual([2, 2]);
  });

  it('reads nothing as long as nothing changes, and chooses groups and topics', async () => {
    const clock = new ManualClock();
    const broker = await halfBroker(clock);
    const first = await loadOf(halfMessagesPanel, broker, clock);
    const pull = broker.pull.bind(broker);
    let pulls = 0;
    broker.pull = async (request) => { pulls++; return pull(request); };
    const payers = await loadOf(halfMessagesPanel, broker, clock, first, { topics: [], groups: ['payers'] });
    expect([pulls, payers.rows.length]).toEqual([0, 2]);
    expect((await loadOf(halfMessagesPanel, broker, clock, payers, { topics: [LONG_TOPIC], groups: [] })).rows).toHaveLength(1);
    expect((await loadOf(halfMessagesPanel, broker, clock, payers)).rows).toHaveLength(4);
    await broker.send({ topic: 'Orders', body: body('one more'), transactional: true, producerGroup: 'payers' });
    expect((await loadOf(halfMessagesPanel, broker, clock, payers)).rows).toHaveLength(5);
    expect(pulls).toBeGreaterThan(0);
  });
});

describe('every panel', () => {
  it('shows an empty broker in words', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    const screens: string[] = [];
    for (const panel of PANELS) {
      expect(panel.unavailable(broker)).toBeNull();
      const snapshot: unknown = await loadOf(panel, broker, clock);
      expect(panel.rows(snapshot, { widthColumns: 80, nowMs: 0 })).toEqual([]);
      screens.push(screenOf(panel, snapshot, 80, 0));
    }
    expect(screens.map((screen) => screen.trimEnd().split('\n').at(-1))).toEqual(['no queues|', 'no groups|', 'nothing waits|', 'no dead letters|', 'no half message is pending|']);
  });

  it('has an id, a title and an interval of its own', () => {
    expect(PANELS.map(({ id }) => id)).toEqual(['queues', 'groups', 'delayed', 'dead-letters', 'half-messages']);
    expect(PANELS.every(({ title, intervalMs }) => title !== '' && intervalMs >= 500)).toBe(true);
    expect(EVERYTHING).toEqual({ topics: [], groups: [] });
  });
});

/** Where a record of a queue lies in the log. */
function logOffsetOf(broker: FakeBroker, topic: string, queueId: number, queueOffset: number): number {
  return broker.store.log.find((record) => record.topic === topic && record.queueId === queueId && record.queueOffset === queueOffset)!.commitLogOffset;
}
