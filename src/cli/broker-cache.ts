import { callAfter } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { BrokerFactory, OpenRequest } from './host.ts';
import { openTarget } from './open-broker.ts';
import type { Target } from './target.ts';

/** A target that nobody asked for so long is closed: open files would keep removed segments on the disk, and brokers drop connections. */
const IDLE_MS = 60_000;
/** A store open for writing keeps real brokers out, and is delivered from: only as long as somebody types one command after the other. */
const WRITER_IDLE_MS = 1000;
/** What leaves something behind that only a close takes away: a member, a producer that brokers know. */
const LASTING: readonly PropertyKey[] = ['joinGroup', 'request', 'checkTransactions'];

/** Notices are said by the command that has the broker, each once. */
interface Voice {
  listener: ((notice: string) => void) | undefined;
  readonly said: Set<string>;
}

interface Entry {
  readonly broker: Broker;
  /** See storeStamp; null for a cluster. */
  readonly stamp: string | null;
  readonly voice: Voice;
  readonly idleMs: number;
  isLeased: boolean;
  cancelIdle: () => void;
}

export interface BrokerCacheOptions {
  readonly open?: BrokerFactory | undefined;
  readonly stampOf?: ((target: Target) => Promise<string | null>) | undefined;
  /** A target that nobody uses could not be closed as it should: what was acknowledged may not be on the disk. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/**
 * Targets that stay open between the commands of a shell. What a store is opened for reading with holds no lock and is kept; a store opened
 * for writing stays so for a second, so that commands typed one after the other need not attach and sync each, and an idle shell holds nothing that others
 * wait for. Of a cluster the connections are kept, whatever they are for, and with them what the client knows of routes and brokers, which is as old
 * as `pollNameServerInterval` lets it become (30 s): a broker that comes is seen that much later than by a command of its own. What met damage, failed, joined a group or was left in use is never used again.
 */
export class BrokerCache {
  readonly #open: BrokerFactory;
  readonly #stampOf: (target: Target) => Promise<string | null>;
  readonly #entries = new Map<string, Entry>();
  readonly #leased = new Set<Broker>();
  readonly #onFailure: (error: unknown) => void;
  readonly #closing = new Set<Promise<void>>();

  constructor({ open = openTarget, stampOf = stampOfTarget, onFailure = () => undefined }: BrokerCacheOptions = {}) {
    this.#onFailure = onFailure;
    this.#open = open;
    this.#stampOf = stampOf;
  }

  /** As `openTarget`; closing the answer gives it back. Errors: the same. */
  readonly open: BrokerFactory = (request) => this.#lease(request, request.onNotice);

  /** For somebody who says nothing: notices are left for the next command. */
  readonly openQuietly: BrokerFactory = (request) => this.#lease(request, undefined);

