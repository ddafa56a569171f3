import { CodecError } from '../base/codec-error.ts';
import { DEFAULT_DELAY_LEVELS, parseDelayLevels } from '../broker/delay-levels.ts';
import { MqliteError } from '../broker/errors.ts';
import { TIMER_TOPIC } from '../broker/names.ts';
import type { DelayProgress, TimerProgress } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { decodeRecallHandle, deleteKeysOf } from '../record/recall-handle.ts';
import type { RecallHandle } from '../record/recall-handle.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { GET_BROKER_CONFIG } from '../wire/requests/broker-admin.ts';
import { GET_ALL_DELAY_OFFSET, GET_TIMER_CHECK_POINT } from '../wire/requests/progress.ts';
import { RECALL_MESSAGE } from '../wire/requests/send-message.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';
import type { Queries } from './queries.ts';
import { PRODUCER_GROUP } from './send-desk.ts';

/** A broker reads a second of its wheel ahead of time, and what takes a message back must be there before: less than this is too late to be sure. */
const SURE_MS = 3000;
/** The index follows the log by a moment. */
const INDEX_DELAY_MS = 100;

/** Messages that wait on brokers to be delivered. */
export class DelayDesk {
  readonly #cluster: Cluster;
  readonly #queries: Queries;
  /** Handles of what this process took back, which the index does not name at once. */
  readonly #recalled = new Set<string>();

  constructor(cluster: Cluster, queries: Queries) {
    this.#cluster = cluster;
    this.#queries = queries;
  }

