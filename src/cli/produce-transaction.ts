import { createReadStream, openSync } from 'node:fs';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { EndTransactionRequest, SendOutcome, SendResult, TransactionDecision } from '../broker/types.ts';
import { Producer } from '../client/producer.ts';
import type { ProducerOptions } from '../client/producer.ts';
import type { HostInput } from './host.ts';
import { InputCopy } from './input-copy.ts';
import { naming } from './named-files.ts';
import type { MessageTemplate, NumberedMessage } from './produce-input.ts';
import { ProduceReport } from './produce-report.ts';
import { openSource } from './produce-source.ts';
import type { ProduceFlags, ProduceRun } from './produce-run.ts';
import { ProduceTarget } from './produce-target.ts';
import { commandSpec } from './run-command.ts';
import { commandChecker, noChecks } from './transaction-checker.ts';

type SendOptions = Omit<ProducerOptions<NumberedMessage>, 'broker' | 'onOutcomes'>;

/** A half message that was stored, and the message it came from. */
interface StoredHalf {
  readonly message: NumberedMessage;
  readonly result: SendResult;
}

const DELAY_FLAGS = ['delay-level', 'delay', 'deliver-at'];

/** Message and hint for flags that make no sense together. */
export function transactionConflict(flags: ProduceFlags): readonly [message: string, hint: string] | undefined {
  if (!flags.transaction) {
    const needing = flags.check !== undefined ? '--check' : flags.group !== undefined ? '--group' : undefined;
    return needing === undefined ? undefined : [`${needing} needs --transaction`, 'A producer group is asked about transactions and about nothing else.'];
  }
  if (flags.oneway) return ['--transaction and --oneway exclude each other', 'A transaction is decided once every message of it is known to be stored.'];
  if (flags.spool !== undefined) return ['--transaction and --spool exclude each other', 'A transaction is stored as a whole or not at all.'];
  const delay = DELAY_FLAGS.find((name) => (flags as unknown as Record<string, unknown>)[name] !== undefined);
  return delay === undefined ? undefined : [`--transaction and --${delay} exclude each other`, 'RocketMQ has no delayed transactional messages.'];
}

/**
 * All of the input or nothing. It is read and checked to its end before anything is stored; then come the half messages, then one decision.
 * A process killed before the decision leaves nothing that anybody sees; killed after it, the next one that writes there goes on.
 */
export async function produceTransaction(run: ProduceRun, template: MessageTemplate, options: SendOptions): Promise<void> {
  const producerGroup = run.flags.group ?? run.settings.text('producerGroup');
  const report = new ProduceReport(run, undefined);
  const source = new TwiceReadSource(run, template, producerGroup);
  const target = new ProduceTarget(run);
  try {
    const early = run.flags.check === undefined ? undefined : await target.openEarly();
    let checks = early === undefined ? undefined : new LiveChecks(early, producerGroup, run);
    let first: NumberedMessage | undefined;
    try {
      first = await source.readToEnd((messages) => target.check(messages, false));
    } catch (error) {
      await report.failure(error);
      throw error;
    }
    checks?.throwFailure();
    if (run.signal.aborted) return;
    if (first !== undefined) {
      if (early === undefined) await target.openEarly();
      const broker = await target.openFor(first);
      if (run.flags.check !== undefined) checks ??= new LiveChecks(broker, producerGroup, run);
      await sendAndDecide(broker, source, report, run, options, producerGroup);
    }
    await checks?.finish();
  } finally {
    source.close();
  }
  await report.summary(() => target.queues());
}

async function sendAndDecide(broker: Broker, source: TwiceReadSource, report: ProduceReport, run: ProduceRun, options: SendOptions, producerGroup: string): Promise<void> {
  const halves: StoredHalf[] = [];
  try {
    await sendHalves(broker, source, halves, options);
  } catch (error) {
    await decide(broker, halves, producerGroup, 'rollback').catch((failure: unknown) => {
      run.notice(`the ${halves.length} half messages stored so far are pending, see "mqlite tx list": ${(failure as Error).message}`);
    });
    await report.failure(error);
    throw error;
  }
  if (run.signal.aborted) {
    await decide(broker, halves, producerGroup, 'rollback');
    return;
  }
  const outcomes = await commit(broker, halves, producerGroup, run);
  const shown = outcomes.map((outcome, index): SendOutcome => (outcome === null || 'error' in outcome ? outcome ?? { error: notCommitted() } : { ...plain(outcome), transactionId: halves[index]!.result.transactionId }));
  try {
    await report.outcomes(shown, halves.map(({ message }) => message));
  } catch (error) {
    await report.failure(error);
    throw error;
  }
}

/** Fields of results are getters in places. */
const plain = ({ status, topic, brokerName, queueId, queueOffset, msgId, offsetMsgId }: SendResult): SendResult => ({ status, topic, brokerName, queueId, queueOffset, msgId, offsetMsgId });

const notCommitted = (): MqliteError => new MqliteError('REFUSED', 'rolled back by somebody else meanwhile');

