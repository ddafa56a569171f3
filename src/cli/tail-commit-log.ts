import { CodecError } from '../base/codec-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { LogQuery, LogRecord } from '../broker/types.ts';
import type { Position } from '../client/positions.ts';
import type { Message } from '../record/message.ts';
import { mapProperties } from '../record/property-source.ts';
import type { ReadRun } from './consume-run.ts';
import { suggestion } from './did-you-mean.ts';
import { ReaderGone } from './message-sink.ts';
import { topicNames } from './name-hints.ts';
import { parsePosition } from '../client/position-words.ts';
import { grepFilter, messageFilter } from './read-flags.ts';
import { ChunkWriter } from './render/chunk-writer.ts';
import { escapeControlInJson } from '../text/escape.ts';
import { formatInteger, plural } from '../text/numbers.ts';
import { logRecordJson, logRecordLine } from '../text/log-record.ts';
import { parseDuration } from '../text/time.ts';

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
  await sayUnknownTopics(broker, run);
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
  if (flags.count !== undefined && printed < flags.count) throw new MqliteError('VERDICT', `${formatInteger(printed)} of ${plural(flags.count, 'record')}`, { hint: 'The log ended before --count was reached.' });
}

/** The log still holds the records of deleted topics: an unknown name is no error here, but it may be a slip. */
async function sayUnknownTopics(broker: Broker, { topics, onNotice }: TailLogRun): Promise<void> {
  if (topics.length === 0) return;
  const known = await topicNames(broker);
  for (const topic of topics.filter((name) => !known.includes(name))) {
    const near = suggestion(topic, known);
    onNotice(`there is no topic ${topic}; only records that the log still holds of it are shown${near === undefined ? '' : ` (${near})`}`);
  }
}

function isDamaged(record: LogRecord<Message>): boolean {
  return record.recordType === 'damaged' || (record.recordType === 'message' && !record.crcOk);
}

function printRecord(record: LogRecord<Message>, run: TailLogRun, writer: ChunkWriter): void {
  if (!run.flags.json) return writer.text(`${logRecordLine(record, run.withBody)}\n`);
  const json = logRecordJson(record, run.withBody);
  writer.text(`${run.out.isTTY ? escapeControlInJson(json) : json}\n`);
}

function logStart(position: Position): LogQuery['from'] {
  if (position.at === 'committed') throw new MqliteError('USAGE', '--from committed: the commit log belongs to no group', { hint: 'Use first, last, a commit-log offset, -N or @TIME.' });
  return position.at === 'offset' ? { at: 'offset', commitLogOffset: position.offset } : position;
}

/** With any filter only messages that pass it; without, every record. */
function recordFilter({ topics, flags }: ReadRun): Wanted {
  const filter = messageFilter(flags);
  const grep = grepFilter(flags.grep);
  const names = new Set(topics);
  if (names.size === 0 && flags.tag === undefined && filter === undefined && grep === undefined && flags.queue === undefined) return () => true;
  return (record) => {
    if (record.recordType !== 'message') return record.recordType === 'damaged';
    const { message } = record;
    if (names.size > 0 && !names.has(message.topic)) return false;
    if (flags.queue !== undefined && message.queueId !== flags.queue) return false;
    if (filter !== undefined && !filter.matches(mapProperties(message.properties))) return false;
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
