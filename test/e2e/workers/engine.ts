import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../../../src/broker/broker.ts';
import type { OutgoingMessage, SendResult } from '../../../src/broker/types.ts';
import type { FileSystem } from '../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../src/engine/open.ts';

/** What a worker process is told to do; its answers are lines of JSON on stdout. */
export type WorkerTask = { readonly store: string; readonly lockTimeoutMs?: number } & (
  /** Waits for a line on stdin, then sends batches of `batch` messages for `ms`. Answers `{"ready":true}`, `{"count":n}`. */
  | { readonly op: 'flood'; readonly topic: string; readonly ms: number; readonly batch: number }
  /** Sends `count` messages `intervalMs` apart; the body is process.hrtime at the call. Answers `{"ready":true}`, `{"sent":n}`. */
  | { readonly op: 'clock'; readonly topic: string; readonly count: number; readonly intervalMs: number }
  /** Attaches and waits for the end of stdin. Answers `{"ready":true}`. */
  | { readonly op: 'idle' }
  /** Sends `before` messages one by one, each acknowledged by a line, then one batch of `count`, and gets `signal` at the `at`-th change of the file system in it. Answers `{"changes":n}` when the batch had fewer. */
  | { readonly op: 'interrupted'; readonly topic: string; readonly before: number; readonly count: number; readonly bodyBytes: number; readonly at: number; readonly torn: boolean; readonly signal: NodeJS.Signals }
  /** Attaches, which delivers what is due, and gets `signal` at the `at`-th change of the file system. Answers `{"changes":n}` when there are fewer, and detaches. */
  | { readonly op: 'deliver'; readonly at: number; readonly torn: boolean; readonly signal: NodeJS.Signals }
  /** Attaches, sends one message, detaches, again and again for `ms`. Each acknowledged one is a line. */
  | { readonly op: 'visits'; readonly topic: string; readonly name: string; readonly ms: number }
  /**
   * Sends `count` half messages and ends them, together with one decision or each by itself (every third is rolled back), and gets SIGKILL at the
   * `at`-th change of the file system from the first half on. Answers `{"half":body}`, `{"deciding":n}`, `{"ended":body}` and `{"changes":n}`.
   */
  | { readonly op: 'transactions'; readonly topic: string; readonly name: string; readonly count: number; readonly together: boolean; readonly decision: 'commit' | 'rollback'; readonly at: number; readonly torn: boolean }
  /** For each line of stdin: sends it to `topic`, answers the acknowledgement or `{"error":code}`. Detaches at the end. */
  | { readonly op: 'echo'; readonly topic: string }
);

export interface Acknowledgement {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly body: string;
}

// Written at once: an acknowledgement must not be lost in a buffer when the process is killed.
const say = (answer: unknown): void => {
  fs.writeSync(1, `${JSON.stringify(answer)}\n`);
};

const acknowledgement = ({ queueId, queueOffset, msgId }: SendResult, body: string): Acknowledgement => ({ queueId, queueOffset, msgId, body });

const open = (task: WorkerTask, files?: FileSystem): Promise<Broker> =>
  openLocalBroker({ storeDirectory: task.store, mode: 'write', create: true, fs: files, ...(task.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: task.lockTimeoutMs }) });

const firstLine = (): Promise<void> => new Promise((resolve) => void process.stdin.once('data', () => resolve()));

/** A file system that sends this process a signal at the n-th change after `arm`; `torn`: half of a write is done by then. */
const interruptedFiles = (at: number, torn: boolean, signal: NodeJS.Signals): { files: FileSystem; arm: () => void; changes: () => number } => {
  let armed = false;
  let changes = 0;
  const isTime = (): boolean => armed && ++changes === at;
  const files: FileSystem = {
    ...nodeFileSystem,
    write: (fd, source, sourceOffset, length, position) => {
      if (!isTime()) return nodeFileSystem.write(fd, source, sourceOffset, length, position);
      const part = torn ? Math.floor(length / 2) : 0;
      if (part > 0) nodeFileSystem.write(fd, source, sourceOffset, part, position);
      process.kill(process.pid, signal);
      nodeFileSystem.write(fd, source, sourceOffset + part, length - part, position + part);
    },
  };
  for (const name of ['rename', 'unlink', 'truncate', 'makeDirectory'] as const) {
    const real = nodeFileSystem[name].bind(nodeFileSystem) as (...args: unknown[]) => void;
    files[name] = ((...args: unknown[]) => {
      if (isTime()) process.kill(process.pid, signal);
      real(...args);
    }) as never;
  }
  return { files, arm: () => { armed = true; }, changes: () => changes };
};

