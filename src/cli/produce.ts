import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { CompressionName } from '../broker/types.ts';
import { Producer } from '../client/producer.ts';
import type { ProducerOptions } from '../client/producer.ts';
import type { RetryPolicy } from '../client/send-retry.ts';
import type { MessageTemplate, NumberedMessage } from './produce-input.ts';
import { ProduceReport } from './produce-report.ts';
import type { ProduceRun } from './produce-run.ts';
import { openSource } from './produce-source.ts';
import type { MessageSource } from './produce-source.ts';
import { ProduceTarget } from './produce-target.ts';
import { produceTransaction, transactionConflict } from './produce-transaction.ts';
import type { SettingValues } from './settings.ts';
import { Spool } from './spool.ts';
import { parseDuration, parseRate, parseTime } from '../text/time.ts';

/** `mqlite produce`. Errors: USAGE, INVALID_INPUT, MESSAGE_ILLEGAL with their line; NOT_CONFIRMED; those of the broker. */
export async function produce(run: ProduceRun): Promise<void> {
  try {
    await sendAll(run);
  } catch (error) {
    throw isOneMessage(run) ? withoutLine(error) : error;
  }
}

async function sendAll(run: ProduceRun): Promise<void> {
  refuseConflicts(run);
  const template = makeTemplate(run);
  if (run.flags.transaction) return produceTransaction(run, template, producerOptions(run));
  const options = producerOptions(run);
  const source = openSource(run, template);
  const spool = run.flags.spool === undefined ? undefined : Spool.open(run.flags.spool);
  const report = new ProduceReport(run, spool);
  const target = new ProduceTarget(run);
  try {
    if (await orSpool(report, async () => void (await target.openEarly()))) await sendFrom(source, target, options, report, run);
    else for await (const messages of source) report.notSent(messages);
  } finally {
    spool?.close();
  }
  await report.summary(() => target.queues());
}

type SendOptions = Omit<ProducerOptions<NumberedMessage>, 'broker' | 'onOutcomes'>;

/** RocketMQ takes the highest level for one beyond it, without a word. [HookUtils#transformDelayLevelMessage] */
async function tellOfLevel(broker: Broker, { flags, notice }: ProduceRun): Promise<void> {
  const level = flags['delay-level'] ?? 0;
  if (level === 0 || broker.kind !== 'local') return;
  const highest = Math.max(...(await broker.delayProgress()).levels.map((known) => known.level));
  if (level > highest) notice(`there is no delay level ${level}: RocketMQ takes the highest, ${highest} (see "mqlite delay levels")`);
}

async function sendFrom(source: MessageSource, target: ProduceTarget, options: SendOptions, report: ProduceReport, run: ProduceRun): Promise<void> {
  let producer: Producer<NumberedMessage> | undefined;
  let isReady: boolean | undefined;
  try {
    for await (const messages of source) {
      if (messages.length === 0) continue;
      isReady ??= await orSpool(report, async () => {
        const broker = await target.openFor(messages[0]!);
        await tellOfLevel(broker, run);
        producer = new Producer<NumberedMessage>({ ...options, broker, onOutcomes: (outcomes, batch) => report.outcomes(outcomes, batch) });
      });
      if (isReady) await producer!.add(messages);
      else report.notSent(messages);
      if (run.signal.aborted) break;
    }
    await producer?.finish();
  } catch (error) {
    // What stands before a bad line, and what is under way when a send fails, is acknowledged first. A send that fails before a bad line is what ended it.
    const reason: unknown = await producer?.finish().catch((failure: unknown) => failure) ?? error;
    await report.failure(reason);
    throw reason;
  }
}

/** false: it failed, and there is a spool that takes what is to be sent. */
async function orSpool(report: ProduceReport, action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (!report.canSpool(error)) throw error;
    report.spoolAll(error);
    return false;
  }
}

function producerOptions(run: ProduceRun): SendOptions {
  return {
    clock: run.clock,
    send: { createTopic: false },
    batchSize: run.flags.batch,
    inFlight: inFlightOf(run),
    inFlightBytes: run.settings.integer('backPressureForAsyncSendSize'),
    ratePerSecond: run.flags.rate === undefined ? undefined : parseRate(run.flags.rate, '--rate'),
    retry: retryPolicy(run),
    oneway: run.flags.oneway,
  };
}

/** Several sends under way at once are asynchronous ones: their further attempts stay on the same broker, or the order would be anybody's guess. */
function retryPolicy(run: ProduceRun): RetryPolicy {
  const { flags, settings } = run;
  const isAsync = inFlightOf(run) > flags.batch;
  const retriesUnconfirmed = flags['retry-another-broker'] || settings.boolean('retryAnotherBrokerWhenNotStoreOK');
  return {
    retries: flags.oneway ? 0 : flags.retries ?? settings.integer(isAsync ? 'retryTimesWhenSendAsyncFailed' : 'retryTimesWhenSendFailed'),
    changesBroker: !isAsync,
    retriesUnconfirmed: retriesUnconfirmed && !isAsync,
    timeoutMs: flags.timeout === undefined ? settings.integer('sendMsgTimeout') : sendTimeout(flags.timeout),
  };
}

