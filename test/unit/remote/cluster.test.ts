import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Cluster } from '../../../src/remote/cluster.ts';
import { Faults } from '../../../src/remote/faults.ts';
import { NameServers } from '../../../src/remote/name-servers.ts';
import { openRemoteBroker } from '../../../src/remote/open.ts';
import { QueueChoice } from '../../../src/remote/queue-choice.ts';
import { registrationChanges } from '../../../src/remote/registrations.ts';
import { RemotingClient } from '../../../src/remote/remoting-client.ts';
import type { ClusterInfo } from '../../../src/wire/body/route.ts';
import { ACL_FIELD, signFields } from '../../../src/wire/acl.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { decodeResponse, encodeResponse } from '../../../src/wire/definition.ts';
import { GET_MAX_OFFSET } from '../../../src/wire/requests/offsets.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../../../src/wire/requests/route.ts';
import { expectRefusal } from '../../contract/harness.ts';
import { nameServerOf, RemotingServer, type Answer } from '../../support/remoting-server.ts';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function serve(answer: Answer): Promise<RemotingServer> {
  const server = await RemotingServer.start(answer);
  ending.push(() => server.stop());
  return server;
}

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const server = await RemotingServer.start(() => undefined);
  const { address } = server;
  await server.stop();
  return address;
}

function clusterOf(addresses: readonly string[], more: Partial<RemotingClient['options']> = {}): Cluster {
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 300, ...more });
  ending.push(() => client.close());
  return new Cluster(client, new NameServers(client, addresses, () => 0));
}

const maxOffset = (offset: number): Answer => (request, peer) => peer.reply(request, encodeResponse(GET_MAX_OFFSET, request, { offset }, null));
const askMax = (cluster: Cluster): Promise<number> => cluster.call('broker-a', GET_MAX_OFFSET, { topic: 'T', queueId: 0 }, null).then(({ header }) => header.offset);

describe('name servers', () => {
  it('the next one is asked when one is gone or silent, and kept', async () => {
    const silent = await serve(() => undefined);
    const good = await serve(nameServerOf('broker-a', '127.0.0.1:1', { T: 2 }));
    const cluster = clusterOf([await nobody(), silent.address, good.address]);
    expect((await cluster.route('T')).queues).toMatchObject([{ brokerName: 'broker-a', readQueueNums: 2 }]);
    await cluster.masters();
    expect([silent.requests.length, good.requests.length]).toEqual([1, 2]);
  });

  it('none answers: one line that names all of them', async () => {
    const [one, two] = [await nobody(), await nobody()];
    const error = await expectRefusal(clusterOf([one, two]).masters(), 'UNREACHABLE');
    expect(error.message).toContain(one);
    expect(error.message).toContain(two);
    expect(error.exitCode).toBe(4);
  });

  it('a broker among them is passed over', async () => {
    const broker = await serve((request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, 'no')));
    const good = await serve(nameServerOf('broker-a', '127.0.0.1:1', { T: 2 }));
    expect((await clusterOf([broker.address, good.address]).route('T')).queues).toHaveLength(1);
    await expectRefusal(clusterOf([broker.address, await nobody()]).route('T'), 'WRONG_KIND');
  });

  it('a broker in the place of one is told apart, and where name servers listen is said', async () => {
    const broker = await serve((request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, ` request type ${request.code} not supported`)));
    for (const asking of [clusterOf([broker.address]).masters(), clusterOf([broker.address]).route('T'), openRemoteBroker({ nameServers: [broker.address], mode: 'read' })]) {
      const error = await expectRefusal(asking, 'WRONG_KIND');
      expect([error.message, error.exitCode]).toEqual([`${broker.address} is a broker (or a proxy), not a name server`, 7]);
      expect(error.hint).toContain('--namesrv 127.0.0.1:9876');
    }
  });

  it('gone after the start: what is known goes on being used', async () => {
    const broker = await serve(maxOffset(7));
    const server = await serve(nameServerOf('broker-a', broker.address, { T: 2 }));
    const cluster = clusterOf([server.address]);
    await cluster.route('T');
    await server.stop();
    broker.breakConnections();
    expect(await askMax(cluster)).toBe(7);
    expect((await cluster.route('T')).queues).toHaveLength(1);
  });
});

