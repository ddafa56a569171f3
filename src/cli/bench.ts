import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { Message } from '../record/message.ts';
import { MqliteError } from '../broker/errors.ts';
import type { DamageReport, OutgoingMessage } from '../broker/types.ts';
import { browse, queuesOf } from '../client/browse.ts';
import { Histogram } from '../client/histogram.ts';
import type { ConsumeOutcome } from '../client/listener.ts';
import { consumePushed } from '../client/push-consumer.ts';
import { Producer } from '../client/producer.ts';
import type { PushSettings } from './group-options.ts';
import type { Progress } from './render/progress.ts';
import { NO_PROGRESS } from './render/progress.ts';
import { histogramRows, renderHistogram } from '../text/histogram.ts';
import type { HistogramStyle } from '../text/histogram.ts';
import { formatInteger } from '../text/numbers.ts';

export interface BenchResult {
  readonly messages: number;
  readonly sizeBytes: number;
  readonly seconds: number;
  /** Until all are readable by pull (produce), or read (consume). */
  readonly messagesPerSecond: number;
  /** Until all are findable by key and the store is closed; null where nothing is indexed. */
  readonly indexedMessagesPerSecond: number | null;
  readonly mebibytesPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
}

/** The result, and what it was computed from. */
export interface Benchmark {
  readonly bench: BenchResult;
  /** In µs. */
  readonly latencies: Histogram;
}

