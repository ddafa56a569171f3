import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { ClusterAdmin } from '../../../src/broker/cluster-admin.ts';
import { BrokerCache } from '../../../src/cli/broker-cache.ts';
import type { OpenRequest } from '../../../src/cli/host.ts';
import type { Target } from '../../../src/cli/target.ts';
import { storeStamp } from '../../../src/engine/store-stamp.ts';
import { temporaryDirectory } from '../../support/fixtures.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { openTarget } from '../../../src/cli/open-broker.ts';

const LOCAL: Target = { kind: 'local', directory: '/s', commitLogDirectory: undefined, source: '--store' };
const REMOTE: Target = { kind: 'remote', addresses: ['a:1'], source: '--namesrv', tls: null, credentials: null };

interface Opened {
  readonly request: OpenRequest;
  readonly broker: FakeBroker;
  closed: number;
}

let opened: Opened[];
let stamp: string;
let cache: BrokerCache;
let slept: (() => void)[];
let waits: number[];
let failures: unknown[];
let cluster: ClusterAdmin | undefined;

/** A clock whose timers go off when a test says so. */
const clock = { ...systemClock, after: (delayMs: number, run: () => void) => {
  waits.push(delayMs);
  slept.push(run);
  return () => void slept.splice(slept.indexOf(run), 1);
} };

beforeEach(() => {
  opened = [];
  slept = [];
  waits = [];
  failures = [];
  cluster = undefined;
  stamp = '1';
  cache = new BrokerCache({
    open: async (request) => {
      const broker = new FakeBroker({ mode: request.mode, cluster });
      const entry: Opened = { request, broker, closed: 0 };
      const close = broker.close.bind(broker);
      broker.close = async () => {
        entry.closed++;
        await close();
      };
      opened.push(entry);
      return broker;
    },
    onFailure: (error) => failures.push(error),
    stampOf: async (target) => (target.kind === 'remote' ? null : stamp),
  });
});

const request = (more: Partial<OpenRequest> = {}): OpenRequest => ({
  target: LOCAL, mode: 'read', create: false, lockTimeoutMs: 1000, flush: undefined, readOnly: false, clock, dataDirectory: '/data', env: {}, onNotice: () => undefined, ...more,
});

async function use(more: Partial<OpenRequest> = {}, action: (broker: Broker) => unknown = (broker) => broker.listTopics()): Promise<void> {
  const broker = await cache.open(request(more));
  await action(broker);
  await broker.close();
  await broker.close();
}

const closes = (): number[] => opened.map(({ closed }) => closed);

