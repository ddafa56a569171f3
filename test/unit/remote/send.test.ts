import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { OutgoingMessage, SendOutcome } from '../../../src/broker/types.ts';
import { decodeBatch } from '../../../src/record/batch.ts';
import { UniqKeyGenerator } from '../../../src/record/message-id.ts';
import { Cluster } from '../../../src/remote/cluster.ts';
import { Faults } from '../../../src/remote/faults.ts';
import { NameServers } from '../../../src/remote/name-servers.ts';
import { QueueChoice } from '../../../src/remote/queue-choice.ts';
import { RemotingClient } from '../../../src/remote/remoting-client.ts';
import { SendDesk } from '../../../src/remote/send-desk.ts';
import { SentOffsets } from '../../../src/remote/sent-offsets.ts';
import { REQUEST_CODE, RESPONSE_CODE, VERSION } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { encodeResponse } from '../../../src/wire/definition.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { GET_ROUTEINFO_BY_TOPIC } from '../../../src/wire/requests/route.ts';
import { SEND_MESSAGE_V2 } from '../../../src/wire/requests/send-message.ts';
import { expectRefusal, text } from '../../contract/harness.ts';
import { nameServerOf, RemotingServer, type Answer, type Peer } from '../../support/remoting-server.ts';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** Bodies of a send's message or messages. */
const bodiesOf = (request: RemotingCommand): string[] =>
  (request.code === REQUEST_CODE.SEND_BATCH_MESSAGE ? decodeBatch(request.body!).map(({ body }) => body.toString()) : [request.body!.toString()]);

const stored = (peer: Peer, request: RemotingCommand, queueOffset: number, code = 0): void => {
  const msgId = bodiesOf(request).map((_, index) => `7F00000100002A9F00000000000${String(queueOffset + index).padStart(5, '0')}`).join(',');
  peer.reply(request, encodeResponse(SEND_MESSAGE_V2, request, { msgId, queueId: Number(request.extFields['e']), queueOffset }, null, code));
};

async function desk(answer: Answer, topics: Readonly<Record<string, number>> = { T: 2 }): Promise<{ sending: SendDesk; broker: RemotingServer; cluster: Cluster; made: string[] }> {
  const broker = await RemotingServer.start(answer);
  const names = await RemotingServer.start(nameServerOf('broker-a', broker.address, topics));
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
  ending.push(() => broker.stop(), () => names.stop(), () => client.close());
  const cluster = new Cluster(client, new NameServers(client, [names.address]));
  const made: string[] = [];
  const ids = new UniqKeyGenerator({ clock: systemClock, ip: Buffer.from([127, 0, 0, 1]), pid: 1, random: 1 });
  return { sending: new SendDesk(cluster, ids, new SentOffsets(systemClock), (topic) => made.push(topic)), broker, cluster, made };
}

const offsets = (outcomes: readonly SendOutcome[]): (number | string)[] => outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : outcome.queueOffset));

describe('sending to a cluster', () => {
  it('one request a queue is under way; what gathers meanwhile goes together, in order', async () => {
    let underWay = 0;
    let most = 0;
    let next = 0;
    const seen: string[][] = [];
    const { sending, cluster } = await desk((request, peer) => {
      most = Math.max(most, ++underWay);
      seen.push(bodiesOf(request));
      setTimeout(() => {
        underWay--;
        stored(peer, request, next);
        next += bodiesOf(request).length;
      }, 20);
    });
    await cluster.route('T');
    const first = sending.sendBatch([text('T', 'm0', { queueId: 0 })], {});
    await systemClock.sleep(10);
    const rest = Array.from({ length: 5 }, (_, index) => sending.sendBatch([text('T', `m${index + 1}`, { queueId: 0 })], {}));
    expect(offsets((await Promise.all([first, ...rest])).flat())).toEqual([0, 1, 2, 3, 4, 5]);
    expect(seen).toEqual([['m0'], ['m1', 'm2', 'm3', 'm4', 'm5']]);
    expect(most).toBe(1);
  });

  it.each<[string, Partial<OutgoingMessage>]>([
    ['delayed', { delayLevel: 1 }], ['compressed', { compress: 'zlib' }], ['half', { transactional: true, producerGroup: 'g' }], ['of another time', { bornTimestamp: 5 }],
  ])('what is %s goes alone', async (_, more) => {
    const { sending, broker } = await desk((request, peer) => stored(peer, request, 0));
    await sending.sendBatch([1, 2, 3].map((index) => text('T', `m${index}`, { queueId: 0, ...more })), {});
    expect(broker.requests.map(({ code }) => code)).toEqual([310, 310, 310]);
  });

  it('each status but SEND_OK is told, and the message counts as stored', async () => {
    const { sending } = await desk((request, peer) => stored(peer, request, 4, RESPONSE_CODE.SLAVE_NOT_AVAILABLE));
    expect(await sending.send(text('T', 'x'), {})).toMatchObject({ status: 'SLAVE_NOT_AVAILABLE', queueOffset: 4, brokerName: 'broker-a' });
  });

  it('a broker that is busy is tried again; one that stays so is REFUSED, and the messages behind go on', async () => {
    const { sending, broker } = await desk((request, peer) => (broker.requests.length < 3 ? peer.reply(request, responseCommand(request, RESPONSE_CODE.SYSTEM_BUSY, '[PCBUSY_CLEAN_QUEUE]')) : stored(peer, request, 0)));
    expect(await sending.send(text('T', 'x'), {})).toMatchObject({ status: 'SEND_OK' });
    broker.answer = (request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.SYSTEM_BUSY, '[OVERLOAD]'));
    expect((await expectRefusal(sending.send(text('T', 'x', { queueId: 0 }), {}), 'REFUSED')).message).toContain('[OVERLOAD]');
    broker.answer = (request, peer) => stored(peer, request, 1);
    expect(await sending.send(text('T', 'y', { queueId: 0 }), {})).toMatchObject({ queueOffset: 1 });
  });

  it('a broker that breaks off: each message of the batch says so, and which broker it was', async () => {
    const { sending } = await desk((_, peer) => void peer.socket.resetAndDestroy());
    const outcomes = await sending.sendBatch([1, 2].map((index) => text('T', `m${index}`, { queueId: 0 })), {});
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ brokerName: 'broker-a' });
      expect('error' in outcome && outcome.error).toMatchObject({ code: 'UNREACHABLE', retryable: true });
    }
  });

  it('an answer with too few ids is not taken for success', async () => {
    const { sending } = await desk((request, peer) => peer.reply(request, encodeResponse(SEND_MESSAGE_V2, request, { msgId: 'A', queueId: 0, queueOffset: 0 }, null)));
    const outcomes = await sending.sendBatch([1, 2].map((index) => text('T', `m${index}`, { queueId: 0 })), {});
    for (const outcome of outcomes) expect('error' in outcome && outcome.error).toMatchObject({ code: 'NOT_CONFIRMED' });
  });

  it('a timer message goes to no broker that is older than they are: it would deliver at once', async () => {
    const old: Answer = (request, peer) => peer.reply(request, { ...responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST), version: VERSION.V5_0_0 - 1 });
    const { sending, broker } = await desk(old);
    expect((await expectRefusal(sending.send(text('T', 'x', { delayMs: 5000 }), {}), 'UNSUPPORTED')).exitCode).toBe(5);
    expect(broker.requests.filter(({ code }) => code === REQUEST_CODE.SEND_MESSAGE_V2)).toEqual([]);
  });

  it('a topic that is missing is made by the broker, where it makes any, and said', async () => {
    const { sending, broker, made } = await desk((request, peer) => stored(peer, request, 0), { TBW102: 8 });
    expect((await sending.send(text('New', 'x'), {})).queueId).toBeLessThan(4);
    expect(broker.requests[0]!.extFields).toMatchObject({ b: 'New', c: 'TBW102', d: '4' });
    expect(made).toEqual(['New']);
    await expectRefusal(sending.send(text('Other', 'x'), { createTopic: false }), 'TOPIC_NOT_FOUND');
    const strict = await desk((request, peer) => stored(peer, request, 0), {});
    expect((await expectRefusal(strict.sending.send(text('New', 'x'), {}), 'TOPIC_NOT_FOUND')).hint).toContain('autoCreateTopicEnable');
  });
});