describe('brokers that go and come back', () => {
  const both = (alone: Answer): Answer => (request, peer) => {
    // The second broker's data beside the first's, as a name server joins them.
    alone(request, {
      ...peer,
      reply: (asked, response) => {
        if (request.code === REQUEST_CODE.GET_BROKER_CLUSTER_INFO) {
          const { body } = decodeResponse(GET_BROKER_CLUSTER_INFO, response);
          return peer.reply(asked, encodeResponse(GET_BROKER_CLUSTER_INFO, request, {}, { ...body, brokerAddrTable: { ...body.brokerAddrTable, 'broker-b': { ...body.brokerAddrTable['broker-a']!, brokerName: 'broker-b' } } }));
        }
        const { body } = decodeResponse(GET_ROUTEINFO_BY_TOPIC, response);
        peer.reply(asked, encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, {
          ...body, brokerDatas: [...body.brokerDatas, { ...body.brokerDatas[0]!, brokerName: 'broker-b' }], queueDatas: [...body.queueDatas, { ...body.queueDatas[0]!, brokerName: 'broker-b' }],
        }));
      },
    });
  };

  it('are told of once, by whoever saw them before: at the next look at a topic of theirs', async () => {
    let elapsedMs = 0;
    const clock = { ...systemClock, elapsedMs: () => elapsedMs };
    const one = nameServerOf('broker-a', '127.0.0.1:1', { T: 2 });
    const server = await serve(both(one));
    const notices: string[] = [];
    const client = new RemotingClient({ clock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 300 });
    ending.push(() => client.close());
    const cluster = new Cluster(client, new NameServers(client, [server.address]), (text) => void notices.push(text));
    await cluster.masters();
    const look = async (afterMs = 31_000): Promise<number> => {
      elapsedMs += afterMs;
      return (await cluster.route('T')).queues.length;
    };
    expect([await look(), await look(), notices]).toEqual([2, 2, []]);
    server.answer = one;
    expect(cluster.absentBrokers()).toEqual([]);
    expect([await look(), await look(), notices]).toEqual([1, 1, ['broker broker-b is not registered any more: its queues are left out until it is back']]);
    expect(cluster.absentBrokers()).toEqual(['broker-b']);
    notices.length = 0;
    server.answer = both(one);
    // Sooner than usual, because one is missing.
    expect([await look(1000), await look(5000), await look(), notices]).toEqual([1, 2, 2, ['broker broker-b is registered']]);
    expect(cluster.absentBrokers()).toEqual([]);
  });

  it('a master that leaves slaves behind is another thing', () => {
    const info = (brokerAddrs: Map<number, string>): ClusterInfo => ({ clusterAddrTable: {}, brokerAddrTable: { a: { brokerName: 'a', brokerAddrs, cluster: 'c', enableActingMaster: false, zoneName: null } } });
    const [whole, slaves, none] = [info(new Map([[0, 'x:1'], [1, 'x:2']])), info(new Map([[1, 'x:2']])), info(new Map())];
    expect(registrationChanges(whole, slaves)).toEqual(['broker a has no master any more: its slaves can be read from']);
    expect(registrationChanges(slaves, whole)).toEqual(['broker a has a master again']);
    expect(registrationChanges(slaves, none)).toEqual(['broker a is not registered any more: its queues are left out until it is back']);
    expect(registrationChanges(whole, whole)).toEqual([]);
  });
});

describe('a topic without a route, told apart', () => {
  it('it is missing, and would be made, or would not', async () => {
    const answer = nameServerOf('broker-a', '127.0.0.1:1', { TBW102: 8 });
    const making = await expectRefusal(clusterOf([(await serve(answer)).address]).route('T'), 'TOPIC_NOT_FOUND');
    expect(making.hint).toContain('topics list');
    const strict = await expectRefusal(clusterOf([(await serve(nameServerOf('broker-a', '127.0.0.1:1', {}))).address]).route('T'), 'TOPIC_NOT_FOUND');
    expect(strict.hint).toContain('autoCreateTopicEnable');
  });

  it('no broker is registered', async () => {
    const empty = await serve((request, peer) => {
      if (request.code !== REQUEST_CODE.GET_BROKER_CLUSTER_INFO) return peer.reply(request, responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST));
      peer.reply(request, responseCommand(request, 0, null, {}, Buffer.from('{"brokerAddrTable":{},"clusterAddrTable":{}}')));
    });
    const error = await expectRefusal(clusterOf([empty.address]).route('T'), 'UNREACHABLE');
    expect(error.message).toContain('no broker is registered');
    await expectRefusal(openRemoteBroker({ nameServers: [empty.address], mode: 'read' }), 'UNREACHABLE');
    // In the middle of sending, to a topic that was there a moment ago.
    const choice = new QueueChoice(clusterOf([empty.address]), new Faults(systemClock));
    for (const mayCreateTopic of [false, true]) await expectRefusal(choice.choose({ topic: 'T', queueId: undefined, shardingKey: undefined, avoidBroker: undefined, mayCreateTopic }), 'UNREACHABLE');
  });

  it('the address that the broker advertises cannot be reached', async () => {
    const address = await nobody();
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', address, { T: 1 }))).address]);
    const error = await expectRefusal(askMax(cluster), 'UNREACHABLE');
    expect(error.message).toBe(`broker broker-a: ${address}: nobody listens there`);
    expect(error.hint).toContain('brokerIP1');
  });

  it('an address that was reached before is right: the broker is gone', async () => {
    const broker = await serve(maxOffset(1));
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', broker.address, { T: 1 }))).address]);
    expect(await askMax(cluster)).toBe(1);
    await broker.stop();
    const error = await expectRefusal(askMax(cluster), 'UNREACHABLE');
    expect(error.hint).not.toContain('brokerIP1');
  });
});

