import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { encodeHost } from '../../../src/record/host.ts';
import { encodeRecord } from '../../../src/record/encode.ts';
import { Cluster } from '../../../src/remote/cluster.ts';
import { NameServers } from '../../../src/remote/name-servers.ts';
import { PullDesk, type PullOwner } from '../../../src/remote/pull-desk.ts';
import { RemotingClient } from '../../../src/remote/remoting-client.ts';
import { SentOffsets } from '../../../src/remote/sent-offsets.ts';
import { RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { expectRefusal } from '../../contract/harness.ts';
import { nameServerOf, RemotingServer, type Answer, type Peer } from '../../support/remoting-server.ts';

const QUEUE = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const record = (queueOffset: number, body: string, properties = ''): Buffer => {
  const target = Buffer.alloc(4096);
  const size = encodeRecord({
    topic: 'T', queueId: 0, flag: 0, queueOffset, commitLogOffset: queueOffset * 100, sysFlag: 0, bornTimestamp: 1, bornHost: encodeHost('127.0.0.1:1'), storeTimestamp: 2,
    storeHost: encodeHost('127.0.0.1:2'), reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.from(body), properties, propertyCrc: false,
  }, target, 0);
  return target.subarray(0, size);
};

const answer = (peer: Peer, request: RemotingCommand, code: number, next: number, max: number, body: Buffer | null = null, remark: string | null = null, suggest = 0): void =>
  peer.reply(request, responseCommand(request, code, remark, { suggestWhichBrokerId: String(suggest), nextBeginOffset: String(next), minOffset: '0', maxOffset: String(max) }, body));
const found = (peer: Peer, request: RemotingCommand, offset: number, body: string): void => answer(peer, request, RESPONSE_CODE.SUCCESS, offset + 1, offset + 1, record(offset, body));

async function desk(pull: Answer, owner: PullOwner | null = null): Promise<{ pulls: PullDesk; broker: RemotingServer; cluster: Cluster; sent: SentOffsets }> {
  const broker = await RemotingServer.start(pull);
  const names = await RemotingServer.start(nameServerOf('broker-a', broker.address, { T: 1 }));
  const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
  ending.push(() => broker.stop(), () => names.stop(), () => client.close());
  const cluster = new Cluster(client, new NameServers(client, [names.address]));
  const sent = new SentOffsets(systemClock);
  return { pulls: new PullDesk(cluster, () => owner, sent, () => undefined), broker, cluster, sent };
}

describe('pulls over a cluster', () => {
  it('a poll that was not waited for is taken up again: one request, and its answer is not lost', async () => {
    const held: (() => void)[] = [];
    const { pulls, broker } = await desk((request, peer) => void held.push(() => found(peer, request, 5, 'late')));
    const request = { queue: QUEUE, offset: 5, maxMessages: 8 };
    for (let turn = 0; turn < 3; turn++) expect(await pulls.pull({ ...request, suspendMs: 20 })).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: 5, maxOffset: 5 });
    held[0]!();
    await systemClock.sleep(20);
    const result = await pulls.pull({ ...request, suspendMs: 2000 });
    expect(result.messages.map(({ body }) => body.toString())).toEqual(['late']);
    expect(broker.requests).toHaveLength(1);
    expect(broker.requests[0]!.extFields).toMatchObject({ consumerGroup: 'TOOLS_CONSUMER', sysFlag: '6', queueOffset: '5', suspendTimeoutMillis: '15000' });
  });

  it('a poll for another offset, filter or number is another', async () => {
    const { pulls, broker } = await desk(() => undefined);
    const request = { queue: QUEUE, offset: 5, maxMessages: 8, suspendMs: 10 };
    await pulls.pull(request);
    for (const more of [{ offset: 6 }, { offset: 6, filter: { tags: 'A' } }, { offset: 6, maxMessages: 9 }]) await pulls.pull({ ...request, ...more });
    expect(broker.requests).toHaveLength(4);
  });

  it('ends when it is called off, without a word from the broker', async () => {
    const { pulls } = await desk(() => undefined);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const startMs = performance.now();
    expect((await pulls.pull({ queue: QUEUE, offset: 5, maxMessages: 1, suspendMs: 20_000, signal: stop.signal })).status).toBe('NO_NEW_MESSAGE');
    expect(performance.now() - startMs).toBeLessThan(2000);
  });

  it('a broker that wakes a poll for nothing is asked again, not without end', async () => {
    const { pulls, broker } = await desk((request, peer) => (broker.requests.length < 3 ? answer(peer, request, RESPONSE_CODE.PULL_RETRY_IMMEDIATELY, 5, 6) : found(peer, request, 5, 'x')));
    expect((await pulls.pull({ queue: QUEUE, offset: 5, maxMessages: 1, suspendMs: 3000 })).status).toBe('FOUND');
    broker.answer = (request, peer) => answer(peer, request, RESPONSE_CODE.PULL_NOT_FOUND, 6, 6);
    const before = broker.requests.length;
    await pulls.pull({ queue: QUEUE, offset: 6, maxMessages: 1, suspendMs: 100 });
    expect(broker.requests.length - before).toBeLessThan(20);
  });

  it('a busy broker is tried again; one that stays so is an error with its reason', async () => {
    const { pulls, broker } = await desk((request, peer) => (broker.requests.length < 3 ? peer.reply(request, responseCommand(request, RESPONSE_CODE.SYSTEM_BUSY, '[OVERLOAD]')) : found(peer, request, 0, 'x')));
    expect((await pulls.pull({ queue: QUEUE, offset: 0, maxMessages: 1 })).status).toBe('FOUND');
    broker.answer = (request, peer) => peer.reply(request, responseCommand(request, RESPONSE_CODE.NO_PERMISSION, 'the topic[T] pulling message is forbidden'));
    expect((await expectRefusal(pulls.pull({ queue: QUEUE, offset: 0, maxMessages: 1 }), 'PERMISSION_DENIED')).message).toContain('forbidden');
  });

  it('knows tags that only look alike apart, and names what it cannot read', async () => {
    const bytes = Buffer.concat([record(0, 'yes', 'TAGS\u0001Aa\u0002'), record(1, 'no', 'TAGS\u0001BB\u0002'), Buffer.from([0, 0, 0, 99, 1, 2, 3])]);
    const { pulls } = await desk((request, peer) => answer(peer, request, RESPONSE_CODE.SUCCESS, 3, 3, bytes));
    const result = await pulls.pull({ queue: QUEUE, offset: 0, maxMessages: 9, filter: { tags: 'Aa' } });
    expect(result.messages.map(({ body }) => body.toString())).toEqual(['yes']);
    expect(result.damaged).toMatchObject([{ queue: QUEUE, reason: expect.stringContaining('cut off') as string }]);
    expect(result.nextOffset).toBe(3);
  });

  it('waits until the queue has what this process sent to it', async () => {
    const { pulls, broker, sent } = await desk((request, peer) => (broker.requests.length < 4 ? answer(peer, request, RESPONSE_CODE.PULL_NOT_FOUND, 0, 0) : found(peer, request, 0, 'mine')));
    sent.sent(QUEUE, 1);
    expect((await pulls.pull({ queue: QUEUE, offset: 0, maxMessages: 1 })).messages.map(({ body }) => body.toString())).toEqual(['mine']);
    expect(broker.requests).toHaveLength(4);
  });
});

