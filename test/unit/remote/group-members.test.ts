import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { repeatBySleeping, systemClock } from '../../../src/base/clock.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { JoinRequest, Membership, MessageQueue } from '../../../src/broker/types.ts';
import { openRemoteBroker } from '../../../src/remote/open.ts';
import { REQUEST_CODE } from '../../../src/wire/codes.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { encodeFrame } from '../../../src/wire/frame.ts';
import { CONSUME_MESSAGE_DIRECTLY, GET_CONSUMER_RUNNING_INFO } from '../../../src/wire/requests/consumer-client.ts';
import { GET_CONSUMER_STATUS_FROM_CLIENT, RESET_CONSUMER_CLIENT_OFFSET } from '../../../src/wire/requests/progress.ts';
import { FakeCluster } from '../../support/fake-cluster.ts';
import type { FakeClusterBroker } from '../../support/fake-cluster.ts';

/** Time that passes faster than it does, for what happens every half minute. */
const fastClock = (factor: number): Clock => {
  const clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    elapsedMs: () => systemClock.elapsedMs() * factor,
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / factor, signal),
    repeat: (delayMs, next) => repeatBySleeping(clock, delayMs, next),
  };
  return clock;
};

const FACTOR = 20;
const keys = (queues: readonly MessageQueue[]): string[] => queues.map(({ topic, brokerName, queueId }) => `${brokerName}/${topic}/${queueId}`).sort();
const until = (isSo: () => unknown): Promise<void> => expect.poll(isSo, { timeout: 8000, interval: 10 }).toBeTruthy();