  /** See the port. A broker takes any handle and never looks whether its message is there: that is made sure of before. */
  async recall(topic: string, recallHandle: string): Promise<string> {
    const handle = readHandle(recallHandle);
    if (handle.topic !== topic) throw new MqliteError('INVALID_INPUT', `the recall handle belongs to topic ${handle.topic}, not to ${topic}`);
    const { brokerName, msgId } = handle;
    if (!(await this.#cluster.masters()).some((master) => master.brokerName === brokerName)) {
      throw new MqliteError('INVALID_INPUT', `the recall handle belongs to broker ${brokerName}, which is none of this cluster's masters`, { hint: 'It may belong to another cluster, or the broker may be down.' });
    }
    await this.#cluster.route(topic);
    if (this.#recalled.has(recallHandle)) throw takenBack(msgId);
    await this.#requireWaiting(handle);
    const { response, address } = await this.#cluster.ask(brokerName, RECALL_MESSAGE, { producerGroup: PRODUCER_GROUP, topic, recallHandle, bname: brokerName }, null);
    if (response.code !== RESPONSE_CODE.SUCCESS) throw recallError(brokerName, address, response.code, response.remark) ?? responseError(`broker ${brokerName} (${address})`, 'a recall', response);
    this.#recalled.add(recallHandle);
    return msgId;
  }

  /** See the port. What the running broker says: its files are up to some seconds older. */
  async progress(brokerName: string | undefined): Promise<DelayProgress> {
    const name = brokerName ?? (await this.#cluster.masters())[0]!.brokerName;
    const [config, offsets] = await Promise.all([this.#config(name), this.#levelOffsets(name)]);
    const delays = parseDelayLevels(config['messageDelayLevel'] ?? DEFAULT_DELAY_LEVELS).slice(1);
    const levels = delays.map((delayMs, index) => ({ level: index + 1, delayMs, queueId: index, nextOffset: offsets.get(index + 1) ?? 0 }));
    // With the other engine the checkpoint stands still.
    const isTold = config['timerWheelEnable'] !== 'false' && config['timerRocksDBEnable'] !== 'true';
    return { levels, timer: isTold ? await this.#timer(name) : null };
  }

  async #requireWaiting(handle: RecallHandle): Promise<void> {
    const { brokerName, topic, msgId, timestamp } = handle;
    const { clock } = this.#cluster.client.options;
    let records = await this.#timerRecords(brokerName, msgId);
    const outMs = timestamp - 1;
    const isVictim = ({ properties }: Message): boolean =>
      properties[PROPERTY.REAL_TOPIC] === topic && properties[PROPERTY.TIMER_DEL_UNIQKEY] === undefined && properties[PROPERTY.TIMER_OUT_MS] === String(outMs);
    if (!records.some(isVictim)) {
      await clock.sleep(INDEX_DELAY_MS);
      records = await this.#timerRecords(brokerName, msgId);
    }
    if (!records.some(isVictim)) throw new MqliteError('NOT_FOUND', `no timer message ${msgId} for topic ${topic} waits at that time`, { hint: 'See "mqlite delay list".' });
    const deleteKeys: readonly string[] = deleteKeysOf(topic, msgId);
    if (records.some(({ properties }) => deleteKeys.includes(properties[PROPERTY.TIMER_DEL_UNIQKEY] ?? ''))) throw takenBack(msgId);
    const leftMs = outMs - clock.nowMs();
    if (leftMs > SURE_MS) return;
    const when = new Date(outMs).toISOString();
    throw new MqliteError('REFUSED', leftMs <= 0 ? `message ${msgId} was due at ${when}: it is too late to take it back` : `message ${msgId} is due at ${when}: it is too late to be sure that a broker takes it back`, {
      hint: 'A cluster needs more than 3 seconds for it.',
    });
  }

  async #timerRecords(brokerName: string, msgId: string): Promise<readonly Message[]> {
    return (await this.#cluster.findRoute(TIMER_TOPIC)) === null ? [] : this.#queries.byUniqueId(brokerName, TIMER_TOPIC, msgId);
  }

  async #config(brokerName: string): Promise<Readonly<Record<string, string>>> {
    const { response, address } = await this.#cluster.ask(brokerName, GET_BROKER_CONFIG, {}, null);
    // Whoever may not read settings gets the levels that brokers have by default.
    if (response.code !== RESPONSE_CODE.SUCCESS) return {};
    return this.#cluster.client.decode(address, GET_BROKER_CONFIG, response).body;
  }

  async #levelOffsets(brokerName: string): Promise<ReadonlyMap<number, number>> {
    const { response, address } = await this.#cluster.ask(brokerName, GET_ALL_DELAY_OFFSET, {}, null);
    // Nothing was ever delivered by level.
    if (response.code === RESPONSE_CODE.SYSTEM_ERROR) return new Map();
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, GET_ALL_DELAY_OFFSET.name, response);
    return this.#cluster.client.decode(address, GET_ALL_DELAY_OFFSET, response).body.offsetTable;
  }

  /** null: it keeps no timer messages, as before 5.0. */
  async #timer(brokerName: string): Promise<TimerProgress | null> {
    const { response, address } = await this.#cluster.ask(brokerName, GET_TIMER_CHECK_POINT, {}, null);
    if (response.code === RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED || response.code === RESPONSE_CODE.SYSTEM_ERROR) return null;
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, GET_TIMER_CHECK_POINT.name, response);
    const { lastReadTimeMs, lastTimerQueueOffset, masterTimerQueueOffset } = this.#cluster.client.decode(address, GET_TIMER_CHECK_POINT, response).body;
    return { nextQueueOffset: Math.min(lastTimerQueueOffset, masterTimerQueueOffset), lastReadTimeMs, doneInSecond: [] };
  }
}

const takenBack = (msgId: string): MqliteError => new MqliteError('REFUSED', `message ${msgId} was taken back already`);

const readHandle = (text: string): RecallHandle => {
  try {
    return decodeRecallHandle(text);
  } catch (error) {
    if (error instanceof CodecError) throw new MqliteError('INVALID_INPUT', error.message, { hint: '"produce --json" and "delay list --json" show it.', cause: error });
    throw error;
  }
};

/** The two ways in which a broker says that it takes nothing back. [RecallMessageProcessor] */
const recallError = (brokerName: string, address: string, code: number, remark: string | null): MqliteError | null => {
  const broker = `broker ${brokerName} (${address})`;
  if (code === RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED) return new MqliteError('UNSUPPORTED', `${broker} is too old to take messages back`, { hint: 'Let the message come, and leave it out where it is consumed.' });
  if (code === RESPONSE_CODE.NO_PERMISSION && (remark ?? '').includes('operation is forbidden')) {
    return new MqliteError('UNSUPPORTED', `${broker} does not take messages back`, { hint: 'It would with recallMessageEnable=true in its broker.conf.' });
  }
  return null;
};