describe('pulls of a member', () => {
  const owner = (): PullOwner & { resets: number[]; gone: number } => {
    const told = { group: 'readers', resets: [] as number[], gone: 0, onReset: (_: unknown, offset: number) => void told.resets.push(offset), onGone: () => ++told.gone > 0 };
    return told;
  };

  it('go by its group; a reset is told, and nothing is read past it', async () => {
    const member = owner();
    const { pulls, broker } = await desk((request, peer) => answer(peer, request, RESPONSE_CODE.PULL_OFFSET_MOVED, 2, 9, null, 'OFFSET_RESET'), member);
    expect(await pulls.pull({ queue: QUEUE, offset: 7, maxMessages: 1 })).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: 7 });
    expect(member.resets).toEqual([2]);
    expect(broker.requests[0]!.extFields['consumerGroup']).toBe('readers');
  });

  it('outlive a broker: nothing new until it is back', async () => {
    const member = owner();
    const { pulls, broker } = await desk((request, peer) => found(peer, request, 3, 'back'), member);
    await broker.stop();
    expect(await pulls.pull({ queue: QUEUE, offset: 3, maxMessages: 1 })).toMatchObject({ status: 'NO_NEW_MESSAGE', nextOffset: 3 });
    expect(member.gone).toBeGreaterThan(0);
    // Whoever is no member is told at once.
    await expectRefusal((await desk((request, peer) => void peer.socket.destroy(void request))).pulls.pull({ queue: QUEUE, offset: 3, maxMessages: 1 }), 'UNREACHABLE');
  });
});

describe('replicas', () => {
  /** A master and a slave of one name. */
  async function replicas(master: Answer, slave: Answer): Promise<{ pulls: PullDesk; masters: RemotingServer; slaves: RemotingServer }> {
    const [masters, slaves] = [await RemotingServer.start(master), await RemotingServer.start(slave)];
    const names = await RemotingServer.start(nameServerOf('broker-a', masters.address, { T: 1 }, { 1: slaves.address }));
    const client = new RemotingClient({ clock: systemClock, tls: null, credentials: null, connectTimeoutMs: 500, requestTimeoutMs: 500 });
    ending.push(() => masters.stop(), () => slaves.stop(), () => names.stop(), () => client.close());
    return { pulls: new PullDesk(new Cluster(client, new NameServers(client, [names.address])), () => null, new SentOffsets(systemClock), () => undefined), masters, slaves };
  }
  const request = { queue: QUEUE, offset: 0, maxMessages: 1 };

  it('reads where the broker suggests it, and from the master again when that is what it says', async () => {
    const suggesting = (id: number): Answer => (command, peer) => answer(peer, command, RESPONSE_CODE.SUCCESS, 1, 9, record(0, 'x'), null, id);
    const { pulls, masters, slaves } = await replicas(suggesting(1), suggesting(0));
    for (let turn = 0; turn < 4; turn++) await pulls.pull(request);
    expect([masters.requests.length, slaves.requests.length]).toEqual([2, 2]);
  });

  it('reads from the slave when the master is gone', async () => {
    const { pulls, masters } = await replicas(() => undefined, (command, peer) => found(peer, command, 0, 'of the slave'));
    await masters.stop();
    expect((await pulls.pull(request)).messages.map(({ body }) => body.toString())).toEqual(['of the slave']);
  });

  it('a slave that lets nobody read: what to do is said', async () => {
    const { pulls, masters } = await replicas(() => undefined, (command, peer) => peer.reply(command, responseCommand(command, RESPONSE_CODE.SYSTEM_BUSY, '[REJECTREQUEST]system busy, start flow control for a while')));
    await masters.stop();
    const error = await expectRefusal(pulls.pull(request), 'UNREACHABLE');
    expect(error.hint).toContain('slaveReadEnable');
  });
});
