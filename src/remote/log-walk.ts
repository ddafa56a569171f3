import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import type { LogQuery, LogRecord } from '../broker/types.ts';
import { recordProblem } from '../record/check.ts';
import { decodeRecord } from '../record/decode.ts';
import { MAGIC_BLANK, MAGIC_CODE, MIN_BLANK_BYTES } from '../record/layout.ts';
import type { Message } from '../record/message.ts';
import { tagsCode, tagsHash } from '../record/tags.ts';
import type { KVTable } from '../wire/body/route.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { GET_BROKER_RUNTIME_INFO } from '../wire/requests/broker-admin.ts';
import { VIEW_MESSAGE_BY_ID } from '../wire/requests/query-message.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster, Master } from './cluster.ts';

type Record_ = LogRecord<Message>;

/** Records given out together, at most. */
const BATCH = 64;
/** How often a follower looks at the end of the log, in ms. */
const POLL_MS = 100;
/** Behind by more than this, a follower jumps to the newest record and says what it left out. */
const MAX_BEHIND_MS = 1000;
const RUNTIME_TIMEOUT_MS = 5000;

interface LogEnds {
  readonly min: number;
  readonly max: number;
}

/**
 * The commit log of the one master, record by record: a broker shows the record at an offset, and the next begins where that one ends. There is no other
 * way to see it from afar, and no way back: the last N and a time are found by walking from the start. Errors: UNSUPPORTED for several masters.
 */
export async function* walkLog(cluster: Cluster, query: LogQuery, onNotice: (text: string) => void, signal?: AbortSignal): AsyncGenerator<Record_[]> {
  const masters = await cluster.masters();
  if (masters.length > 1) {
    throw new MqliteError('UNSUPPORTED', `the cluster has ${masters.length} masters, each with a commit log of its own; this version shows that of a cluster of one`, { hint: 'Follow topics instead: mqlite tail TOPIC.' });
  }
  yield* new LogWalk(cluster, masters[0]!, onNotice, signal).run(query);
}

class LogWalk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #master: Master;
  readonly #onNotice: (text: string) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(cluster: Cluster, master: Master, onNotice: (text: string) => void, signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#clock = cluster.client.options.clock;
    this.#master = master;
    this.#onNotice = onNotice;
    this.#signal = signal;
  }

  async *run({ from, follow }: LogQuery): AsyncGenerator<Record_[]> {
    const ends = await this.#ends();
    if (from.at === 'lastN') {
      yield* this.#lastN(ends, from.count);
      if (follow) yield* this.#follow(ends.max);
      return;
    }
    const start = from.at === 'first' || from.at === 'time' ? ends.min : from.at === 'last' ? ends.max : from.commitLogOffset;
    const isWanted = from.at === 'time' ? (record: Record_): boolean => record.recordType === 'message' && record.message.storeTimestamp >= from.timestamp : () => true;
    let isOn = from.at !== 'time';
    let at = start;
    for await (const batch of this.#walk(start, ends.max)) {
      at = endOf(batch);
      const kept = isOn ? batch : batch.slice(Math.max(0, batch.findIndex(isWanted)), batch.some(isWanted) ? undefined : 0);
      isOn ||= kept.length > 0;
      if (kept.length > 0) yield kept;
    }
    if (follow) yield* this.#follow(Math.max(at, ends.max));
  }

  async *#lastN({ min, max }: LogEnds, count: number): AsyncGenerator<Record_[]> {
    let kept: Record_[] = [];
    if (count > 0) for await (const batch of this.#walk(min, max)) kept = [...kept, ...batch].slice(-count);
    if (kept.length > 0) yield kept;
  }

  /** What comes behind `start`, until the signal aborts. */
  async *#follow(start: number): AsyncGenerator<Record_[]> {
    for (let at = start; this.#signal?.aborted !== true; await this.#clock.sleep(POLL_MS, this.#signal)) {
      // To where nothing is yet.
      for await (const batch of this.#walk(at, Infinity)) {
        at = endOf(batch);
        yield batch;
        const last = batch.at(-1)!;
        const behindMs = last.recordType === 'message' ? this.#clock.nowMs() - last.message.storeTimestamp : 0;
        if (behindMs <= MAX_BEHIND_MS) continue;
        const newest = (await this.#ends()).max;
        if (newest > at) this.#onNotice(`more is stored than can be shown: ${newest - at} bytes of the log of ${this.#master.brokerName} are left out, from ${at} to ${newest}`);
        at = Math.max(at, newest);
        break;
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
    if (body.readInt32BE(MAGIC_CODE) === MAGIC_BLANK) return { recordType: 'blank', commitLogOffset, sizeBytes };
    const problem = recordProblem(body, 0, Math.min(sizeBytes, body.length), false);
    if (problem !== null) return { recordType: 'damaged', commitLogOffset, sizeBytes, reason: problem };
    const message = decodeRecord(body, 0, brokerName);
    return { recordType: 'message', commitLogOffset, sizeBytes, tagsCode: tagsCode(tagsHash(message.tags)), crcOk: message.crcOk(), message };
  }

  async #ends(): Promise<LogEnds> {
    const { table } = await this.#runtimeInfo();
    const [min, max] = [Number(table['commitLogMinOffset']), Number(table['commitLogMaxOffset'])];
    if (Number.isSafeInteger(min) && Number.isSafeInteger(max)) return { min: Math.max(0, min), max };
    throw new MqliteError('UNSUPPORTED', `broker ${this.#master.brokerName} does not tell where its commit log begins and ends`);
  }

  /** A broker that has just booted has no statistics to tell yet, and says so as an error. */
  async #runtimeInfo(): Promise<KVTable> {
    const { brokerName } = this.#master;
    for (const untilMs = this.#clock.elapsedMs() + RUNTIME_TIMEOUT_MS; ; await this.#clock.sleep(POLL_MS, this.#signal)) {
      const { response, address } = await this.#cluster.ask(brokerName, GET_BROKER_RUNTIME_INFO, {}, null, { timeoutMs: RUNTIME_TIMEOUT_MS });
      if (response.code === RESPONSE_CODE.SUCCESS) return this.#cluster.client.decode(address, GET_BROKER_RUNTIME_INFO, response).body;
      if (response.code !== RESPONSE_CODE.SYSTEM_ERROR || this.#clock.elapsedMs() >= untilMs) throw responseError(`broker ${brokerName} (${address})`, GET_BROKER_RUNTIME_INFO.name, response);
    }
  }
}

const endOf = (batch: readonly Record_[]): number => batch.at(-1)!.commitLogOffset + batch.at(-1)!.sizeBytes;