export interface BenchRun {
  readonly topic: string;
  readonly count: number;
  /** Messages sent or read before the measurement starts: code not yet compiled and files not yet cached are not what a long run meets. */
  readonly warmup: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface BenchProduceRun extends BenchRun {
  readonly sizeBytes: number;
  readonly queues: number;
  /** Keys of each message. */
  readonly keys: number;
  readonly inFlight: number;
}

/** Milliseconds from anywhere, finer than the clock of the day. */
const stopwatchMs = (): number => performance.now();

/** Longest wait for the end to become readable or findable, in ms: afterwards the store is at fault. */
const VISIBLE_TIMEOUT_MS = 60_000;
const POLL_MS = 1;
/** Messages handed to the producer at a time. */
const SLICE = 1024;
const BENCH_SUSPEND_MS = 1000;
const BENCH_COMMIT_MS = 5000;

/** Makes the topic when it is missing. Error: USAGE when it exists with another number of queues. */
export async function prepareBenchTopic(broker: Broker, topic: string, queues: number): Promise<void> {
  const known = (await broker.listTopics()).find((config) => config.topic === topic);
  if (known === undefined) await broker.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
  else if (known.writeQueueNums !== queues) {
    throw new MqliteError('USAGE', `topic ${topic} has ${known.writeQueueNums} queues, not ${queues}`, { hint: 'Name another topic, or leave --queues out of it.' });
  }
}

/** Sends `count` messages, waits until the last is readable and findable, and closes the broker: closing is part of what is measured. */
export async function benchProduce(broker: Broker, run: BenchProduceRun): Promise<Benchmark> {
  const { topic, count, sizeBytes, clock } = run;
  const runId = clock.nowMs().toString(36);
  if (run.warmup > 0) await sendAll(broker, run, 'warming up', run.warmup, `${runId}w`, new Histogram());
  const before = await endOf(broker, topic);
  const latencies = new Histogram();
  const started = stopwatchMs();
  const stored = await sendAll(broker, run, 'sending', count, runId, latencies);
  run.progress.begin('waiting until all are readable, findable and on disk', null);
  await waitUntil(clock, async () => (await endOf(broker, topic)) >= before + stored, 'the last message did not become readable');
  const readableSeconds = (stopwatchMs() - started) / 1000;
  const lastKey = keysOf(run.keys, runId, stored - 1)[0];
  if (lastKey !== undefined && stored > 0) {
    await waitUntil(clock, async () => (await broker.queryByKey({ topic, key: lastKey, maxMessages: 1 })).messages.length > 0, `key ${lastKey} did not become findable`);
  }
  await broker.close();
  const closedSeconds = (stopwatchMs() - started) / 1000;
  return result(stored, sizeBytes, readableSeconds, latencies, run.keys === 0 ? null : stored / closedSeconds);
}

/** Sends `count` messages through a producer; how many were stored. */
async function sendAll(broker: Broker, run: BenchProduceRun, stage: string, count: number, runId: string, latencies: Histogram): Promise<number> {
  const { topic, sizeBytes, clock, inFlight } = run;
  const sentAt = new WeakMap<OutgoingMessage, number>();
  let stored = 0;
  const producer = new Producer<OutgoingMessage>({
    broker, clock, send: {}, batchSize: inFlight, inFlight, oneway: false,
    retry: { retries: 0, changesBroker: false, retriesUnconfirmed: false, timeoutMs: VISIBLE_TIMEOUT_MS },
    onSubmit: (batch) => void sentAt.set(batch[0]!, stopwatchMs()),
    onOutcomes: (outcomes, batch) => {
      const failed = outcomes.find((outcome) => 'error' in outcome);
      if (failed !== undefined && 'error' in failed) throw failed.error;
      latencies.record((stopwatchMs() - sentAt.get(batch[0]!)!) * 1000, batch.length);
      stored += batch.length;
    },
  });
  const body = Buffer.alloc(sizeBytes, 'x');
  run.progress.begin(stage, count);
  for (let sent = 0; sent < count && !run.signal.aborted; sent += SLICE) {
    const slice: OutgoingMessage[] = [];
    for (let index = sent; index < Math.min(count, sent + SLICE); index++) slice.push({ topic, body, tags: 'bench', keys: keysOf(run.keys, runId, index) });
    await producer.add(slice);
    run.progress.update(stored);
  }
  await producer.finish();
  return stored;
}

function keysOf(count: number, runId: string, index: number): string[] {
  const keys = count === 0 ? [] : [`${runId}-${index}`];
  for (let key = 1; key < count; key++) keys.push(`${runId}-${index}-${key}`);
  return keys;
}

async function endOf(broker: Broker, topic: string): Promise<number> {
  const ends = await Promise.all((await broker.queues(topic)).map((queue) => broker.maxOffset(queue)));
  return ends.reduce((sum, end) => sum + end, 0);
}

async function readableOf(broker: Broker, topic: string): Promise<number> {
  const counts = await Promise.all((await broker.queues(topic)).map(async (queue) => (await broker.maxOffset(queue)) - (await broker.minOffset(queue))));
  return counts.reduce((sum, count) => sum + Math.max(0, count), 0);
}

async function waitUntil(clock: Clock, reached: () => Promise<boolean>, complaint: string): Promise<void> {
  for (const deadline = stopwatchMs() + VISIBLE_TIMEOUT_MS; !(await reached());) {
    if (stopwatchMs() > deadline) throw new MqliteError('TIMED_OUT', `${complaint} within ${VISIBLE_TIMEOUT_MS / 1000} s`, { hint: 'Check the store with "mqlite store verify".' });
    await clock.sleep(POLL_MS);
  }
}

/** Reads up to `count` messages from the start: every field that costs something is touched, as a consumer would. */
export async function benchConsume(broker: Broker, run: BenchRun): Promise<Benchmark> {
  const { topic, count, warmup, progress } = run;
  await queuesOf(broker, [topic], undefined);
  if (warmup > 0) {
    progress.begin('warming up', warmup);
    await readAll(broker, run, warmup, new Histogram());
  }
  const latencies = new Histogram();
  const all = progress === NO_PROGRESS ? null : await readableOf(broker, topic);
  progress.begin('reading', all === null ? null : Math.min(all, count));
  const started = stopwatchMs();
  const { messages, bytes } = await readAll(broker, run, count, latencies);
  return result(messages, messages === 0 ? 0 : Math.round(bytes / messages), (stopwatchMs() - started) / 1000, latencies, null);
}

async function readAll(broker: Broker, run: BenchRun, count: number, latencies: Histogram): Promise<{ readonly messages: number; readonly bytes: number }> {
  const { topic, clock, signal, progress } = run;
  let messages = 0;
  let bytes = 0;
  let asked = stopwatchMs();
  const stream = browse(broker, clock, {
    topics: [topic], from: { at: 'first' }, untilEnd: true, suspendMs: 0, signal, onDamage: refuseDamage, batchLimit: () => count - messages,
  });
  for await (const batch of stream) {
    latencies.record((stopwatchMs() - asked) * 1000, batch.length);
    for (const message of batch) bytes += touch(message);
    messages += batch.length;
    progress.update(messages);
    asked = stopwatchMs();
  }
  return { messages, bytes };
}

/** The same through the runtime of a group, with a listener that does nothing: `count` messages behind the `warmup` first ones, or all there are. */
export async function benchConsumeAsGroup(broker: Broker, run: BenchRun & { readonly group: string; readonly settings: PushSettings }): Promise<Benchmark> {
  const { topic, count, warmup, clock, group, settings, progress } = run;
  let latencies = new Histogram();
  let messages = -warmup;
  let bytes = 0;
  progress.begin(warmup > 0 ? 'warming up' : 'consuming', warmup > 0 ? warmup : finiteOrNull(count));
  let startedMs = stopwatchMs();
  let lastMs = startedMs;
  const consume = async (message: Message): Promise<ConsumeOutcome> => {
    if (messages >= count) return 'stop';
    const sizeBytes = touch(message);
    const nowMs = stopwatchMs();
    latencies.record((nowMs - lastMs) * 1000, 1);
    lastMs = nowMs;
    if (++messages > 0) bytes += sizeBytes;
    else if (messages === 0) {
      latencies = new Histogram();
      startedMs = nowMs;
      progress.begin('consuming', finiteOrNull(count));
    }
    if (messages % SLICE === 0) progress.update(messages < 0 ? warmup + messages : messages);
    return 'consumed';
  };
  await consumePushed(broker, clock, {
    ...settings, group, topics: [topic], untilEnd: true, suspendMs: BENCH_SUSPEND_MS, commitIntervalMs: BENCH_COMMIT_MS, autoCommit: true, restMs: 0, signal: run.signal,
    listener: { consume }, onDamage: refuseDamage,
  });
  const measured = Math.max(0, messages);
  return result(measured, measured === 0 ? 0 : Math.round(bytes / measured), measured === 0 ? 0 : (lastMs - startedMs) / 1000, latencies, null);
}

const finiteOrNull = (count: number): number | null => (Number.isFinite(count) ? count : null);

function refuseDamage(report: DamageReport): void {
  throw new MqliteError('DAMAGED', `${report.file} at byte ${report.position}: ${report.reason}`, { hint: 'Check the store with "mqlite store verify".' });
}

/** What the official client makes of a record before it hands it over: properties, body, id and hosts; the other fields are there. [MessageDecoder#decode] */
function touch(message: Message): number {
  const { properties, body, offsetMsgId, bornHost, storeHost } = message;
  return properties === undefined || offsetMsgId === '' || bornHost === '' || storeHost === '' ? 0 : body.length;
}

function result(messages: number, sizeBytes: number, seconds: number, latencies: Histogram, indexedPerSecond: number | null): Benchmark {
  const ms = (fraction: number): number => round(latencies.quantile(fraction) / 1000);
  const perSecond = seconds === 0 ? 0 : messages / seconds;
  const bench: BenchResult = {
    messages, sizeBytes, seconds: round(seconds), messagesPerSecond: Math.round(perSecond),
    indexedMessagesPerSecond: indexedPerSecond === null ? null : Math.round(indexedPerSecond),
    mebibytesPerSecond: round((perSecond * sizeBytes) / 2 ** 20),
    latencyMs: { p50: ms(0.5), p99: ms(0.99), p999: ms(0.999), max: round(latencies.max / 1000) },
  };
  return { bench, latencies };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The result for the eye; on a terminal (`style`) with a histogram of the latencies. */
export function renderBench({ bench, latencies }: Benchmark, style: HistogramStyle | null): string {
  const lines = [
    `messages     ${formatInteger(bench.messages)} of ${formatInteger(bench.sizeBytes)} bytes in ${bench.seconds} s`,
    `throughput   ${formatInteger(bench.messagesPerSecond)} messages/s, ${bench.mebibytesPerSecond} MiB/s`,
  ];
  if (bench.indexedMessagesPerSecond !== null) lines.push(`indexed      ${formatInteger(bench.indexedMessagesPerSecond)} messages/s, until findable by key and closed`);
  const { p50, p99, p999, max } = bench.latencyMs;
  lines.push(`latency ms   p50 ${p50}   p99 ${p99}   p99.9 ${p999}   max ${max}`);
  const text = `${lines.join('\n')}\n`;
  if (style === null || latencies.total === 0) return text;
  const marks = [{ name: 'p50', value: latencies.quantile(0.5) }, { name: 'p99', value: latencies.quantile(0.99) }, { name: 'p99.9', value: latencies.quantile(0.999) }, { name: 'max', value: latencies.max }];
  return `${text}\n${renderHistogram(histogramRows(latencies.buckets(), marks), style)}`;
}