function sendTimeout(text: string): number {
  const timeoutMs = parseDuration(text, '--timeout');
  if (timeoutMs === 0) throw new MqliteError('USAGE', `--timeout ${text}: no send ends in no time`, { hint: 'For example --timeout 3s.' });
  return timeoutMs;
}

const inFlightOf = ({ flags, settings }: ProduceRun): number => flags['in-flight'] ?? settings.integer('backPressureForAsyncSendNum');

/** BODY or a whole file: there are no lines to number. */
function isOneMessage({ body, flags }: ProduceRun): boolean {
  return body !== undefined || (flags.file !== undefined && !flags['json-input']);
}

function withoutLine(error: unknown): unknown {
  if (!(error instanceof MqliteError) || error.line === undefined) return error;
  return new MqliteError(error.code, error.message, { ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error.cause });
}

function refuseConflicts({ flags, body, stdin }: ProduceRun): void {
  const refuse = (message: string, hint: string): never => {
    throw new MqliteError('USAGE', message, { hint });
  };
  if (flags.tag === '') refuse('--tag is empty', 'Leave it out for messages without a tag.');
  for (const key of flags.key ?? []) {
    if (key === '') refuse('--key is empty', 'Leave it out for messages without a key.');
    if (key.includes(' ')) refuse(`--key "${key}" has a space, which separates keys in RocketMQ`, 'Give each key its own --key.');
  }
  if (body === '') refuse('BODY is empty, and RocketMQ refuses empty bodies', 'Leave BODY out to read standard input, a message a line.');
  if (body !== undefined && flags.file !== undefined) refuse('BODY and --file exclude each other', 'Give one of them.');
  if (body !== undefined && flags['json-input']) refuse('BODY and --json-input exclude each other', 'Lines of JSON are read from standard input or --file.');
  if ((flags['keep-id'] || flags['keep-queue']) && !flags['json-input']) refuse('--keep-id and --keep-queue need --json-input', 'Only lines of JSON bring an id and a queue.');
  if (flags.queue !== undefined && flags['keep-queue']) refuse('--queue and --keep-queue exclude each other', 'Give one of them.');
  if (flags.queue !== undefined && flags['sharding-key'] !== undefined) refuse('--queue and --sharding-key exclude each other', 'Both choose the queue: give one of them.');
  const delays = (['delay-level', 'delay', 'deliver-at'] as const).filter((name) => flags[name] !== undefined).map((name) => `--${name}`);
  if (delays.length > 1) refuse(`${delays.join(' and ')} exclude each other`, 'A message is delayed in one way: give one of them.');
  if (flags.oneway && flags.json) refuse('--oneway and --json exclude each other', '--json prints acknowledgements, --oneway does not wait for them.');
  if (flags.oneway && flags.retries !== undefined) refuse('--oneway and --retries exclude each other', 'What is not waited for is not tried again.');
  if (flags.oneway && flags.flush === 'sync') refuse('--oneway and --flush sync exclude each other', 'Waiting for the disk means waiting for an acknowledgement.');
  const conflict = transactionConflict(flags);
  if (conflict !== undefined) refuse(...conflict);
  if (body === undefined && flags.file === undefined && stdin.isTTY === true) {
    refuse('no BODY, and standard input is a terminal', 'Write the body as second argument, or pipe lines in: echo hello | mqlite produce TOPIC');
  }
}

function makeTemplate({ topic, flags, settings, clock }: ProduceRun): MessageTemplate {
  return {
    nowMs: () => clock.nowMs(),
    delay: {
      delayLevel: flags['delay-level'],
      delayMs: flags.delay === undefined ? undefined : parseDuration(flags.delay, '--delay'),
      deliverAtMs: flags['deliver-at'] === undefined ? undefined : parseTime(flags['deliver-at'], clock.nowMs(), '--deliver-at'),
    },
    topic,
    tags: flags.tag,
    keys: flags.key,
    properties: flags.property === undefined ? undefined : parseProperties(flags.property),
    queueId: flags.queue,
    shardingKey: flags['sharding-key'],
    compressor: chooseCompressor(flags.compress, settings),
    keepId: flags['keep-id'],
    keepQueue: flags['keep-queue'],
    maxBodyBytes: settings.integer('maxMessageSize'),
  };
}

function parseProperties(pairs: readonly string[]): Record<string, string> {
  const properties: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new MqliteError('USAGE', `--property ${pair}: NAME=VALUE expected`, { hint: 'For example --property region=eu.' });
    properties[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return properties;
}

/** `--compress` compresses every body; the Java client's settings compress those that are large enough. */
function chooseCompressor(flag: string | undefined, settings: SettingValues): MessageTemplate['compressor'] {
  if (flag !== undefined) return () => flag as CompressionName;
  if (!settings.isGiven('compressType') && !settings.isGiven('compressMsgBodyOverHowmuch')) return () => undefined;
  const type = settings.text('compressType').toLowerCase() as CompressionName;
  const fromBytes = settings.integer('compressMsgBodyOverHowmuch');
  return (body) => (body.length >= fromBytes ? type : undefined);
}
