import { CodecError } from '../base/codec-error.ts';
import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import type { LogQuery, LogRecord } from '../broker/types.ts';
import type { Position } from '../client/positions.ts';
import { matchesTag, parseTagExpression } from '../filter/tags.ts';
import type { Message } from '../record/message.ts';
import type { ReadRun } from './consume.ts';
import { parseExpression } from './expression-error.ts';
import { ReaderGone } from './message-sink.ts';
import { parsePosition } from './position.ts';
import { grepFilter } from './read-flags.ts';
import { ChunkWriter } from './render/chunk-writer.ts';
import { plural } from './render/numbers.ts';
import { logRecordJson, logRecordLine } from './render/log-record.ts';
import { parseDuration } from './time.ts';

export interface TailLogRun extends ReadRun {
  readonly withBody: boolean;
}

type Wanted = (record: LogRecord<Message>) => boolean;

/** `mqlite tail --commitlog`. Errors: USAGE; VERDICT for damaged records and an unmet count; those of the broker. */
export async function tailCommitLog(run: TailLogRun): Promise<void> {
  const { flags, clock, out } = run;
  const from = logStart(parsePosition(flags.from ?? 'last', clock.nowMs(), '--from'));
  const wanted = recordFilter(run);
  const idle = new IdleTimer(clock, flags.timeout === undefined ? undefined : parseDuration(flags.timeout, '--timeout'), run.signal);
  const broker = await run.openBroker();
  const writer = new ChunkWriter(out);
  let printed = 0;
  let damaged = 0;
  idle.restart();
  try {
    for await (const batch of broker.readLog({ from, follow: !flags['until-end'] }, idle.signal)) {
      idle.restart();
      for (const record of batch) {
        if (!wanted(record)) continue;
        printRecord(record, run, writer);
        printed++;
        if (isDamaged(record)) damaged++;
        if (writer.wantsFlush) await writer.flush();
        if (printed === flags.count) break;
      }
      await writer.flush();
      if (out.closed) throw new ReaderGone('standard output is closed');
      if (printed === flags.count) break;
    }
  } catch (error) {
    if (!idle.expired) throw error;
  } finally {
    idle.stop();
  }
  if (run.signal.aborted) return;
  if (damaged > 0) throw new MqliteError('VERDICT', `${plural(damaged, 'damaged record')} in the log`, { hint: 'See what is wrong with "mqlite store verify".' });
  if (flags.count !== undefined && printed < flags.count) throw new MqliteError('VERDICT', `${printed} of ${flags.count} records`, { hint: 'The log ended before --count was reached.' });
}

function isDamaged(record: LogRecord<Message>): boolean {
  return record.recordType === 'damaged' || (record.recordType === 'message' && !record.crcOk);
}

function printRecord(record: LogRecord<Message>, run: TailLogRun, writer: ChunkWriter): void {
  writer.text(`${run.flags.json ? logRecordJson(record, run.withBody) : logRecordLine(record, run.withBody)}\n`);
}

function logStart(position: Position): LogQuery['from'] {
  if (position.at === 'committed') throw new MqliteError('USAGE', '--from committed: the commit log belongs to no group', { hint: 'Use first, last, a commit-log offset, -N or @TIME.' });
  return position.at === 'offset' ? { at: 'offset', commitLogOffset: position.offset } : position;
}

/** With any filter only messages that pass it; without, every record. */
function recordFilter({ topics, flags }: ReadRun): Wanted {
  const tags = flags.tag === undefined ? undefined : parseExpression('--tag', flags.tag, parseTagExpression);
  const grep = grepFilter(flags.grep);
  const names = new Set(topics);
  if (names.size === 0 && tags === undefined && grep === undefined && flags.queue === undefined) return () => true;
  return (record) => {
    if (record.recordType !== 'message') return record.recordType === 'damaged';
    const { message } = record;
    if (names.size > 0 && !names.has(message.topic)) return false;
    if (flags.queue !== undefined && message.queueId !== flags.queue) return false;
    if (tags !== undefined && !matchesTag(tags, message.tags)) return false;
    return grep === undefined || matchesBody(grep, message);
  };
}

/** A body that cannot be decompressed matches: damage is shown, not hidden. */
function matchesBody(grep: RegExp, message: Message): boolean {
  try {
    return grep.test(message.body.toString('utf8'));
  } catch (error) {
    if (error instanceof CodecError) return true;
    throw error;
  }
}

/** A signal that aborts with another, or when `restart` was not called for `idleMs`. */
class IdleTimer {
  readonly #clock: Clock;
  readonly #idleMs: number | undefined;
  readonly #end = new AbortController();
  #running: AbortController | undefined;
  expired = false;

  constructor(clock: Clock, idleMs: number | undefined, outer: AbortSignal) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    if (outer.aborted) this.#end.abort();
    outer.addEventListener('abort', () => this.#end.abort(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  restart(): void {
    if (this.#idleMs === undefined) return;
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    void this.#clock.sleep(this.#idleMs, running.signal).then(() => {
      if (running.signal.aborted) return;
      this.expired = true;
      this.#end.abort();
    });
  }

  stop(): void {
    this.#running?.abort();
  }
}
