import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Cluster } from '../../../src/remote/cluster.ts';
import { RemoteClusterAdmin } from '../../../src/remote/cluster-admin.ts';
import { NameServers } from '../../../src/remote/name-servers.ts';
import { RemotingClient } from '../../../src/remote/remoting-client.ts';
import { RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { encodeResponse } from '../../../src/wire/definition.ts';
import { GET_BROKER_RUNTIME_INFO } from '../../../src/wire/requests/broker-admin.ts';
import { nameServerOf, RemotingServer, type Answer } from '../../support/remoting-server.ts';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function adminOf(answer: Answer): Promise<{ admin: RemoteClusterAdmin; broker: RemotingServer }> {
  const broker = await RemotingServer.start(answer);
  const names = await RemotingServer.start(nameServerOf('broker-a', broker.address, {}));
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
  ending.push(() => broker.stop(), () => names.stop(), () => client.close());
  return { admin: new RemoteClusterAdmin(new Cluster(client, new NameServers(client, [names.address])), 'read'), broker };
}

describe('brokers of a cluster', () => {
  it('one that has just started is asked again until it has statistics', async () => {
    let asked = 0;
    const { admin } = await adminOf((request, peer) => {
      peer.reply(request, ++asked <= 2
        ? responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'java.util.NoSuchElementException, java.base/java.util.LinkedList.getLast(LinkedList.java:261)')
        : encodeResponse(GET_BROKER_RUNTIME_INFO, request, {}, { table: { brokerVersionDesc: 'V5_5_0', putTps: '' } }));
    });
    expect(await admin.brokers()).toMatchObject([{ brokerName: 'broker-a', problem: null, stats: { version: 'V5_5_0', messagesInPerSecond: null } }]);
    expect(asked).toBe(3);
  });

  it('any other refusal is its answer, at once', async () => {
    const { admin, broker } = await adminOf((request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'no')));
    expect(await admin.brokers()).toMatchObject([{ brokerName: 'broker-a', stats: null, problem: expect.stringContaining('no (SYSTEM_ERROR)') as string }]);
    expect(broker.requests).toHaveLength(1);
  });
});