describe('targets that stay open', () => {
  it('a store that is read is opened once', async () => {
    await use();
    await use({ target: { ...LOCAL, source: 'MQLITE_STORE' } });
    expect(closes()).toEqual([0]);
    await use({ target: { ...LOCAL, directory: '/t' } });
    expect(closes()).toEqual([0, 0]);
    await cache.close();
    expect(closes()).toEqual([1, 1]);
    expect(slept).toEqual([]);
  });

  it('a store that is written stays open for a second', async () => {
    await use({ mode: 'write', create: true });
    await use({ mode: 'write' });
    expect([closes(), waits]).toEqual([[0], [1000, 1000]]);
    slept[0]!();
    expect(closes()).toEqual([1]);
    await use({ mode: 'write' });
    await use({ mode: 'write', flush: 'sync' });
    await use();
    expect(closes()).toEqual([1, 0, 0, 0]);
    await cache.releaseWriters();
    expect(closes()).toEqual([1, 1, 1, 0]);
  });

  it('one that failed is not used again, and a close that nobody waits for is heard when it fails', async () => {
    await use({ mode: 'write' }, (broker) => broker.describeTopic('nope').catch(() => undefined));
    await use({ mode: 'write' }, (broker) => broker.sendBatch([{ topic: 't', body: Buffer.alloc(0) }]).catch(() => undefined));
    expect(closes()).toEqual([1, 1]);
    await use({ mode: 'write' });
    opened[2]!.broker.close = () => Promise.reject(new Error('no space'));
    slept[0]!();
    await cache.close();
    expect(failures).toEqual([new Error('no space')]);
  });

  it('one whose steps, or whose cluster, failed is not used again', async () => {
    const failing = (more: object): void => void Object.assign(opened.at(-1)!.broker, more);
    await use({}, async (broker) => {
      failing({ async *readLog() {
        yield [];
        throw new Error('gone');
      } });
      const steps: unknown[] = [];
      await expect((async () => {
        for await (const step of broker.readLog({ from: 'first', follow: false } as never)) steps.push(step);
      })()).rejects.toThrow('gone');
      expect(steps).toEqual([[]]);
    });
    expect(closes()).toEqual([1]);
    // One that is left before its end is as good as before.
    await use({}, async (broker) => {
      let left = false;
      failing({ async *readLog() {
        try {
          yield [];
          yield [];
        } finally {
          left = true;
        }
      } });
      for await (const step of broker.readLog({} as never)) if (step.length === 0) break;
      expect(left).toBe(true);
    });
    expect(closes()).toEqual([1, 0]);
    cluster = { brokers: async () => [], absent: () => [], config: () => Promise.reject(new Error('gone')), configure: async () => undefined };
    await use({ target: REMOTE }, async (broker) => expect(await broker.cluster!.brokers()).toEqual([]));
    await use({ target: REMOTE }, (broker) => broker.cluster!.config({ brokerName: 'a', brokerId: 0, address: 'a:1' }).catch(() => undefined));
    expect(closes()).toEqual([1, 0, 1]);
  });

  it('of a cluster connections for both are kept, each for itself', async () => {
    for (const mode of ['read', 'write', 'read', 'write'] as const) await use({ target: REMOTE, mode });
    expect(closes()).toEqual([0, 0]);
    await use({ target: { ...REMOTE, credentials: { accessKey: 'a', secretKey: 'b' } } });
    await use({ target: { ...REMOTE, tls: {} } });
    expect(opened).toHaveLength(4);
  });

  it('a store that is no longer what it was is opened anew', async () => {
    await use();
    stamp = '2';
    await use();
    expect(closes()).toEqual([1, 0]);
  });

  it('what joined a group, met damage or is still in use is not used again', async () => {
    await use({ target: REMOTE, mode: 'write' }, async (broker) => {
      await broker.createTopic('t', {});
      await (await broker.joinGroup({ group: 'g', subscriptions: [{ topic: 't' }] })).leave();
    });
    await use({ target: REMOTE, mode: 'write' });
    expect(closes()).toEqual([1, 0]);
    await use({}, () => {
      opened.at(-1)!.broker.damage = () => [{ file: 'f', position: 0, reason: 'r', queue: null, queueOffset: null, commitLogOffset: 0 }];
    });
    await use();
    expect(closes()).toEqual([1, 0, 1, 0]);
    const first = await cache.open(request());
    await use();
    expect(opened).toHaveLength(5);
    await first.close();
  });

  it('the one that is left alone is closed', async () => {
    await use();
    expect(slept).toHaveLength(1);
    await use();
    expect(slept).toHaveLength(1);
    slept[0]!();
    expect(closes()).toEqual([1]);
    await use();
    expect(opened).toHaveLength(2);
  });

  it('each notice is said once, by the command that is there; who only looks something up leaves it for that', async () => {
    const said: string[] = [];
    const onNotice = (notice: string): void => void said.push(notice);
    const quiet = await cache.openQuietly(request({ onNotice }));
    opened[0]!.broker.notices = () => ['not closed cleanly'];
    opened[0]!.request.onNotice('not closed cleanly');
    await quiet.close();
    expect(said).toEqual([]);
    await use({ onNotice });
    await use({ onNotice });
    expect(said).toEqual(['not closed cleanly']);
    opened[0]!.request.onNotice('to nobody');
    expect(said).toHaveLength(1);
  });

  it('closing takes away what a command that does not end holds', async () => {
    await cache.open(request());
    await cache.close();
    expect(closes()).toEqual([1]);
  });
});

describe('the stamp of a store', () => {
  it('changes with its writers and its identity, and not with its messages', async () => {
    const directory = temporaryDirectory('stamp');
    const open = (mode: 'read' | 'write'): Promise<Broker> => openTarget(request({ target: { ...LOCAL, directory }, mode, create: true, clock: systemClock }));
    const missing = storeStamp(directory);
    const writer = await open('write');
    await writer.send({ topic: 't', body: Buffer.from('a') });
    const held = storeStamp(directory);
    await writer.send({ topic: 't', body: Buffer.from('b') });
    expect(storeStamp(directory)).toBe(held);
    await writer.close();
    const closed = storeStamp(directory);
    expect(new Set([missing, held, closed]).size).toBe(3);
    const reader = await open('read');
    await reader.listTopics();
    await reader.close();
    expect(storeStamp(directory)).toBe(closed);
  });
});
