import { CodecError } from '../base/codec-error.ts';
import { MqliteError } from '../broker/errors.ts';
import type { DamageReport } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { MessagePrinter } from './message-printer.ts';
import type { Output } from './output.ts';
import { ChunkWriter } from './render/chunk-writer.ts';
import { formatInteger, plural } from '../text/numbers.ts';

/** Thrown when the reader of stdout has gone: an end, not a failure. */
export class ReaderGone extends Error {
  override readonly name = 'AbortError';
}

export interface SinkOptions {
  readonly out: Output;
  readonly printer: MessagePrinter;
  readonly grep: RegExp | undefined;
  /** Most messages to print. */
  readonly count: number | undefined;
  /** A damaged record, in words. */
  readonly onDamage: (text: string) => void;
}

/** Prints messages, counts them, and judges the result at the end. */
export class MessageSink {
  readonly #options: SinkOptions;
  readonly #writer: ChunkWriter;
  #printed = 0;
  #damaged = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#writer = new ChunkWriter(options.out);
  }

  get printed(): number {
    return this.#printed;
  }

  /** Messages that went elsewhere count too. */
  add(count: number): void {
    this.#printed += count;
  }

  /** How many more may be printed. */
  readonly remaining = (): number => (this.#options.count === undefined ? Infinity : this.#options.count - this.#printed);

  /** Resolves once the batch is written out. Error: ReaderGone. */
  readonly print = async (batch: readonly Message[]): Promise<void> => {
    const { grep, printer, out } = this.#options;
    const writer = this.#writer;
    for (const message of batch) {
      try {
        if (grep !== undefined && !grep.test(message.body.toString('utf8'))) continue;
        printer(message, writer);
        this.#printed++;
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        this.damageIn(message, error.message);
      }
      if (writer.wantsFlush) await writer.flush();
    }
    await writer.flush();
    if (out.closed) throw new ReaderGone('standard output is closed');
  };

  readonly damage = (report: DamageReport): void => {
    this.#damaged++;
    const place = report.queue === null ? '' : `${report.queue.topic}/${report.queue.queueId}@${report.queueOffset ?? '?'}, `;
    this.#options.onDamage(`damaged record skipped: ${place}${report.file} at byte ${report.position}: ${report.reason}`);
  };

  damageIn(message: Message, reason: string): void {
    this.#damaged++;
    this.#options.onDamage(`damaged record skipped: ${message.topic}/${message.queueId}@${message.queueOffset}, commit-log offset ${message.commitLogOffset}: ${reason}`);
  }

  /** Errors: VERDICT for records skipped, and for fewer messages than asked for. */
  judge(): void {
    if (this.#damaged > 0) throw new MqliteError('VERDICT', `${plural(this.#damaged, 'damaged record')} skipped`, { hint: 'See what is wrong with "mqlite store verify".' });
    const { count } = this.#options;
    if (count !== undefined && this.#printed < count) throw new MqliteError('VERDICT', `${formatInteger(this.#printed)} of ${plural(count, 'message')}`, { hint: 'The stream ended before --count was reached.' });
  }
}
