import process from 'node:process';
import type { Broker } from '../../../src/broker/broker.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import type { MessageQueue, OffsetCommit, OutgoingMessage, SendOutcome } from '../../../src/broker/types.ts';
import type { FileSystem } from '../../../src/engine/files/file-system.ts';
import { initStore } from '../../../src/engine/inspect/store-tools.ts';
import { openLocalBroker } from '../../../src/engine/open.ts';
import { CrashError, Machine, STORE } from './machine.ts';
import type { Process } from './machine.ts';
import { MemoryDisk } from './memory-disk.ts';

export type Flush = 'async' | 'sync';
/** Stands between the engine and the disk of a process: the mutants. */
export type Port = (fs: FileSystem) => FileSystem;

/** One message that was given to the store, and what became of it. */
export interface SentMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly body: string;
  readonly key: string;
  /** Number of the operation before which it was handed over. */
  readonly startedAt: number;
  /** After which operation it was acknowledged, and as what; null: never, or refused. */
  acknowledged: { readonly at: number; readonly queueOffset: number } | null;
}

/** A promise other than a message: committed offsets, a changed, deleted or made topic. */
export interface Deed {
  readonly kind: 'commit' | 'alter' | 'delete' | 'create';
  readonly topic: string;
  /** commit: the offsets by queue id; alter: the number of queues. */
  readonly offsets: readonly number[];
  readonly startedAt: number;
  acknowledgedAt: number | null;
}

/** What was tried and what was promised, in order. */
export interface Journal {
  readonly messages: SentMessage[];
  readonly deeds: Deed[];
  /** Errors that reached the caller, with the operation after which they did. */
  readonly errors: { readonly at: number; readonly error: Error }[];
}

export const GROUP = 'readers';
const SEGMENT_BYTES = 8192;
const QUEUE_FILE_ENTRIES = 12;
const INDEX_SLOTS = 8;
/** About as many keys as two log files have: where a broker starts to scan matters for the index only then (P13). */
export const INDEX_ENTRIES = 60;

/** A machine with an empty store of small files, made without faults and wholly on disk. */
export const newMachine = async (seed: number): Promise<Machine> => {
  const disk = new MemoryDisk({ seed });
  const machine = new Machine(disk);
  const setup = machine.start('setup');
  disk.makeDirectory('/data');
  setup.fs.syncDirectory('/');
  await initStore({
    storeDirectory: STORE, fs: setup.fs, locks: setup.locks, clock: machine.clock, segmentSizeBytes: SEGMENT_BYTES, consumeQueueFileEntries: QUEUE_FILE_ENTRIES,
    indexSlotCount: INDEX_SLOTS, indexMaxCount: INDEX_ENTRIES,
  });
  setup.kill();
  machine.operations = 0;
  return machine;
};

export const openBroker = (machine: Machine, by: Process, flush: Flush, port: Port = (fs) => fs): Promise<Broker> => {
  // The engine writes its process id into `abort` and into its state, and names temporary files by it.
  Object.defineProperty(process, 'pid', { value: by.pid, configurable: true, writable: true });
  return openLocalBroker({
    storeDirectory: STORE, mode: 'write', fs: port(by.fs), locks: by.locks, clock: machine.clock, flush, lockTimeoutMs: 20,
  });
};

/** A process with an open broker. Its steps are skipped once it is dead, and an error of a step is written down. */
class Actor {
  readonly #run: Run;
  readonly #process: Process;
  readonly #flush: Flush;
  #broker: Broker | null = null;

  constructor(run: Run, name: string, flush: Flush) {
    this.#run = run;
    this.#process = run.machine.start(name);
    this.#flush = flush;
  }

  async open(): Promise<void> {
    await this.step(async () => {
      this.#broker = await openBroker(this.#run.machine, this.#process, this.#flush, this.#run.port);
    });
  }

