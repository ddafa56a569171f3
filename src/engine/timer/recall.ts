import type { StoredMessage } from '../../record/decode.ts';
import { MqliteError } from '../../broker/errors.ts';
import { joinProperties, PROPERTY } from '../../record/properties.ts';
import { decodeRecallHandle, deleteKeysOf } from '../../record/recall-handle.ts';
import type { RecallHandle } from '../../record/recall-handle.ts';
import { tagsHash } from '../../record/tags.ts';
import { timerDueMs } from '../dispatch/placement.ts';
import { queryByKey } from '../read/key-query.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { DeliveryTargets } from '../schedule/delivery-targets.ts';
import { TIMER_TOPIC } from '../../broker/names.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import { copyOf } from '../write/stored-copy.ts';
import type { StoreWriter } from '../write/store-writer.ts';
import { leavingProperties } from './timer-copy.ts';

/** [RecallMessageProcessor] */
const RECALL_TAG = '_RECALL_TAG_';
const RECALL_BODY = Buffer.from('0');
/** Records of one id in the timer topic: the message, its rolls, its delete. */
const MAX_RECORDS = 256;

export interface RecallRequest {
  readonly topic: string;
  readonly recallHandle: string;
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly bornHost: Buffer;
}

/** The delete records, stored. Lock held, caught up. Returns the id of the message. */
export const recallMessage = (request: RecallRequest): string => {
  const { handle, victim } = find(request);
  store(request.writer, deletesOf(victim, handle, request));
  return handle.msgId;
};

/** The delete records and the message itself, delivered, with one append. Lock held, caught up. */
export const deliverMessageNow = (request: RecallRequest): PreparedMessage => {
  const { handle, victim } = find(request);
  const properties = victim.propertiesText;
  const target = new DeliveryTargets(request.writer.tables).of(victim, properties);
  if (target.kind !== 'deliver') throw new MqliteError('REFUSED', `message ${handle.msgId} cannot be delivered: ${target.reason}`);
  const nowMs = request.writer.context.clock.nowMs();
  const copy = copyOf(victim, { ...target.to, properties: leavingProperties(properties, String(nowMs), nowMs) });
  store(request.writer, [...deletesOf(victim, handle, request), copy]);
  return copy;
};

const store = (writer: StoreWriter, messages: readonly PreparedMessage[]): void => {
  writer.append(messages);
  for (const { error } of messages) if (error !== null) throw error;
};

/** The message that waits. Errors: INVALID_INPUT, NOT_FOUND, REFUSED. */
const find = ({ topic, recallHandle, writer, reader }: RecallRequest): { handle: RecallHandle; victim: StoredMessage } => {
  const { context } = writer;
  const handle = decodeRecallHandle(recallHandle);
  if (handle.topic !== topic) throw new MqliteError('INVALID_INPUT', `the recall handle belongs to topic ${handle.topic}, not to ${topic}`);
  if (handle.brokerName !== context.identity.brokerName) {
    throw new MqliteError('INVALID_INPUT', `the recall handle belongs to broker ${handle.brokerName}, not to ${context.identity.brokerName}`);
  }
  const { msgId } = handle;
  const records = queryByKey(context, reader, { topic: TIMER_TOPIC, key: msgId, maxMessages: MAX_RECORDS }, 0).messages;
  const isFor = (record: StoredMessage): boolean => record.properties['UNIQ_KEY'] === msgId && record.properties['REAL_TOPIC'] === topic;
  const outMs = String(handle.timestamp - 1);
  const victim = [...records].reverse().find((record) => isFor(record) && record.properties['TIMER_DEL_UNIQKEY'] === undefined && record.properties['TIMER_OUT_MS'] === outMs);
  if (victim === undefined) throw new MqliteError('NOT_FOUND', `no timer message ${msgId} for topic ${topic} waits at that time`, { hint: 'see "mqlite delay list"' });
  const { TIMER_DELIVER_MS: deliverAt } = victim.properties;
  const dueMs = timerDueMs(Number(outMs), deliverAt === undefined ? null : Number(deliverAt));
  if (dueMs <= context.clock.nowMs()) throw new MqliteError('REFUSED', `message ${msgId} was due at ${new Date(dueMs).toISOString()}: it is too late to take it back`);
  const deleteKeys: readonly string[] = deleteKeysOf(topic, msgId);
  if (records.some((record) => deleteKeys.includes(record.properties['TIMER_DEL_UNIQKEY'] ?? ''))) {
    throw new MqliteError('REFUSED', `message ${msgId} was taken back or delivered early already`);
  }
  return { handle, victim };
};

/** The same second as its message: TIMER_OUT_MS + 1 is floored to it. [RecallMessageProcessor#buildMessage] */
const deletesOf = (victim: StoredMessage, handle: RecallHandle, request: RecallRequest): PreparedMessage[] =>
  // One for each kind of broker that may boot on the store.
  deleteKeysOf(handle.topic, handle.msgId).map((deleteKey) => deleteOf(victim, handle, deleteKey, request));

const deleteOf = (victim: StoredMessage, { topic, msgId, timestamp }: RecallHandle, deleteKey: string, { writer, bornHost }: RecallRequest): PreparedMessage => {
  const nowMs = writer.context.clock.nowMs();
  const properties = joinProperties({
    [PROPERTY.TAGS]: RECALL_TAG, [PROPERTY.TIMER_DEL_UNIQKEY]: deleteKey, [PROPERTY.UNIQ_KEY]: msgId, [PROPERTY.TIMER_DELIVER_MS]: String(timestamp),
    [PROPERTY.BORN_TIMESTAMP]: String(nowMs), [PROPERTY.TIMER_OUT_MS]: victim.properties['TIMER_OUT_MS']!, [PROPERTY.REAL_TOPIC]: topic, [PROPERTY.REAL_QID]: '0',
  });
  return {
    topic: TIMER_TOPIC, queueId: 0, body: RECALL_BODY, flag: 0, sysFlag: 0, bornTimestamp: nowMs, bornHost, reconsumeTimes: 0, preparedTransactionOffset: 0,
    properties, uniqKey: msgId, keys: null, tags: RECALL_TAG, tagsHash: tagsHash(RECALL_TAG), delayLevel: 0, deliverAtMs: 0, isHalf: false,
    queueOffset: -1, commitLogOffset: -1, storeTimestamp: 0, error: null,
  };
};