describe('a member of a group of a cluster', () => {
  let cluster: FakeCluster;
  let one: FakeClusterBroker;
  let two: FakeClusterBroker;
  let broker: Broker;
  const notices: string[] = [];

  beforeEach(async () => {
    cluster = await FakeCluster.start(['broker-a', 'broker-b']);
    [one, two] = cluster.brokers as [FakeClusterBroker, FakeClusterBroker];
    for (const each of cluster.brokers) each.queues.set('T', 2);
    notices.length = 0;
    broker = await open();
  });
  afterEach(async () => {
    await broker.close();
    await cluster.close();
  });

  // Requests have their time in real milliseconds, whatever the clock.
  const open = (factor = 1): Promise<Broker> => openRemoteBroker({
    nameServers: [cluster.nameServer], mode: 'write', settings: { requestTimeoutMs: 8000 * factor }, connectTimeoutMs: 8000 * factor, clock: factor === 1 ? systemClock : fastClock(factor),
    onNotice: (text) => void notices.push(text),
    broadcastFiles: { open: async () => ({ read: () => [], write: () => undefined, close: () => undefined }), list: () => [] },
  });
  const join = (more: Partial<JoinRequest> = {}, by = broker): Promise<Membership> => by.joinGroup({ group: 'g', subscriptions: [{ topic: 'T' }], ...more });
  const queue = (brokerName: string, queueId: number): MessageQueue => ({ topic: 'T', brokerName, queueId });
  const socketAt = (at: FakeClusterBroker): Parameters<typeof at.tell>[0] => [...at.members.get('g')!.keys()][0]!;

  describe('heartbeats', () => {
    it('tell every broker of the topics what it reads, before it owns anything', async () => {
      const member = await join({ subscriptions: [{ topic: 'T', filter: { tags: 'TagA||TagB' } }] });
      for (const each of cluster.brokers) {
        expect([...each.members.get('g')!.values()][0]!.heartbeat).toMatchObject({
          clientID: member.info.clientId, heartbeatFingerprint: 0, withoutSub: false, producerDataSet: [],
          consumerDataSet: [{
            groupName: 'g', consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING', unitMode: false,
            subscriptionDataSet: [
              { topic: 'T', subString: 'TagA || TagB', tagsSet: ['TagA', 'TagB'], codeSet: [2598919, 2598920], classFilterMode: false, expressionType: 'TAG', subVersion: member.info.sinceTimestamp },
              { topic: '%RETRY%g', subString: '*', tagsSet: [], codeSet: [], expressionType: 'TAG' },
            ],
          }],
        });
      }
      expect(member.info.clientId).toMatch(/^127\.0\.0\.1@\d+#\d+$/);
      expect(keys(member.queues)).toEqual(['broker-a/T/0', 'broker-a/T/1', 'broker-b/T/0', 'broker-b/T/1']);
    });

    it('come every 30 s, and at once over a new connection', async () => {
      const fast = await open(FACTOR);
      const startMs = Date.now();
      const member = await join({}, fast);
      const beats = (): number => two.count(REQUEST_CODE.HEART_BEAT);
      expect(beats()).toBe(1);
      await until(() => beats() >= 3);
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(2 * 30_000 / FACTOR - 5);
      // The broker breaks the connection off: the next request makes one, and with it a heartbeat.
      const before = beats();
      socketAt(two).destroy();
      await until(() => !two.members.get('g')!.size);
      await until(async () => {
        await member.commit([]);
        return two.members.get('g')!.size;
      });
      expect(beats()).toBeGreaterThan(before);
      expect(two.memberIds('g')).toEqual([member.info.clientId]);
      await fast.close();
      expect([one.memberIds('g'), two.memberIds('g')]).toEqual([[], []]);
    });

    it('are refused by the settings of the group, and by a broker\'s compiler', async () => {
      two.consumeEnable = false;
      await expect(join()).rejects.toMatchObject({ code: 'PERMISSION_DENIED', message: expect.stringContaining('broker-b') as string });
      two.consumeEnable = true;
      const other = await open();
      await expect(join({ subscriptions: [{ topic: 'T', filter: { sql: 'a = 1' } }] }, other)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await other.close();
      expect(one.memberIds('g')).toEqual([]);
    });

    it('a broker that is gone while it holds a poll is told of; a poll that ends because the member left is not', async () => {
      for (const each of cluster.brokers) each.handlers.set(REQUEST_CODE.PULL_MESSAGE, () => null);
      const hold = async (by: Broker, at: FakeClusterBroker): Promise<void> => {
        const before = at.count(REQUEST_CODE.PULL_MESSAGE);
        void by.pull({ queue: queue(at.name, 0), offset: 0, maxMessages: 1, suspendMs: 10_000 }).catch(() => undefined);
        await until(() => at.count(REQUEST_CODE.PULL_MESSAGE) > before);
      };
      const other = await open();
      await join({}, other);
      await hold(other, one);
      await other.close();
      await systemClock.sleep(20);
      expect(notices).toEqual([]);
      await join();
      await hold(broker, two);
      await two.close();
      await until(() => notices.some((text) => text.includes('broker-b') && text.includes('its queues wait')));
    });

    it('end with the membership: brokers hear of it at once', async () => {
      const member = await join();
      await member.leave();
      expect([one.count(REQUEST_CODE.UNREGISTER_CLIENT), two.count(REQUEST_CODE.UNREGISTER_CLIENT)]).toEqual([1, 1]);
      await expect(member.refresh()).rejects.toMatchObject({ code: 'REFUSED' });
      await member.leave();
    });
  });

  describe('sharing out', () => {
    // Before and after every id of ours.
    const FIRST = '1.1.1.1@1#1';

    it('goes by the broker\'s list, waits for what a living member still has, and takes what a dead one had at once', async () => {
      for (const each of cluster.brokers) each.strangers.set('g', [FIRST]);
      const startMs = Date.now();
      const member = await join();
      expect([keys(member.queues), keys(member.awaited)]).toEqual([[], ['broker-b/T/0', 'broker-b/T/1']]);
      await until(async () => {
        await member.refresh();
        return member.awaited.length === 0;
      });
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(950);
      expect(keys(member.queues)).toEqual(['broker-b/T/0', 'broker-b/T/1']);
      for (const each of cluster.brokers) {
        each.strangers.clear();
        each.notify('g');
      }
      await until(async () => {
        await member.refresh();
        return member.queues.length > 2;
      });
      expect([keys(member.queues), member.awaited]).toEqual([['broker-a/T/0', 'broker-a/T/1', 'broker-b/T/0', 'broker-b/T/1'], []]);
    });

    it('answers what is another\'s by now, and keeps it until it is released', async () => {
      const member = await join();
      await member.commit([{ queue: queue('broker-a', 0), offset: 7 }]);
      for (const each of cluster.brokers) {
        each.strangers.set('g', [FIRST]);
        each.notify('g');
      }
      let lost: readonly MessageQueue[] = [];
      await until(async () => (lost = await member.refresh()).length);
      expect([keys(lost), member.queues.length]).toEqual([['broker-a/T/0', 'broker-a/T/1'], 4]);
      await member.commit([{ queue: queue('broker-a', 0), offset: 9 }]);
      await member.release(lost);
      expect(keys(member.queues)).toEqual(['broker-b/T/0', 'broker-b/T/1']);
      expect(one.committed('g', 'T', 0)).toBe(9);
      await expect(member.commit([{ queue: queue('broker-a', 0), offset: 10 }])).rejects.toMatchObject({ code: 'REFUSED' });
    });

    it('asks the broker again only every 20 s when nothing is said of a change', async () => {
      const fast = await open(FACTOR);
      const member = await join({}, fast);
      const startMs = Date.now();
      await member.refresh();
      const asked = one.count(REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP);
      for (const each of cluster.brokers) each.strangers.set('g', [FIRST]);
      await until(async () => (await member.refresh()).length);
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(10_000 / FACTOR);
      expect(one.count(REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP) - asked).toBeLessThanOrEqual(2);
      await fast.close();
    });

    it('keeps what it has while a broker does not answer', async () => {
      const member = await join();
      const lost: unknown[] = [];
      await one.close();
      const asked = two.count(REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP);
      two.notify('g');
      await until(async () => {
        lost.push(...await member.refresh());
        return two.count(REQUEST_CODE.GET_CONSUMER_LIST_BY_GROUP) > asked;
      });
      expect([lost, member.queues.length]).toEqual([[], 4]);
      await one.listen();
      await until(async () => {
        await member.commit([]);
        lost.push(...await member.refresh());
        return one.memberIds('g').length;
      });
      expect([lost, member.queues.length]).toEqual([[], 4]);
    });

    it('registers anew with a broker that has forgotten it, and loses nothing', async () => {
      const member = await join();
      one.members.get('g')!.clear();
      two.notify('g');
      const lost: unknown[] = [];
      await until(async () => {
        lost.push(...await member.refresh());
        return one.memberIds('g').length;
      });
      expect(one.memberIds('g')).toEqual([member.info.clientId]);
      expect([lost, member.queues.length]).toEqual([[], 4]);
    });

    it('reads the group\'s retries once there are any', async () => {
      const member = await join();
      one.queues.set('%RETRY%g', 1);
      await member.refresh();
      expect(member.queues).toHaveLength(4);
      one.maxOffsets.set('%RETRY%g/0', 1);
      await until(async () => {
        await member.refresh();
        return member.queues.length === 5;
      });
      expect(keys(member.queues)).toContain('broker-a/%RETRY%g/0');
    });
  });

  describe('a broker that dies and is forgotten by the name server', () => {
    const pulls = (brokerName: string, topic = 'T'): Promise<unknown> => broker.pull({ queue: { topic, brokerName, queueId: 0 }, offset: 0, maxMessages: 1, suspendMs: 10 });
    const kill = async (): Promise<void> => {
      await two.close();
      await pulls('broker-b');
      cluster.unregistered.add('broker-b');
    };

    it.each([['clustering', {}], ['broadcasting', { messageModel: 'broadcasting' }]] as const)('%s: its queues wait for it, for whoever still has them, and go with the next refresh', async (_, more) => {
      const member = await join(more);
      await kill();
      expect(await pulls('broker-b')).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: 0 });
      expect(await pulls('broker-a')).toMatchObject({ status: 'NO_NEW_MESSAGE' });
      await member.release(await member.refresh());
      expect(keys(member.queues)).toEqual(['broker-a/T/0', 'broker-a/T/1']);
      await two.listen();
      cluster.unregistered.clear();
      expect(notices.filter((notice) => notice.includes('not registered any more'))).not.toEqual([]);
    });

    it('a topic that only it has is not said to be missing', async () => {
      two.queues.set('Two', 1);
      await join({ subscriptions: [{ topic: 'T' }, { topic: 'Two' }] });
      await kill();
      expect(await pulls('broker-b', 'Two')).toMatchObject({ status: 'NO_NEW_MESSAGE' });
      await expect(broker.maxOffset({ topic: 'Two', brokerName: 'broker-b', queueId: 0 })).rejects.toMatchObject({ code: 'UNREACHABLE' });
      await expect(broker.maxOffset({ topic: 'T', brokerName: 'broker-c', queueId: 0 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  describe('commits', () => {
    it('start from what the broker has, and are refused for anything else than owned queues and whole numbers', async () => {
      one.offsets.set('T@g/1', 42);
      const member = await join();
      expect(await member.committed()).toEqual([{ queue: queue('broker-a', 1), offset: 42 }]);
      for (const bad of [{ queue: queue('broker-a', 2), offset: 1 }, { queue: queue('broker-c', 0), offset: 1 }]) await expect(member.commit([bad])).rejects.toMatchObject({ code: 'REFUSED' });
      for (const offset of [-1, 0.5, Number.NaN]) await expect(member.commit([{ queue: queue('broker-a', 0), offset }])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(one.count(REQUEST_CODE.UPDATE_CONSUMER_OFFSET)).toBe(0);
    });

    it('are all kept by a broker that takes the first ones of a topic at the same time, and keeps one table of them', async () => {
      // What RocketMQ's broker does with requests that run beside each other: whoever finds no table makes one, and the last one made stays.
      const wanted: { request: RemotingCommand; socket: Socket }[] = [];
      const keep = one.handlers.get(REQUEST_CODE.UPDATE_CONSUMER_OFFSET)!;
      one.handlers.set(REQUEST_CODE.UPDATE_CONSUMER_OFFSET, (request, socket) => {
        wanted.push({ request, socket });
        if (wanted.length === 1) {
          setTimeout(() => {
            const isFirst = one.offsets.size === 0;
            for (const each of wanted.splice(0)) {
              if (isFirst) one.offsets.clear();
              each.socket.write(encodeFrame(keep(each.request, each.socket)!));
            }
          }, 20);
        }
        return null;
      });
      const member = await join();
      await member.commit([{ queue: queue('broker-a', 0), offset: 5 }, { queue: queue('broker-a', 1), offset: 6 }]);
      expect([one.committed('g', 'T', 0), one.committed('g', 'T', 1)]).toEqual([5, 6]);
    });

    it('that get lost although a broker took them, at the beginning of a topic, are made again', async () => {
      const member = await join();
      let lost = 0;
      const keep = one.handlers.get(REQUEST_CODE.UPDATE_CONSUMER_OFFSET)!;
      one.handlers.set(REQUEST_CODE.UPDATE_CONSUMER_OFFSET, (request, socket) => {
        const response = keep(request, socket);
        if (lost++ === 0) one.offsets.clear();
        return response;
      });
      await member.commit([{ queue: queue('broker-a', 0), offset: 5 }, { queue: queue('broker-a', 1), offset: 6 }]);
      expect([one.committed('g', 'T', 0), one.committed('g', 'T', 1)]).toEqual([5, 6]);
    });

    it('that a broker cannot take are made again, the newest of each queue', async () => {
      const member = await join();
      await two.close();
      expect(await member.commit([{ queue: queue('broker-a', 0), offset: 5 }, { queue: queue('broker-b', 0), offset: 5 }])).toEqual([]);
      expect(await member.commit([{ queue: queue('broker-b', 0), offset: 6 }])).toEqual([]);
      expect([one.committed('g', 'T', 0), two.committed('g', 'T', 0)]).toEqual([5, undefined]);
      await two.listen();
      await until(async () => {
        await member.commit([]);
        return two.committed('g', 'T', 0) === 6;
      });
      await two.close();
      await member.commit([{ queue: queue('broker-b', 1), offset: 8 }]);
      await two.listen();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await member.leave();
      expect(two.committed('g', 'T', 1)).toBe(8);
    });

    it('do not count after a reset, which is told once and obeyed', async () => {
      const member = await join();
      const [first, second] = [queue('broker-a', 0), queue('broker-a', 1)];
      await member.commit([{ queue: first, offset: 5 }, { queue: second, offset: 5 }]);
      one.reset('g', 'T', 0, 2);
      expect(await member.commit([{ queue: first, offset: 9 }, { queue: second, offset: 9 }])).toEqual([{ queue: first, offset: 2 }]);
      expect([one.committed('g', 'T', 0), one.committed('g', 'T', 1)]).toEqual([2, 9]);
      expect(await member.commit([{ queue: first, offset: 3 }])).toEqual([]);
      expect(one.committed('g', 'T', 0)).toBe(3);
      // To the very place where it is committed: what was read beyond comes again.
      one.reset('g', 'T', 0, 3);
      expect(await member.commit([{ queue: first, offset: 8 }])).toEqual([{ queue: first, offset: 3 }]);
    });

    it('a reset is seen within a second by a member that commits nothing', async () => {
      const member = await join();
      await member.commit([{ queue: queue('broker-b', 1), offset: 5 }]);
      two.reset('g', 'T', 1, 0);
      const startMs = Date.now();
      let resets: unknown = [];
      await until(async () => ((resets = await member.commit([])) as unknown[]).length);
      expect(resets).toEqual([{ queue: queue('broker-b', 1), offset: 0 }]);
      expect(Date.now() - startMs).toBeLessThan(5000);
      expect(two.resets.size).toBe(0);
    });

    it('a reset from before it came is where it begins, and stands in nobody\'s way', async () => {
      one.reset('g', 'T', 0, 4);
      const member = await join();
      expect(await member.committed()).toEqual([{ queue: queue('broker-a', 0), offset: 4 }]);
      expect(await member.commit([{ queue: queue('broker-a', 0), offset: 6 }])).toEqual([]);
      expect(one.committed('g', 'T', 0)).toBe(6);
    });

    it('another\'s late commit is of no account at first; later, what somebody sets is obeyed', async () => {
      const fast = await open(FACTOR);
      const member = await join({}, fast);
      await member.commit([{ queue: queue('broker-a', 0), offset: 5 }]);
      one.offsets.set('T@g/0', 3);
      const looked = one.count(REQUEST_CODE.PULL_MESSAGE);
      const early: unknown[] = [];
      await until(async () => {
        early.push(...await member.commit([]));
        return one.count(REQUEST_CODE.PULL_MESSAGE) > looked;
      });
      expect(early).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 10_000 / FACTOR));
      one.offsets.set('T@g/0', 1);
      let resets: unknown = [];
      await until(async () => ((resets = await member.commit([])) as unknown[]).length);
      expect(resets).toEqual([{ queue: queue('broker-a', 0), offset: 1 }]);
      await fast.close();
    });
  });

  describe('what brokers ask of it', () => {
    it('a reset that is passed on is obeyed and committed', async () => {
      const member = await join();
      await member.commit([{ queue: queue('broker-a', 0), offset: 5 }]);
      one.tell(socketAt(one), RESET_CONSUMER_CLIENT_OFFSET, { group: 'g', topic: 'T', timestamp: 0, isForce: true }, { offsetTable: [[queue('broker-a', 0), 1], [queue('broker-x', 0), 1]] });
      one.tell(socketAt(one), RESET_CONSUMER_CLIENT_OFFSET, { group: 'other', topic: 'T', timestamp: 0, isForce: true }, { offsetTable: [[queue('broker-b', 0), 1]] });
      let resets: unknown = [];
      await until(async () => ((resets = await member.commit([])) as unknown[]).length);
      expect(resets).toEqual([{ queue: queue('broker-a', 0), offset: 1 }]);
      expect(one.committed('g', 'T', 0)).toBe(1);
    });

    it('tells how far it is, and what it is', async () => {
      const member = await join({ orderly: true });
      await member.commit([{ queue: queue('broker-a', 0), offset: 5 }]);
      const status = await one.ask(socketAt(one), GET_CONSUMER_STATUS_FROM_CLIENT, { topic: 'T', group: 'g' }, null);
      expect(status.body.messageQueueTable).toEqual([[queue('broker-a', 0), 5]]);
      const info = await one.ask(socketAt(one), GET_CONSUMER_RUNNING_INFO, { consumerGroup: 'g', clientId: member.info.clientId }, null);
      expect(info.body.properties).toMatchObject({ PROP_CONSUMEORDERLY: 'true', PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY', PROP_CONSUMER_START_TIMESTAMP: String(member.info.sinceTimestamp), allocateMessageQueueStrategy: 'AllocateMessageQueueAveragely' });
      expect(info.body.mqTable.map(([at, { commitOffset, locked }]) => [keys([at])[0], commitOffset, locked])).toContainEqual(['broker-a/T/0', 5, true]);
      expect(info.body.subscriptionSet.map(({ topic }) => topic)).toEqual(['T', '%RETRY%g']);
    });

    it('refuses what it cannot do, and what is for another group', async () => {
      const member = await join();
      const asked = { consumerGroup: 'g', clientId: member.info.clientId, msgId: 'x' };
      expect((await one.ask(socketAt(one), CONSUME_MESSAGE_DIRECTLY, asked, Buffer.alloc(0))).code).toBe(3);
      expect((await one.ask(socketAt(one), GET_CONSUMER_RUNNING_INFO, { ...asked, consumerGroup: 'other' }, null)).code).toBe(1);
      expect((await one.ask(socketAt(one), GET_CONSUMER_STATUS_FROM_CLIENT, { topic: 'T', group: 'other' }, null)).code).toBe(1);
    });
  });

  describe('queues in order', () => {
    it('are locked before they are owned, and let go of at once', async () => {
      one.locks.set('T/0', 'another');
      const member = await join({ orderly: true });
      expect([keys(member.queues), keys(member.awaited)]).toEqual([['broker-a/T/1', 'broker-b/T/0', 'broker-b/T/1'], ['broker-a/T/0']]);
      one.locks.delete('T/0');
      await member.refresh();
      expect([member.queues.length, member.awaited]).toEqual([4, []]);
      await member.release([queue('broker-a', 1)]);
      expect([...one.locks.keys()]).toEqual(['T/0']);
      await member.leave();
      expect([one.locks.size, two.locks.size]).toEqual([0, 0]);
    });

    it('are locked anew every 20 s, and lost when the lock is another\'s by then', async () => {
      const fast = await open(FACTOR);
      const startMs = Date.now();
      const member = await join({ orderly: true }, fast);
      const locks = one.count(REQUEST_CODE.LOCK_BATCH_MQ);
      const early: unknown[] = [];
      await until(async () => {
        early.push(...await member.refresh());
        return one.count(REQUEST_CODE.LOCK_BATCH_MQ) > locks;
      });
      expect(early).toEqual([]);
      expect(Date.now() - startMs).toBeGreaterThanOrEqual(20_000 / FACTOR - 5);
      one.locks.set('T/1', 'another');
      let lost: readonly MessageQueue[] = [];
      await until(async () => (lost = await member.refresh()).length);
      expect(keys(lost)).toEqual(['broker-a/T/1']);
      await member.release(lost);
      expect(one.locks.get('T/1')).toBe('another');
      await member.refresh();
      expect(keys(member.awaited)).toEqual(['broker-a/T/1']);
      await fast.close();
    });
  });
});
