import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import type { LogQuery, LogRecord } from '../broker/types.ts';
import { recordProblem } from '../record/check.ts';
import { decodeRecord } from '../record/decode.ts';
import { MAGIC_BLANK, MAGIC_CODE, MIN_BLANK_BYTES } from '../record/layout.ts';
import type { Message } from '../record/message.ts';
import { tagsCode, tagsHash } from '../record/tags.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { VIEW_MESSAGE_BY_ID } from '../wire/requests/query-message.ts';
import type { Cluster, Master } from './cluster.ts';
import { asItComes, mergeByStoreTime } from './log-merge.ts';
import { runtimeInfo } from './runtime-info.ts';

type Record_ = LogRecord<Message>;

/** Records given out together, at most. */
const BATCH = 64;
/** How often a follower looks at the end of the log, in ms. */
const POLL_MS = 100;
/** So often a follower that is behind looks whether it comes nearer, in ms; if not, it jumps to the newest record and says what it left out. */
const BEHIND_LOOK_MS = 500;
/** Between two attempts at a broker that is gone, in ms. */
const GONE_MS = 1000;

interface LogEnds {
  readonly min: number;
  readonly max: number;
}

/**
 * The commit logs of the masters, record by record: a broker shows the record at an offset, and the next begins where that one ends. There is no other
 * way to see it from afar, and no way back: the last N and a time are found by walking from the start. Of several masters the logs are merged by
 * store time, and each record names its broker. Errors: UNSUPPORTED for an offset where there are several logs.
 */
export async function* walkLog(cluster: Cluster, query: LogQuery, onNotice: (text: string) => void, signal?: AbortSignal): AsyncGenerator<Record_[]> {
  const masters = await cluster.masters();
  const logs = masters.map((master) => new LogWalk(cluster, master, onNotice, signal));
  if (logs.length === 1) {
    yield* logs[0]!.past(query.from);
    if (query.follow) yield* logs[0]!.follow();
    return;
  }
  const { from } = query;
  if (from.at === 'offset') {
    throw new MqliteError('UNSUPPORTED', `${from.commitLogOffset} is a place in the log of one broker; the cluster has ${masters.length}, each with a log of its own`, { hint: 'Begin at first, last, -N or @TIME.' });
  }
  const past = mergeByStoreTime(logs.map((log) => log.past(from)), BATCH);
  if (from.at === 'lastN') yield* lastOf(past, from.count);
  else for await (const batch of past) yield batch.map(withBroker);
  if (query.follow) for await (const batch of asItComes(logs.map((log) => log.followThroughAbsence()))) yield batch.map(withBroker);
}

async function* lastOf(past: AsyncIterable<Record_[]>, count: number): AsyncGenerator<Record_[]> {
  let kept: Record_[] = [];
  if (count > 0) for await (const batch of past) kept = [...kept, ...batch].slice(-count);
  if (kept.length > 0) yield kept.map(withBroker);
}

const withBroker = (record: Record_): Record_ => (record.recordType === 'message' ? { ...record, brokerName: record.message.brokerName } : record);