  async send(topic: string, queueId: number, bodyBytes: number): Promise<void> {
    const message = this.#message(topic, queueId, bodyBytes);
    await this.step(async (broker) => {
      this.#started(message.sent);
      const result = await broker.send(message.outgoing);
      message.sent.acknowledged = { at: this.#run.machine.operations, queueOffset: result.queueOffset };
    });
  }

  async sendBatch(topic: string, queueId: number, count: number, bodyBytes: number): Promise<void> {
    const messages = Array.from({ length: count }, () => this.#message(topic, queueId, bodyBytes));
    await this.step(async (broker) => {
      for (const { sent } of messages) this.#started(sent);
      const outcomes: SendOutcome[] = await broker.sendBatch(messages.map(({ outgoing }) => outgoing));
      outcomes.forEach((outcome, index) => {
        if ('error' in outcome) this.#run.journal.errors.push({ at: this.#run.machine.operations, error: outcome.error });
        else messages[index]!.sent.acknowledged = { at: this.#run.machine.operations, queueOffset: outcome.queueOffset };
      });
    });
  }

  create(topic: string, queues: number): Promise<void> {
    return this.#deed({ kind: 'create', topic, offsets: [queues] }, async (broker) => {
      await broker.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
    });
  }

  alter(topic: string, queues: number): Promise<void> {
    return this.#deed({ kind: 'alter', topic, offsets: [queues] }, async (broker) => {
      await broker.alterTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
    });
  }

  remove(topic: string): Promise<void> {
    return this.#deed({ kind: 'delete', topic, offsets: [] }, (broker) => broker.deleteTopic(topic));
  }

  /** Joins the group, commits next offsets of the topic's queues by id, and leaves. */
  commit(topic: string, offsets: readonly number[]): Promise<void> {
    return this.#deed({ kind: 'commit', topic, offsets }, async (broker) => {
      const member = await broker.joinGroup({ group: GROUP, subscriptions: [{ topic }] });
      try {
        const commits = offsets.map((offset, queueId): OffsetCommit => ({ queue: queueOf(member.queues, topic, queueId), offset }));
        await member.commit(commits);
      } finally {
        await member.leave();
      }
    });
  }

  async close(): Promise<void> {
    await this.step((broker) => broker.close());
    this.#broker = null;
  }

  /** Runs one step; what it throws is an error that reached the caller. */
  async step(action: (broker: Broker) => Promise<void>): Promise<void> {
    if (this.#process.isDead) return;
    try {
      await action(this.#broker ?? NOT_OPEN);
    } catch (error) {
      if (error === NOT_OPEN_ERROR || this.#process.isDead) return;
      this.#run.journal.errors.push({ at: this.#run.machine.operations, error: error as Error });
    }
  }

  #started(sent: SentMessage): void {
    this.#run.journal.messages.push(Object.assign(sent, { startedAt: this.#run.machine.operations }));
  }

  async #deed(promise: Pick<Deed, 'kind' | 'topic' | 'offsets'>, action: (broker: Broker) => Promise<void>): Promise<void> {
    await this.step(async (broker) => {
      if (broker === NOT_OPEN) throw NOT_OPEN_ERROR;
      const deed: Deed = { ...promise, startedAt: this.#run.machine.operations, acknowledgedAt: null };
      this.#run.journal.deeds.push(deed);
      await action(broker);
      deed.acknowledgedAt = this.#run.machine.operations;
    });
  }

  #message(topic: string, queueId: number, bodyBytes: number): { sent: SentMessage; outgoing: OutgoingMessage } {
    const number = this.#run.nextMessage++;
    const key = `key-${number}`;
    const body = `message ${number} `.padEnd(bodyBytes, String.fromCharCode(97 + (number % 26)));
    return {
      sent: { topic, queueId, body, key, startedAt: 0, acknowledged: null },
      outgoing: { topic, queueId, body: Buffer.from(body), keys: [key], tags: `tag${number % 3}` },
    };
  }
}

const NOT_OPEN_ERROR = new MqliteError('REFUSED', 'the broker of this process could not be opened');
const NOT_OPEN = new Proxy({} as Broker, { get: () => () => Promise.reject(NOT_OPEN_ERROR) });

const queueOf = (queues: readonly MessageQueue[], topic: string, queueId: number): MessageQueue => {
  const queue = queues.find((candidate) => candidate.topic === topic && candidate.queueId === queueId);
  if (queue === undefined) throw new MqliteError('NOT_FOUND', `${topic} has no queue ${queueId}: it could not be altered`);
  return queue;
};

/** One run of the workload on one machine. */
export interface Run {
  readonly machine: Machine;
  readonly journal: Journal;
  readonly port: Port | undefined;
  nextMessage: number;
}

export const newRun = (machine: Machine, port?: Port): Run => ({ machine, journal: { messages: [], deeds: [], errors: [] }, port, nextMessage: 0 });

/**
 * Crosses everything that a fault could hit: segment, queue-file and index roll, a batch over a segment border, topics
 * made, altered, deleted and made again, commits, housekeeping, a second writer, clean closes and a reopening.
 */
export const runWorkload = async (run: Run, flush: Flush): Promise<void> => {
  const { clock } = run.machine;
  const first = new Actor(run, 'first', flush);
  await first.open();
  await first.create('alpha', 2);
  for (let count = 0; count < 6; count++) await first.send('alpha', count % 2, 200);
  await first.sendBatch('beta', 0, 5, 300);
  await first.commit('alpha', [2, 1]);
  await clock.tick();
  for (let count = 0; count < 5; count++) await first.send('alpha', 0, 700);
  await first.alter('alpha', 3);
  await first.create('gone', 1);
  await first.sendBatch('gone', 0, 4, 150);

  const second = new Actor(run, 'second', flush);
  await second.open();
  for (let count = 0; count < 4; count++) {
    await second.send('alpha', 2, 250);
    await first.send('beta', 1, 250);
  }
  await second.remove('gone');
  await first.send('gone', 0, 100);
  await clock.tick();
  await second.sendBatch('alpha', 0, 9, 400);
  await second.commit('alpha', [9, 3, 2]);
  await first.close();
  await second.send('beta', 1, 100);
  await clock.tick();
  await second.send('alpha', 1, 900);
  await second.close();

  const third = new Actor(run, 'third', flush);
  await third.open();
  await third.sendBatch('beta', 0, 6, 500);
  await third.commit('alpha', [12, 4, 3]);
  await clock.tick();
  await third.send('alpha', 2, 60);
  await third.close();
};

/** Only what the test itself does wrong: an error that is neither of the port nor of a crash. */
export const unexpectedErrors = (journal: Journal): Error[] =>
  journal.errors.map(({ error }) => error).filter((error) => !(error instanceof MqliteError) || error.code === 'BUG').filter((error) => !isCrash(error));

const isCrash = (error: Error): boolean => error instanceof CrashError || (error.cause !== undefined && error.cause instanceof CrashError);