const run = async (task: WorkerTask): Promise<void> => {
  switch (task.op) {
    case 'flood': {
      const broker = await open(task);
      const batch: OutgoingMessage[] = Array.from({ length: task.batch }, () => ({ topic: task.topic, body: Buffer.alloc(200, 0x61) }));
      await broker.sendBatch(batch);
      say({ ready: true });
      await firstLine();
      const end = performance.now() + task.ms;
      let count = 0;
      while (performance.now() < end) {
        await broker.sendBatch(batch);
        count += batch.length;
      }
      say({ count });
      await broker.close();
      return;
    }
    case 'clock': {
      const broker = await open(task);
      say({ ready: true });
      await firstLine();
      for (let index = 0; index < task.count; index++) {
        await sleep(task.intervalMs);
        await broker.send({ topic: task.topic, body: Buffer.from(String(process.hrtime.bigint())) });
      }
      say({ sent: task.count });
      await broker.close();
      return;
    }
    case 'idle': {
      const broker = await open(task);
      say({ ready: true });
      for await (const _ of process.stdin) continue;
      await broker.close();
      return;
    }
    case 'interrupted': {
      const { files, arm, changes } = interruptedFiles(task.at, task.torn, task.signal);
      const broker = await open(task, files);
      for (let index = 0; index < task.before; index++) {
        const body = `before-${index}`;
        say(acknowledgement(await broker.send({ topic: task.topic, body: Buffer.from(body) }), body));
      }
      const bodies = Array.from({ length: task.count }, (_, index) => `batch-${index}-`.padEnd(task.bodyBytes, '.'));
      arm();
      const outcomes = await broker.sendBatch(bodies.map((body) => ({ topic: task.topic, body: Buffer.from(body) })));
      outcomes.forEach((outcome, index) => {
        if ('error' in outcome) say({ error: outcome.error.message });
        else say(acknowledgement(outcome, bodies[index]!));
      });
      say({ changes: changes() });
      await broker.close();
      return;
    }
    case 'transactions': {
      const { files, arm, changes } = interruptedFiles(task.at, task.torn, 'SIGKILL');
      const broker = await open(task, files);
      arm();
      const sent: SendResult[] = [];
      const bodies = Array.from({ length: task.count }, (_, index) => `${task.name}-${index}`);
      for (const outcome of await broker.sendBatch(bodies.map((body) => ({ topic: task.topic, body: Buffer.from(body), transactional: true, producerGroup: 'killed' })))) {
        if ('error' in outcome) throw outcome.error;
        sent.push(outcome);
      }
      bodies.forEach((half) => say({ half }));
      say({ deciding: task.count });
      const request = ({ topic, transactionId, offsetMsgId, queueOffset }: SendResult, decision: 'commit' | 'rollback') =>
        ({ topic, transactionId: transactionId!, offsetMsgId, queueOffset, producerGroup: 'killed', decision });
      if (task.together) {
        await broker.endTransactions(sent.map((one) => request(one, task.decision)));
        bodies.forEach((ended) => say({ ended }));
      } else {
        for (const [index, one] of sent.entries()) {
          await broker.endTransaction(request(one, index % 3 === 2 ? 'rollback' : 'commit'));
          say({ ended: bodies[index] });
        }
      }
      say({ changes: changes() });
      await broker.close();
      return;
    }
    case 'deliver': {
      const { files, arm, changes } = interruptedFiles(task.at, task.torn, task.signal);
      arm();
      const broker = await open(task, files);
      say({ changes: changes() });
      await broker.close();
      return;
    }
    case 'visits': {
      const end = performance.now() + task.ms;
      for (let index = 0; performance.now() < end; index++) {
        const broker = await open(task);
        const body = `${task.name}-${index}`;
        say(acknowledgement(await broker.send({ topic: task.topic, body: Buffer.from(body) }), body));
        await broker.close();
      }
      return;
    }
    case 'echo': {
      const broker = await open(task);
      say({ ready: true });
      let rest = '';
      for await (const chunk of process.stdin) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          try {
            say(acknowledgement(await broker.send({ topic: task.topic, body: Buffer.from(line) }), line));
          } catch (error) {
            say({ error: (error as { code?: string }).code ?? String(error) });
          }
        }
      }
      await broker.close();
    }
  }
};

await run(JSON.parse(process.argv[2]!) as WorkerTask);