class LogWalk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #master: Master;
  readonly #onNotice: (text: string) => void;
  readonly #signal: AbortSignal | undefined;
  /** Up to here it was given out. */
  #end = 0;

  constructor(cluster: Cluster, master: Master, onNotice: (text: string) => void, signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#clock = cluster.client.options.clock;
    this.#master = master;
    this.#onNotice = onNotice;
    this.#signal = signal;
  }

  /** What is there by now. */
  async *past(from: LogQuery['from']): AsyncGenerator<Record_[]> {
    const ends = await this.#ends();
    this.#end = ends.max;
    if (from.at === 'lastN') return yield* this.#lastN(ends, from.count);
    const start = from.at === 'first' || from.at === 'time' ? ends.min : from.at === 'last' ? ends.max : from.commitLogOffset;
    const isWanted = from.at === 'time' ? (record: Record_): boolean => record.recordType === 'message' && record.message.storeTimestamp >= from.timestamp : () => true;
    let isOn = from.at !== 'time';
    for await (const batch of this.#walk(start, ends.max)) {
      this.#end = Math.max(this.#end, endOf(batch));
      const kept = isOn ? batch : batch.slice(Math.max(0, batch.findIndex(isWanted)), batch.some(isWanted) ? undefined : 0);
      isOn ||= kept.length > 0;
      if (kept.length > 0) yield kept;
    }
  }

  async *#lastN({ min, max }: LogEnds, count: number): AsyncGenerator<Record_[]> {
    let kept: Record_[] = [];
    if (count > 0) for await (const batch of this.#walk(min, max)) kept = [...kept, ...batch].slice(-count);
    if (kept.length > 0) yield kept;
  }

  /** As `follow`; while the broker is gone there is nothing, and the others go on. Said once each time. */
  async *followThroughAbsence(): AsyncGenerator<Record_[]> {
    for (let isTold = false; this.#signal?.aborted !== true; await this.#clock.sleep(GONE_MS, this.#signal)) {
      try {
        for await (const batch of this.follow()) {
          isTold = false;
          yield batch;
        }
      } catch (error) {
        if (!isGone(error)) throw error;
        if (!isTold) this.#onNotice(`${error.message}; its log is left out until it is there again`);
        isTold = true;
      }
    }
  }

  /** What comes behind the past, or what was followed before, until the signal aborts. */
  async *follow(): AsyncGenerator<Record_[]> {
    for (; this.#signal?.aborted !== true; await this.#clock.sleep(POLL_MS, this.#signal)) {
      // How far the end was when it was last looked for. Clocks of brokers are not ours: only bytes tell who is faster.
      let look = { atMs: this.#clock.elapsedMs(), bytes: Infinity };
      // To where nothing is yet.
      for await (const batch of this.#walk(this.#end, Infinity)) {
        this.#end = endOf(batch);
        yield batch;
        if (this.#clock.elapsedMs() - look.atMs < BEHIND_LOOK_MS) continue;
        const newest = (await this.#ends()).max;
        const behindBytes = newest - this.#end;
        if (behindBytes > 0 && behindBytes >= look.bytes) {
          this.#onNotice(`more is stored than can be shown: ${behindBytes} bytes of the log of ${this.#master.brokerName} are left out, from ${this.#end} to ${newest}`);
          this.#end = newest;
          break;
        }
        look = { atMs: this.#clock.elapsedMs(), bytes: behindBytes };
      }
    }
  }

  async *#walk(start: number, end: number): AsyncGenerator<Record_[]> {
    let batch: Record_[] = [];
    for (let at = start; at < end && this.#signal?.aborted !== true;) {
      const record = await this.#record(at);
      if (record === null) break;
      batch.push(record);
      at += record.sizeBytes;
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** null: nothing can be read there. */
  async #record(commitLogOffset: number): Promise<Record_ | null> {
    const { brokerName, address } = this.#master;
    const { code, body } = await this.#cluster.askAt(brokerName, address, VIEW_MESSAGE_BY_ID, { offset: commitLogOffset }, null);
    if (code !== RESPONSE_CODE.SUCCESS || body === null || body.length < MIN_BLANK_BYTES) return null;
    const sizeBytes = body.readInt32BE(0);
    if (sizeBytes < MIN_BLANK_BYTES) return null;
    if (body.readInt32BE(MAGIC_CODE) === MAGIC_BLANK) return { recordType: 'blank', commitLogOffset, sizeBytes, brokerName };
    const problem = recordProblem(body, 0, Math.min(sizeBytes, body.length), false);
    if (problem !== null) return { recordType: 'damaged', commitLogOffset, sizeBytes, reason: problem, brokerName };
    const message = decodeRecord(body, 0, brokerName);
    return { recordType: 'message', commitLogOffset, sizeBytes, tagsCode: tagsCode(tagsHash(message.tags)), crcOk: message.crcOk(), message };
  }

  async #ends(): Promise<LogEnds> {
    const table = await runtimeInfo(this.#cluster, this.#master, this.#signal);
    const [min, max] = [Number(table['commitLogMinOffset']), Number(table['commitLogMaxOffset'])];
    if (Number.isSafeInteger(min) && Number.isSafeInteger(max)) return { min: Math.max(0, min), max };
    throw new MqliteError('UNSUPPORTED', `broker ${this.#master.brokerName} does not tell where its commit log begins and ends`);
  }
}

const endOf = (batch: readonly Record_[]): number => batch.at(-1)!.commitLogOffset + batch.at(-1)!.sizeBytes;
