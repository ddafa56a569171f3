import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Cluster } from '../../../src/remote/cluster.ts';
import { NameServers } from '../../../src/remote/name-servers.ts';
import { RemotingClient } from '../../../src/remote/remoting-client.ts';
import { SentOffsets } from '../../../src/remote/sent-offsets.ts';
import { TopicAdmin } from '../../../src/remote/topic-admin.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { encodeResponse } from '../../../src/wire/definition.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../../../src/wire/requests/route.ts';
import { GET_TOPIC_CONFIG } from '../../../src/wire/requests/topic-admin.ts';
import { expectRefusal } from '../../contract/harness.ts';
import { nameServerOf, RemotingServer, type Answer } from '../../support/remoting-server.ts';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const CONFIG = { topicName: 'T', readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false, attributes: {}, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0 } as const;

/** Name servers that know the topic until they are told to forget it, `refuses` by number not even then, in front of one broker. */
async function cluster(count: number, refuses: readonly number[] = []): Promise<{ admin: TopicAdmin; names: RemotingServer[]; told: () => number[] }> {
  const broker = await RemotingServer.start((request, peer) => {
    peer.reply(request, request.code === REQUEST_CODE.GET_TOPIC_CONFIG ? encodeResponse(GET_TOPIC_CONFIG, request, {}, CONFIG) : responseCommand(request, RESPONSE_CODE.SUCCESS));
  });
  const told: number[] = [];
  const nameServer = (index: number): Answer => {
    const topics: Record<string, number> = { T: 1 };
    return (request, peer) => {
      if (request.code !== REQUEST_CODE.DELETE_TOPIC_IN_NAMESRV) return nameServerOf('broker-a', broker.address, topics)(request, peer);
      if (refuses.includes(index)) return peer.reply(request, responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'no'));
      told.push(index);
      delete topics['T'];
      peer.reply(request, responseCommand(request, RESPONSE_CODE.SUCCESS));
    };
  };
  const names = await Promise.all(Array.from({ length: count }, (_, index) => RemotingServer.start(nameServer(index))));
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
  ending.push(() => broker.stop(), async () => void await Promise.all(names.map((server) => server.stop())), () => client.close());
  const addresses = names.map(({ address }) => address);
  return { admin: new TopicAdmin(new Cluster(client, new NameServers(client, addresses, () => 0.99)), new SentOffsets(systemClock)), names, told: () => [...told].sort((left, right) => left - right) };
}

describe('a topic that is deleted', () => {
  it('is forgotten by every name server that is there: one that is down keeps nobody from it', async () => {
    const { admin, names, told } = await cluster(3);
    await names[0]!.stop();
    await admin.remove('T');
    expect(told()).toEqual([1, 2]);
  });

  it('a name server that refuses is told of, when the others have heard', async () => {
    const { admin, told } = await cluster(3, [0]);
    expect((await expectRefusal(admin.remove('T'), 'REFUSED')).message).toContain('no (SYSTEM_ERROR)');
    expect(told()).toEqual([1, 2]);
  });
});

it('a topic that has not as many queues on one broker as on another is changed without waiting for them to agree', async () => {
  const brokers = await Promise.all([2, 4].map((queues) => RemotingServer.start((request, peer) => peer.reply(request, request.code === REQUEST_CODE.GET_TOPIC_CONFIG
    ? encodeResponse(GET_TOPIC_CONFIG, request, {}, { ...CONFIG, readQueueNums: queues, writeQueueNums: queues }) : responseCommand(request, RESPONSE_CODE.SUCCESS)))));
  const data = brokers.map(({ address }, index) => ({ brokerName: `broker-${index}`, cluster: 'c', brokerAddrs: new Map([[0, address]]), enableActingMaster: false, zoneName: null }));
  const names = await RemotingServer.start((request, peer) => peer.reply(request, request.code === REQUEST_CODE.GET_BROKER_CLUSTER_INFO
    ? encodeResponse(GET_BROKER_CLUSTER_INFO, request, {}, { brokerAddrTable: Object.fromEntries(data.map((broker) => [broker.brokerName, broker])), clusterAddrTable: { c: data.map(({ brokerName }) => brokerName) } })
    : encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, {
      brokerDatas: data, filterServerTable: {}, orderTopicConf: null, topicQueueMappingByBroker: null,
      queueDatas: data.map(({ brokerName }, index) => ({ brokerName, perm: 6, readQueueNums: [2, 4][index]!, writeQueueNums: [2, 4][index]!, topicSysFlag: 0 })),
    })));
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
  ending.push(async () => void await Promise.all([names, ...brokers].map((server) => server.stop())), () => client.close());
  const admin = new TopicAdmin(new Cluster(client, new NameServers(client, [names.address])), new SentOffsets(systemClock));
  const startedMs = performance.now();
  await admin.alter('T', { order: true });
  expect(performance.now() - startedMs).toBeLessThan(2000);
  expect(brokers.map(({ requests }) => requests.filter(({ code }) => code === REQUEST_CODE.UPDATE_AND_CREATE_TOPIC).map(({ extFields }) => extFields['readQueueNums']))).toEqual([['2'], ['4']]);
});