describe('the choice of queues', () => {
  async function choice(): Promise<{ queues: QueueChoice; faults: Faults }> {
    const names = await RemotingServer.start((request, peer) => {
      const brokers = ['broker-a', 'broker-b'].map((brokerName) => ({ brokerName, cluster: 'c', brokerAddrs: new Map([[0, '127.0.0.1:1']]), enableActingMaster: false, zoneName: null }));
      peer.reply(request, encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, {
        brokerDatas: brokers, filterServerTable: {}, orderTopicConf: null, topicQueueMappingByBroker: null,
        queueDatas: brokers.map(({ brokerName }) => ({ brokerName, perm: 6, readQueueNums: 2, writeQueueNums: 2, topicSysFlag: 0 })),
      }));
    });
    const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
    ending.push(() => names.stop(), () => client.close());
    const faults = new Faults(systemClock);
    return { queues: new QueueChoice(new Cluster(client, new NameServers(client, [names.address])), faults, () => 0), faults };
  }
  const wanted = { topic: 'T', queueId: undefined, shardingKey: undefined, avoidBroker: undefined, mayCreateTopic: true };
  const names = async (queues: QueueChoice, more: object, count: number): Promise<string[]> => {
    const chosen: string[] = [];
    for (let index = 0; index < count; index++) {
      const { queue } = await queues.choose({ ...wanted, ...more });
      chosen.push(`${queue.brokerName.slice(-1)}${queue.queueId}`);
    }
    return chosen;
  };

  it('goes round all brokers; past the one that is to be avoided, and past one that failed', async () => {
    const { queues, faults } = await choice();
    expect(await names(queues, {}, 5)).toEqual(['a0', 'a1', 'b0', 'b1', 'a0']);
    expect(new Set(await names(queues, { avoidBroker: 'broker-a' }, 4))).toEqual(new Set(['b0', 'b1']));
    faults.recordFailure('broker-b');
    expect(new Set(await names(queues, {}, 4))).toEqual(new Set(['a0', 'a1']));
    // Where nothing else is left, a broker that failed is better than none.
    expect(new Set(await names(queues, { avoidBroker: 'broker-a' }, 4))).toEqual(new Set(['b0', 'b1']));
    faults.record('broker-b', 1);
    expect(new Set(await names(queues, {}, 4))).toEqual(new Set(['a0', 'a1', 'b0', 'b1']));
  });

  it('a fixed queue and a sharding key stay where they are, whatever failed', async () => {
    const { queues, faults } = await choice();
    faults.recordFailure('broker-a');
    expect(new Set(await names(queues, { queueId: 1, avoidBroker: 'broker-a' }, 3))).toEqual(new Set(['a1']));
    // hash("a") = 97; of four queues the second.
    expect(new Set(await names(queues, { shardingKey: 'a', avoidBroker: 'broker-a' }, 3))).toEqual(new Set(['a1']));
    await expectRefusal(queues.choose({ ...wanted, queueId: 2 }), 'NOT_FOUND');
  });
});