async function sendHalves(broker: Broker, source: TwiceReadSource, halves: StoredHalf[], options: SendOptions): Promise<void> {
  const producer = new Producer<NumberedMessage>({
    ...options,
    broker,
    onOutcomes: (outcomes, batch) => {
      let failure: MqliteError | undefined;
      outcomes.forEach((outcome, index) => {
        if (!('error' in outcome)) halves.push({ message: batch[index]!, result: outcome });
        else failure ??= withLine(outcome.error, batch[index]!.line);
      });
      if (failure !== undefined) throw failure;
    },
  });
  for await (const messages of source.again()) await producer.add(messages);
  await producer.finish();
}

function withLine(error: Error, line: number): MqliteError {
  const { code, hint } = error instanceof MqliteError ? error : { code: 'BUG' as const, hint: undefined };
  return new MqliteError(code, `${error.message}; the transaction is rolled back`, { line, hint: hint ?? 'Nothing of it is visible.', cause: error });
}

function decide(broker: Broker, halves: readonly StoredHalf[], producerGroup: string, decision: TransactionDecision): Promise<(SendOutcome | null)[]> {
  return broker.endTransactions(requestsFor(halves, producerGroup, decision));
}

function requestsFor(halves: readonly StoredHalf[], producerGroup: string, decision: TransactionDecision): EndTransactionRequest[] {
  return halves.map(({ result }) => ({
    topic: result.topic, transactionId: result.transactionId!, offsetMsgId: result.offsetMsgId, queueOffset: result.queueOffset, producerGroup, decision,
  }));
}

/** A store makes one decision of it. A cluster is told of each message: what is decided is on disk before the first, so that a later command can go on. */
async function commit(broker: Broker, halves: readonly StoredHalf[], producerGroup: string, { decisionDirectory, notice }: ProduceRun): Promise<(SendOutcome | null)[]> {
  if (decisionDirectory === undefined) return decide(broker, halves, producerGroup, 'commit');
  const [{ DecisionNote }, { isFinal }] = await Promise.all([import('./decision-note.ts'), import('./commands/resume-transactions.ts')]);
  const note = await DecisionNote.write(decisionDirectory, requestsFor(halves, producerGroup, 'commit'));
  notice('a cluster commits each message by itself: consumers may see the first ones before the last');
  let isDone = false;
  try {
    const outcomes = await broker.endTransactions(note.requests);
    isDone = outcomes.every(isFinal);
    return outcomes;
  } finally {
    if (isDone) note.done();
    else {
      note.leave();
      notice('not every message could be committed; "mqlite tx commit --resume" goes on with it');
    }
  }
}

/** The messages of the input, first to be checked, then to be sent. */
class TwiceReadSource {
  readonly #run: ProduceRun;
  readonly #template: MessageTemplate;
  readonly #producerGroup: string;
  readonly #copy: InputCopy | undefined;

  constructor(run: ProduceRun, template: MessageTemplate, producerGroup: string) {
    this.#run = run;
    this.#template = template;
    this.#producerGroup = producerGroup;
    const isOne = run.body !== undefined || (run.flags.file !== undefined && !run.flags['json-input']);
    this.#copy = isOne ? undefined : new InputCopy();
  }

  /** The first message; undefined: there is none. Errors: those of a line that is no message, or none that can be sent. */
  async readToEnd(check: (messages: readonly NumberedMessage[]) => Promise<void>): Promise<NumberedMessage | undefined> {
    const { flags, stdin } = this.#run;
    const { file } = flags;
    const copy = this.#copy;
    const input = (): HostInput => (file === undefined ? stdin : createReadStream(file, { fd: naming(`--file ${file}`, () => openSync(file, 'r')) }));
    const messages = openSource(copy === undefined ? this.#run : this.#reading(copy.keeping(input())), this.#template);
    let first: NumberedMessage | undefined;
    for await (const batch of messages) {
      first ??= batch[0];
      await check(batch.map((message) => this.#half(message)));
    }
    return first;
  }

  #half(message: NumberedMessage): NumberedMessage {
    return { ...message, transactional: true, producerGroup: this.#producerGroup };
  }

  async *again(): AsyncGenerator<NumberedMessage[]> {
    const messages = openSource(this.#copy === undefined ? this.#run : this.#reading(this.#copy.read()), this.#template);
    for await (const batch of messages) yield batch.map((message) => this.#half(message));
  }

  close(): void {
    this.#copy?.close();
  }

  #reading(stdin: HostInput): ProduceRun {
    return { ...this.#run, stdin, flags: { ...this.#run.flags, file: undefined } };
  }
}

/** Answers check-backs of the group for as long as the command lives. */
class LiveChecks {
  readonly #broker: Broker;
  readonly #group: string;
  readonly #signal: AbortSignal;
  readonly #checker: ReturnType<typeof commandChecker>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failure: { readonly error: unknown } | undefined;

  constructor(broker: Broker, group: string, { flags, signal, notice }: ProduceRun) {
    this.#broker = broker;
    this.#group = group;
    this.#signal = signal;
    this.#checker = commandChecker('--check', commandSpec('--check', flags.check!, []), signal, { counts: noChecks(), detail: notice });
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    this.#running = broker.checkTransactions(group, this.#checker, this.#stop.signal).catch((error: unknown) => {
      this.#failure = { error };
    });
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Once more over what has become due. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.throwFailure();
    await this.#broker.checkTransactions(this.#group, this.#checker, this.#signal, { once: true });
  }
}