  /** Closes everything, what a command that does not end has open included. */
  async close(): Promise<void> {
    const idle = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of idle) entry.cancelIdle();
    const brokers = new Set([...idle.map(({ broker }) => broker), ...this.#leased]);
    this.#leased.clear();
    await Promise.all([...brokers].map((broker) => this.#close(broker)));
    await Promise.all(this.#closing);
  }

  /** Lets go of the stores that are open for writing and not used: before a tool, or another program, that wants one for itself. */
  async releaseWriters(): Promise<void> {
    const writers = [...this.#entries].filter(([, { idleMs, isLeased }]) => idleMs === WRITER_IDLE_MS && !isLeased);
    await Promise.all(writers.map(([key, entry]) => this.#drop(key, entry)));
    await Promise.all(this.#closing);
  }

  async #lease(request: OpenRequest, listener: Voice['listener']): Promise<Broker> {
    const key = keyOf(request);
    const stamp = await this.#stampOf(request.target);
    const known = this.#entries.get(key);
    if (known !== undefined && !known.isLeased && known.stamp === stamp) return this.#lend(known, key, request, listener);
    if (known !== undefined && !known.isLeased) await this.#drop(key, known);

    const voice: Voice = { listener, said: new Set() };
    const broker = await this.#open({ ...request, onNotice: (notice) => say(voice, notice) });
    const isWriter = request.target.kind === 'local' && request.mode === 'write';
    const entry: Entry = {
      broker, voice, idleMs: isWriter ? WRITER_IDLE_MS : IDLE_MS, isLeased: false, cancelIdle: () => undefined,
      // A writer has changed it by coming.
      stamp: isWriter ? await this.#stampOf(request.target) : stamp,
    };
    if (!this.#entries.has(key)) this.#entries.set(key, entry);
    return this.#lend(entry, key, request, listener);
  }

  #lend(entry: Entry, key: string, { clock }: OpenRequest, listener: Voice['listener']): Broker {
    const { broker, voice } = entry;
    entry.cancelIdle();
    entry.isLeased = true;
    voice.listener = listener;
    this.#leased.add(broker);
    for (const notice of broker.notices()) if (!voice.said.has(notice)) say(voice, notice);
    let isSpent = false;
    let closing: Promise<void> | undefined;
    const giveBack = async (): Promise<void> => {
      if (!this.#leased.delete(broker)) return;
      entry.isLeased = false;
      voice.listener = undefined;
      if (this.#entries.get(key) !== entry || isSpent || broker.damage().length > 0) return this.#drop(key, entry, true);
      entry.cancelIdle = callAfter(clock, entry.idleMs, () => void this.#drop(key, entry));
    };
    const spend = (): void => {
      isSpent = true;
    };
    const { cluster } = broker;
    const watched: Readonly<Record<PropertyKey, unknown>> = { close: () => (closing ??= giveBack()), ...(cluster === null ? {} : { cluster: watch(cluster, spend) }) };
    return watch(broker, spend, watched);
  }

  /** `isHeard`: a command waits for the close, and says why it failed. */
  async #drop(key: string, entry: Entry, isHeard = false): Promise<void> {
    entry.cancelIdle();
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    await (isHeard ? entry.broker.close() : this.#close(entry.broker));
  }

  async #close(broker: Broker): Promise<void> {
    const closing = broker.close().catch((error: unknown) => this.#onFailure(error));
    this.#closing.add(closing);
    await closing;
    this.#closing.delete(closing);
  }
}

/** `broker`, or a part of it, with other members in place of some; `spend` is called when something fails, or lasts. */
function watch<T extends object>(whole: T, spend: () => void, others: Readonly<Record<PropertyKey, unknown>> = {}): T {
  return new Proxy(whole, {
    get: (target, name) => {
      if (Object.hasOwn(others, name)) return others[name];
      if (LASTING.includes(name)) spend();
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...values: unknown[]): unknown => watchResult(Reflect.apply(value as (...all: unknown[]) => unknown, target, values), spend);
    },
  });
}

function watchResult(result: unknown, spend: () => void): unknown {
  if (result instanceof Promise) {
    result.then((outcome) => {
      if (Array.isArray(outcome) && outcome.some((one: unknown) => hasFailed(one))) spend();
    }, spend);
    return result;
  }
  return isAsyncIterable(result) ? watchSteps(result, spend) : result;
}

async function * watchSteps(steps: AsyncIterable<unknown>, spend: () => void): AsyncGenerator {
  try {
    for await (const step of steps) yield step;
  } catch (error) {
    spend();
    throw error;
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> => typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** One of the outcomes of a batch. */
function hasFailed(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'error' in outcome;
}

function say(voice: Voice, notice: string): void {
  if (voice.listener === undefined) return;
  voice.said.add(notice);
  voice.listener(notice);
}

/**
 * Requests that differ in it have nothing in common: everything that is asked for counts, but who asks, and what does not matter to one who only reads
 * a store.
 */
function keyOf(request: OpenRequest): string {
  const { onNotice: _notices, clock: _clock, create: _create, target: { source: _source, profile: _profile, ...target }, flush, lockTimeoutMs, readOnly, ...asked } = request;
  return JSON.stringify([target, asked, target.kind === 'local' && asked.mode === 'read' ? [] : [flush ?? 'async', lockTimeoutMs, readOnly]]);
}

async function stampOfTarget(target: Target): Promise<string | null> {
  if (target.kind === 'remote') return null;
  const { storeStamp } = await import('../engine/store-stamp.ts');
  return storeStamp(target.directory, target.commitLogDirectory);
}
