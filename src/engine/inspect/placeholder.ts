import { CodecError } from '../../base/codec-error.ts';
import { bodyPosition, recordProblem } from '../../record/check.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { encodeRecord } from '../../record/encode.ts';
import type { RecordFields } from '../../record/encode.ts';
import { encodeHost } from '../../record/host.ts';
import {
  BORN_HOST, BORN_TIMESTAMP, FLAG, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAX_BODY_BYTES, MIN_RECORD_BYTES, SYS_FLAG,
} from '../../record/layout.ts';
import { PROPERTY, SYSTEM_PROPERTIES, joinProperties, parseProperties } from '../../record/properties.ts';
import { BORN_HOST_IPV6, TRANSACTION_COMMIT, TRANSACTION_MASK, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { OP_HALF_TOPIC } from '../../record/transaction.ts';
import { DAMAGED_FLAG } from '../read/puller.ts';
import { SCHEDULE_TOPIC, TIMER_TOPIC } from '../../broker/names.ts';
import type { QueuePlace } from './findings.ts';

/** Topic of the records that fill bytes of which nobody knows what they were. They are in no queue: see `fillerRecord`. */
export const FILLER_TOPIC = 'MQLITE_DAMAGED';

/** A filler is at most this long, so that it stays below every limit of a broker. */
export const MAX_FILLER_BYTES = 1024 * 1024;

export interface PlaceholderContext {
  readonly storeHost: string;
  readonly propertyCrc: boolean;
  /** Of the record before: times never go back. */
  readonly previousStoreTimestamp: number;
  /** What was wrong, for those who meet the placeholder. */
  readonly reason: string;
}

/** What could still be read of a damaged record: everything but its body. */
interface Remains {
  readonly place: QueuePlace;
  readonly isQueued: boolean;
  readonly fields: Pick<RecordFields, 'flag' | 'sysFlag' | 'bornTimestamp' | 'bornHost' | 'storeTimestamp' | 'storeHost' | 'reconsumeTimes' | 'preparedTransactionOffset'>;
  readonly properties: Readonly<Record<string, string>>;
}

/** The header and properties of a record whose lengths agree though its body is damaged; null when they do not. */
export const readRemains = (bytes: Buffer, sizeBytes: number): Remains | null => {
  if (sizeBytes < MIN_RECORD_BYTES || bytes.length < sizeBytes || recordProblem(bytes, 0, sizeBytes, false) !== null) return null;
  const view = createDispatchView();
  try {
    readDispatchView(bytes, 0, view);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
  if (view.queueId < 0 || view.queueOffset < 0 || view.storeTimestamp < 0 || view.bornTimestamp < 0) return null;
  const sysFlag = bytes.readInt32BE(SYS_FLAG);
  const body = bodyPosition(sysFlag);
  const bornHostBytes = (sysFlag & BORN_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES;
  const transaction = sysFlag & TRANSACTION_MASK;
  return {
    place: { topic: view.topic, queueId: view.queueId, queueOffset: view.queueOffset },
    isQueued: transaction === 0 || transaction === TRANSACTION_COMMIT,
    fields: {
      flag: bytes.readInt32BE(FLAG), sysFlag: transaction, bornTimestamp: Number(bytes.readBigInt64BE(BORN_TIMESTAMP)),
      bornHost: Buffer.from(bytes.subarray(BORN_HOST, BORN_HOST + bornHostBytes)), storeTimestamp: view.storeTimestamp,
      storeHost: Buffer.from(bytes.subarray(BORN_HOST + bornHostBytes + 8, body - 16)), reconsumeTimes: bytes.readInt32BE(body - 16),
      preparedTransactionOffset: transaction === TRANSACTION_COMMIT ? Number(bytes.readBigInt64BE(body - 12)) : 0,
    },
    properties: view.propertiesText.includes('\uFFFD') ? {} : parseProperties(view.propertiesText),
  };
};

/**
 * A sound record of exactly `sizeBytes` for a place in a queue whose record is lost. It carries a FLAG and the property
 * MQLITE_DAMAGED, by which mqlite's consumers skip and report it; of the lost record it keeps what can still be read, except the body, which is
 * zeros. null when no record of that size fits the place.
 */
export const placeholderRecord = (
  commitLogOffset: number, sizeBytes: number, place: QueuePlace, remains: Remains | null, context: PlaceholderContext,
): Buffer | null => {
  const host = encodeHost(context.storeHost);
  const time = context.previousStoreTimestamp;
  const fields: Remains['fields'] = remains?.fields ?? {
    flag: 0, sysFlag: 0, bornTimestamp: time, bornHost: host, storeTimestamp: time, storeHost: host, reconsumeTimes: 0, preparedTransactionOffset: 0,
  };
  const needed = systemProperties(place.topic, fields.storeTimestamp);
  const kept = remains === null ? {} : keepable(place.topic, remains.properties);
  const marks = [reasonText(context.reason), '1'].map((text) => ({ [PROPERTY.DAMAGED]: text }));
  const sets = [kept, without(kept, (name) => name in IDLE), without(kept, (name) => name in IDLE || !SYSTEM_PROPERTIES.has(name)), {}]
    .flatMap((properties) => marks.map((mark) => ({ ...needed, ...properties, ...mark })));
  // The first set of properties that fits; a record too small for any of them stays unmarked rather than being left broken.
  for (const properties of [...sets, marks[1]!, {}]) {
    for (const propertyCrc of context.propertyCrc ? [true, false] : [false]) {
      const record = sizedRecord({ ...fields, ...place, flag: DAMAGED_FLAG, commitLogOffset, body: EMPTY, properties: joinProperties(properties), propertyCrc }, sizeBytes);
      if (record !== null) return record;
    }
  }
  return null;
};

/**
 * A sound record that belongs to no queue and no index: brokers dispatch nothing of the transaction type "rollback".
 * `sizeBytes` from 91 to MAX_FILLER_BYTES. [DefaultMessageStore$CommitLogDispatcherBuildConsumeQueue] [IndexService#buildIndex]
 */
export const fillerRecord = (commitLogOffset: number, sizeBytes: number, context: PlaceholderContext): Buffer => {
  const host = encodeHost(context.storeHost);
  const time = context.previousStoreTimestamp;
  const fields: RecordFields = {
    topic: FILLER_TOPIC, queueId: 0, flag: DAMAGED_FLAG, queueOffset: 0, commitLogOffset, sysFlag: TRANSACTION_ROLLBACK, bornTimestamp: time, bornHost: host,
    storeTimestamp: time, storeHost: host, reconsumeTimes: 0, preparedTransactionOffset: 0, body: EMPTY,
    properties: joinProperties({ [PROPERTY.DAMAGED]: '1' }), propertyCrc: false,
  };
  const record = sizedRecord(fields, sizeBytes)
    ?? sizedRecord({ ...fields, properties: '' }, sizeBytes)
    ?? sizedRecord({ ...fields, properties: '', topic: FILLER_TOPIC.slice(0, Math.max(0, sizeBytes - MIN_RECORD_BYTES)) }, sizeBytes);
  if (record === null) throw new Error(`no record of ${sizeBytes} bytes`);
  return record;
};

/** Properties that say nothing once the message is gone. */
const IDLE = { [PROPERTY.CLUSTER]: true, [PROPERTY.MSG_REGION]: true, [PROPERTY.TRACE_ON]: true, [PROPERTY.WAIT]: true };

const without = (properties: Readonly<Record<string, string>>, isDropped: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !isDropped(name)));

const MAX_REASON_LENGTH = 120;

const reasonText = (reason: string): string => [...reason].filter((character) => character >= ' ').join('').slice(0, MAX_REASON_LENGTH) || 'true';

const EMPTY = Buffer.alloc(0);
const ZEROS = Buffer.alloc(MAX_BODY_BYTES);

/** Encodes with a body of zeros that makes the record exactly `sizeBytes` long; null when it cannot be. */
const sizedRecord = (fields: RecordFields, sizeBytes: number): Buffer | null => {
  const target = Buffer.alloc(Math.max(sizeBytes, 0) + fields.properties.length * 3 + fields.topic.length * 3 + 256);
  try {
    const bodyBytes = sizeBytes - encodeRecord(fields, target, 0);
    if (bodyBytes < 0 || bodyBytes > MAX_BODY_BYTES) return null;
    target.fill(0);
    return encodeRecord({ ...fields, body: ZEROS.subarray(0, bodyBytes) }, target, 0) === sizeBytes ? target.subarray(0, sizeBytes) : null;
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
};

/** What a broker's own services need in a record of theirs, lest they stumble over it forever. */
const systemProperties = (topic: string, storeTimestamp: number): Record<string, string> => {
  if (topic === SCHEDULE_TOPIC) return { [PROPERTY.REAL_TOPIC]: FILLER_TOPIC, [PROPERTY.REAL_QID]: '0', [PROPERTY.DELAY]: '1' };
  if (topic === TIMER_TOPIC) return { [PROPERTY.REAL_TOPIC]: FILLER_TOPIC, [PROPERTY.REAL_QID]: '0', TIMER_OUT_MS: String(storeTimestamp) };
  return {};
};

/** All but what describes the body or the bytes; the op topic's tag would make a broker parse the body. */
const keepable = (topic: string, properties: Readonly<Record<string, string>>): Record<string, string> => {
  const kept = { ...properties };
  delete kept[PROPERTY.CRC32];
  delete kept[PROPERTY.INNER_NUM];
  delete kept[PROPERTY.INNER_BASE];
  if (topic === OP_HALF_TOPIC) delete kept[PROPERTY.TAGS];
  return kept;
};