describe('a client of brokers', () => {
  it('a namespace rides on each request, and is signed with it', async () => {
    const credentials = { accessKey: 'ops', secretKey: 'secret' };
    const broker = await serve(maxOffset(1));
    const server = await serve(nameServerOf('broker-a', broker.address, { T: 1 }));
    await askMax(clusterOf([server.address], { settings: { namespace: 'ns-1' }, credentials }));
    for (const { extFields, body } of [...server.requests, ...broker.requests]) {
      expect(extFields).toMatchObject({ nsd: 'true', ns: 'ns-1' });
      const { [ACL_FIELD.SIGNATURE]: signature, [ACL_FIELD.ACCESS_KEY]: _key, ...signed } = extFields;
      expect(signature).toBe(signFields(signed, body, credentials)[ACL_FIELD.SIGNATURE]);
    }
    await askMax(clusterOf([server.address]));
    expect(broker.requests.at(-1)!.extFields).not.toHaveProperty('ns');
  });

  it('trusts a route for as long as it is told to', async () => {
    const server = await serve(nameServerOf('broker-a', '127.0.0.1:1', { T: 1 }));
    const asks = async (routeAgeMs: number | undefined): Promise<number> => {
      const before = server.requests.length;
      const cluster = clusterOf([server.address], { settings: { routeAgeMs } });
      await cluster.route('T');
      await systemClock.sleep(5);
      await cluster.route('T');
      return server.requests.length - before;
    };
    expect([await asks(undefined), await asks(1)]).toEqual([1, 2]);
  });

  it('goes on over a new connection after one was broken off, and after a silence', async () => {
    const broker = await serve(maxOffset(1));
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', broker.address, { T: 1 }))).address]);
    expect(await askMax(cluster)).toBe(1);
    broker.breakConnections();
    await systemClock.sleep(20);
    expect(await askMax(cluster)).toBe(1);
    broker.answer = () => undefined;
    await expectRefusal(askMax(cluster), 'TIMED_OUT');
    broker.answer = maxOffset(3);
    expect(await askMax(cluster)).toBe(3);
    expect(broker.connections).toBe(3);
  });

  it('asks again elsewhere when it is told to go away, and once only', async () => {
    const broker = await serve((request, peer) => {
      if (peer.connection === 1) return peer.reply(request, responseCommand(request, RESPONSE_CODE.GO_AWAY));
      maxOffset(5)(request, peer);
    });
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', broker.address, { T: 1 }))).address]);
    expect(await askMax(cluster)).toBe(5);
    expect(broker.connections).toBe(2);
    broker.answer = (request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.GO_AWAY, 'shutting down'));
    await expectRefusal(askMax(cluster), 'UNREACHABLE');
  });

  it('does not try an address that failed again at once', async () => {
    const address = await nobody();
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', address, { T: 1 }))).address]);
    await expectRefusal(askMax(cluster), 'UNREACHABLE');
    const late = await RemotingServer.start(maxOffset(9), Number(address.split(':')[1]));
    ending.push(() => late.stop());
    await expectRefusal(askMax(cluster), 'UNREACHABLE');
    await systemClock.sleep(150);
    expect(await askMax(cluster)).toBe(9);
  });

  it('signs every request, heartbeats and look-ups among them; the secret never leaves', async () => {
    const credentials = { accessKey: 'me', secretKey: 'a secret of mine' };
    const broker = await serve(maxOffset(1));
    const server = await serve(nameServerOf('broker-a', broker.address, { T: 1 }));
    await askMax(clusterOf([server.address], { credentials }));
    expect([...server.requests, ...broker.requests].length).toBeGreaterThan(1);
    for (const { extFields, body } of [...server.requests, ...broker.requests]) {
      const { [ACL_FIELD.SIGNATURE]: signature, [ACL_FIELD.ACCESS_KEY]: accessKey, ...fields } = extFields;
      expect(accessKey).toBe('me');
      expect(signFields(fields, body, credentials)[ACL_FIELD.SIGNATURE]).toBe(signature);
      expect(JSON.stringify(extFields)).not.toContain('a secret of mine');
    }
  });

  it('what a broker refuses is one line with its reason', async () => {
    const broker = await serve((request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.NO_PERMISSION, 'check signature failed.\nFor more information, please visit the url, http://example.org')));
    const cluster = clusterOf([(await serve(nameServerOf('broker-a', broker.address, { T: 1 }))).address]);
    const error = await expectRefusal(askMax(cluster), 'PERMISSION_DENIED');
    expect(error.message).toContain('check signature failed.');
    expect(error.message).not.toContain('example.org');
    expect(error.exitCode).toBe(5);
  });
});
