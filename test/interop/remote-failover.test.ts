import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import type { SendResult } from '../../src/broker/types.ts';
import { sendWithRetries, type RetryPolicy } from '../../src/client/send-retry.ts';
import { openRemoteBroker } from '../../src/remote/open.ts';
import { RemotingClient } from '../../src/remote/remoting-client.ts';
import { GET_TOPIC_CONFIG } from '../../src/wire/requests/topic-admin.ts';
import { pullAll, text } from '../contract/harness.ts';
import { Cluster } from './support/cluster.ts';

const POLICY: RetryPolicy = { retries: 2, changesBroker: true, retriesUnconfirmed: false, timeoutMs: 10_000 };

/**
 * Two masters, one of them with a slave that it waits for. The tests are a story: each begins where the one before left the cluster.
 */
describe.skipIf(inject('interopSkipReason') !== null)('a cluster that loses its parts', () => {
  let cluster: Cluster;
  let broker: Broker;
  const acknowledged = new Map<string, SendResult>();
  let count = 0;

  beforeAll(async () => {
    cluster = await Cluster.start({
      brokers: [
        { name: 'broker-a', config: { brokerRole: 'SYNC_MASTER', inSyncReplicas: 2, totalReplicas: 2, allAckInSyncStateSet: false } },
        { name: 'broker-a', id: 1, config: { slaveReadEnable: true } }, { name: 'broker-b' },
      ],
    });
    broker = await openRemoteBroker({ nameServers: [cluster.namesrv], mode: 'write' });
  }, 240_000);
  afterAll(async () => {
    await broker?.close();
    await cluster?.end();
  });

  /** Sends some messages as `produce` does; keeps what was acknowledged. */
  async function send(messages: number, policy: RetryPolicy = POLICY): Promise<Set<string>> {
    const brokers = new Set<string>();
    for (let index = 0; index < messages; index++) {
      const body = `m${count++}`;
      const [outcome] = await sendWithRetries(broker, systemClock, [text('Orders', body)], {}, policy);
      if ('error' in outcome!) throw outcome.error;
      brokers.add(outcome!.brokerName);
      if (outcome!.status === 'SEND_OK') acknowledged.set(body, outcome!);
    }
    return brokers;
  }

  async function eventually(test: () => Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
    for (const untilMs = Date.now() + timeoutMs; !(await test().catch((error: unknown) => { if (error instanceof MqliteError) return false; throw error; }));) {
      if (Date.now() > untilMs) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
      await systemClock.sleep(200);
    }
  }

  it('both masters get messages', async () => {
    await broker.createTopic('Orders', { readQueueNums: 2, writeQueueNums: 2 });
    // The first ones may find a master that still waits for its slave to come up.
    await eventually(async () => (await send(8)).size === 2, 'messages for both masters');
    expect(acknowledged.size).toBeGreaterThan(8);
  }, 90_000);

  it('the slave is gone: the status says so, and another broker takes what is to be safe', async () => {
    await cluster.broker('broker-a', 1).kill();
    let unconfirmed: SendResult | undefined;
    await eventually(async () => {
      const sent = await broker.send(text('Orders', `unsure${count++}`, { queueId: 0 }));
      if (sent.brokerName === 'broker-a' && sent.status !== 'SEND_OK') unconfirmed = sent;
      return unconfirmed !== undefined;
    }, 'a send that is not confirmed');
    expect(['SLAVE_NOT_AVAILABLE', 'FLUSH_SLAVE_TIMEOUT']).toContain(unconfirmed!.status);
    // --retry-another-broker
    const [outcome] = await sendWithRetries(broker, systemClock, [text('Orders', 'safe')], {}, { ...POLICY, retriesUnconfirmed: true, timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ status: 'SEND_OK', brokerName: 'broker-b' });
  }, 120_000);

  it('a master is killed while messages are sent: they go to the other, and what the first has is read from its slave', async () => {
    await cluster.boot('broker-a', 1);
    await eventually(async () => (await broker.send(text('Orders', `again${count++}`, { queueId: 0 }))).status === 'SEND_OK', 'a slave that keeps up');
    // A slave learns of topics from its master, every 10 s.
    const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 3000, requestTimeoutMs: 3000 });
    await eventually(async () => (await client.ask(cluster.broker('broker-a', 1).address, GET_TOPIC_CONFIG, { topic: 'Orders' }, null)).code === 0, 'a slave that knows the topic');
    await client.close();
    const onA = [...acknowledged].filter(([, { brokerName }]) => brokerName === 'broker-a').map(([body]) => body);
    const sending = send(200);
    await systemClock.sleep(50);
    await cluster.broker('broker-a').kill();
    await sending;
    expect(await send(20)).toEqual(new Set(['broker-b']));
    const queues = [0, 1].map((queueId) => ({ topic: 'Orders', brokerName: 'broker-a', queueId }));
    const read = new Set<string>();
    for (const queue of queues) {
      for (let offset = 0; ;) {
        const { messages, nextOffset, status } = await broker.pull({ queue, offset, maxMessages: 32 });
        for (const message of messages) read.add(message.body.toString());
        if (status === 'NO_NEW_MESSAGE') break;
        offset = nextOffset;
      }
    }
    expect(onA.filter((body) => !read.has(body))).toEqual([]);
  }, 180_000);

  it('the master is back: it gets messages again, and nothing that was acknowledged is lost', async () => {
    await cluster.boot('broker-a');
    await eventually(async () => (await send(4)).has('broker-a'), 'a message for the master that is back');
    const bodies = new Map<string, number>();
    for (const queue of await broker.queues('Orders')) {
      for (const message of await pullAll(broker, queue)) bodies.set(message.body.toString(), (bodies.get(message.body.toString()) ?? 0) + 1);
    }
    expect([...acknowledged.keys()].filter((body) => !bodies.has(body))).toEqual([]);
  }, 180_000);

  it('the name server is gone: who knows the cluster works on, who does not is told within the timeout', async () => {
    await cluster.killNameServer();
    expect((await send(8)).size).toBeGreaterThan(0);
    expect(await broker.queues('Orders')).toHaveLength(4);
    const startMs = Date.now();
    const late = await openRemoteBroker({ nameServers: [cluster.namesrv], mode: 'read' }).then(() => null, (error: unknown) => error);
    expect(late).toMatchObject({ code: 'UNREACHABLE', exitCode: 4 });
    expect(Date.now() - startMs).toBeLessThan(5000);
  });
});
