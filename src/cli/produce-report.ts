import { ERROR_TABLE, MqliteError } from '../broker/errors.ts';
import type { MessageQueue, SendOutcome } from '../broker/types.ts';
import { describeError } from './error-report.ts';
import type { NumberedMessage } from './produce-input.ts';
import type { ProduceRun } from './produce-run.ts';
import { ChunkWriter } from './render/chunk-writer.ts';
import { queueNamer } from './render/queue-table.ts';
import { formatInteger, formatTime, plural } from '../text/numbers.ts';
import type { Spool } from './spool.ts';

/** Acknowledgements as they come, and the summary. */
export class ProduceReport {
  readonly #run: ProduceRun;
  readonly #spool: Spool | undefined;
  readonly #writer: ChunkWriter;
  #stored = 0;
  /** Of those the ones whose durability was confirmed. */
  #confirmed = 0;
  /** Asked to be delivered at a time that had passed. */
  #past = 0;
  #last: Exclude<SendOutcome, { error: Error }> | undefined;

  /** Why the first message went to the spool. */
  #spooledFor: MqliteError | undefined;

  /** What `outcomes` threw: its message has its line of --json. */
  #thrown: MqliteError | undefined;

  constructor(run: ProduceRun, spool: Spool | undefined) {
    this.#run = run;
    this.#spool = spool;
    this.#writer = new ChunkWriter(run.out);
  }

  /**
   * What could not be stored goes to the spool, where there is one. Otherwise an error: the first failure of the batch, with its line;
   * NOT_CONFIRMED for a status that is not SEND_OK.
   */
  async outcomes(outcomes: readonly SendOutcome[], batch: readonly NumberedMessage[]): Promise<void> {
    const { json } = this.#run.flags;
    const spooled: NumberedMessage[] = [];
    let failure: MqliteError | undefined;
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index]!;
      const message = batch[index]!;
      const { line } = message;
      if ('error' in outcome) {
        if (json) this.#writer.text(errorLine(outcome.error, line, this.#run.topic));
        if (this.canSpool(outcome.error)) {
          spooled.push(message);
          this.#spooledFor ??= withLine(outcome.error, line);
        } else {
          failure ??= withLine(outcome.error, line);
        }
        continue;
      }
      this.#stored++;
      if (outcome.status === 'SEND_OK') this.#confirmed++;
      this.#last = outcome;
      if (message.deliverAtMs !== undefined && outcome.deliverAtMs === undefined) this.#past++;
      if (json) this.#writer.text(ackLine(outcome, line));
      if (outcome.status !== 'SEND_OK') failure ??= new MqliteError('NOT_CONFIRMED', `stored, but ${outcome.status}`, { line, hint: 'The store could not confirm the durability asked for.' });
    }
    this.#spool?.add(spooled, this.#run.clock.nowMs());
    if (json) await this.#writer.flush();
    if (failure === undefined) return;
    this.#thrown ??= failure;
    throw failure;
  }

  /** Not what is wrong with the message itself: it would be wrong from the spool, too. */
  canSpool(error: unknown): error is MqliteError {
    // NOT_FOUND: a queue that its topic does not have.
    return this.#spool !== undefined && error instanceof MqliteError && error.exitCode !== ERROR_TABLE.USAGE.exitCode && error.code !== 'NOT_FOUND';
  }

  /** The target cannot be opened at all. */
  spoolAll(error: MqliteError): void {
    this.#spooledFor ??= error;
  }

  notSent(messages: readonly NumberedMessage[]): void {
    if (this.#run.flags.json) for (const { line } of messages) this.#writer.text(errorLine(this.#spooledFor!, line, this.#run.topic));
    this.#spool!.add(messages, this.#run.clock.nowMs());
  }

  /** What was stored, or kept, before the end that an error is, so that the rest can be sent again. A line that never became a message has its line of --json, too. */
  async failure(error: unknown): Promise<void> {
    if (!this.#run.flags.json) {
      const kept = this.#spool?.count ?? 0;
      if (this.#confirmed + kept > 0) this.#run.notice(`${this.#storedText(this.#confirmed)}${kept > 0 ? `, ${formatInteger(kept)} kept in ${this.#spool!.path}` : ''}`);
      return;
    }
    if (!(error instanceof MqliteError) || error.line === undefined || error === this.#thrown) return;
    this.#writer.text(errorLine(error, error.line, this.#run.topic));
    await this.#writer.flush();
  }

  /** `queuesOf`: all of the topic, among which one is named. Error: why something is in the spool, with what to do about it. */
  async summary(queuesOf: () => Promise<readonly MessageQueue[]>): Promise<void> {
    const { topic, flags, notice } = this.#run;
    await this.#writer.flush();
    const spool = this.#spool;
    if (this.#past > 0 && !flags.oneway) notice(`the time to deliver ${this.#past === 1 ? 'a message' : plural(this.#past, 'message')} had passed: delivered at once`);
    if (this.#spooledFor !== undefined && spool !== undefined) throw inSpool(this.#spooledFor, spool, this.#stored, this.#run);
    if (flags.json) return;
    const last = this.#last;
    if (this.#stored !== 1 || last === undefined || flags.oneway) return notice(this.#storedText(this.#stored));
    const place = `${topic}, ${queueNamer(await queuesOf())(last)}`;
    if (last.deliverAtMs !== undefined) notice(`to be delivered in ${place}, at ${formatTime(last.deliverAtMs)}, id ${last.msgId}`);
    else notice(`stored in ${place}, offset ${last.queueOffset}, id ${last.msgId}`);
  }

  #storedText(count: number): string {
    return `${plural(count, 'message')} ${this.#run.flags.oneway ? 'handed over, not waited for, in' : 'stored in'} ${this.#run.topic}`;
  }
}

function inSpool(reason: MqliteError, spool: Spool, stored: number, { topic, flags }: ProduceRun): MqliteError {
  const keepQueue = flags.queue !== undefined || flags['keep-queue'] ? ' --keep-queue' : '';
  return new MqliteError(reason.code, `${reason.message}; ${plural(stored, 'message')} stored, ${formatInteger(spool.count)} kept in ${spool.path}`, {
    // From another file: a spool of the same name may be needed while it is sent.
    hint: `To send them again: mv ${spool.path} ${spool.path}.again && mqlite produce ${topic} --json-input${keepQueue} --file ${spool.path}.again`,
    ...(reason.line === undefined ? {} : { line: reason.line }),
    cause: reason,
  });
}

function withLine(error: Error, line: number): MqliteError {
  if (!(error instanceof MqliteError)) return new MqliteError('BUG', error.message, { line, cause: error });
  return error.line === undefined ? new MqliteError(error.code, error.message, { line, ...(error.hint === undefined ? {} : { hint: error.hint }), cause: error }) : error;
}

function ackLine(result: Exclude<SendOutcome, { error: Error }>, line: number): string {
  const { status, topic, brokerName, queueId, queueOffset, msgId, offsetMsgId, transactionId, recallHandle } = result;
  return `${JSON.stringify({ line, status, topic, brokerName, queueId, queueOffset, msgId, offsetMsgId, transactionId, recallHandle })}\n`;
}

function errorLine(error: Error, line: number, topic: string): string {
  const { code, exitCode, message, hint } = describeError(error);
  return `${JSON.stringify({ line, topic, error: { code, exitCode, message, hint: hint ?? null } })}\n`;
}
