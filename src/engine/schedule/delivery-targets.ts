import { CodecError } from '../../base/codec-error.ts';
import { MqliteError } from '../../broker/errors.ts';
import { decodeRecord } from '../../record/decode.ts';
import type { StoredMessage } from '../../record/decode.ts';
import { PROPERTY, propertyOf } from '../../record/properties.ts';
import { locateRecord } from '../read/puller.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { HALF_TOPIC } from '../../record/transaction.ts';
import { validateTopicName } from '../../broker/names.ts';
import type { StoreTables } from '../store-context.ts';
import type { CopyChanges } from '../write/stored-copy.ts';

/** What becomes of a delayed message that is due, docs/format/schedule.md. */
export type Target =
  | { readonly kind: 'deliver'; readonly to: CopyChanges }
  /** It cannot be delivered, ever. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** mqlite cannot deliver it; a broker could. */
  | { readonly kind: 'wait'; readonly reason: string };

interface TopicFacts {
  readonly deletedBelow: number;
  readonly problem: 'none' | 'invalid' | 'batch';
}

/** Decides where delayed messages go. For one run under the write lock: what it knows of topics is as of its making. */
export class DeliveryTargets {
  readonly #tables: StoreTables;
  readonly #facts = new Map<string, TopicFacts>();

  constructor(tables: StoreTables) {
    this.#tables = tables;
  }

  /** @param properties joined, as stored */
  of(message: StoredMessage, properties: string): Target {
    const topic = propertyOf(properties, PROPERTY.REAL_TOPIC);
    const queueId = propertyOf(properties, PROPERTY.REAL_QID);
    if (topic === null || queueId === null || !/^\d{1,9}$/.test(queueId)) return { kind: 'skip', reason: 'its REAL_TOPIC or REAL_QID is missing or no queue' };
    if (topic === HALF_TOPIC) return { kind: 'skip', reason: `it was meant for ${HALF_TOPIC}` };
    const { problem, deletedBelow } = this.#factsOf(topic);
    if (problem === 'invalid') return { kind: 'skip', reason: 'its REAL_TOPIC is no topic name' };
    if (message.commitLogOffset < deletedBelow) return { kind: 'skip', reason: `topic ${topic} was deleted` };
    if (problem === 'batch') return { kind: 'wait', reason: `topic ${topic} has batch queues (queue.type=BatchCQ), which mqlite reads but does not write` };
    return { kind: 'deliver', to: { topic, queueId: Number(queueId), properties } };
  }

  #factsOf(topic: string): TopicFacts {
    let facts = this.#facts.get(topic);
    if (facts === undefined) {
      const isBatch = isValid(topic) && this.#tables.topics.get(topic)?.attributes['queue.type'] === 'BatchCQ';
      facts = { deletedBelow: this.#tables.deletedTopics.load().get(topic) ?? 0, problem: !isValid(topic) ? 'invalid' : isBatch ? 'batch' : 'none' };
      this.#facts.set(topic, facts);
    }
    return facts;
  }
}

const isValid = (topic: string): boolean => {
  try {
    validateTopicName(topic);
    return true;
  } catch (error) {
    if (error instanceof MqliteError) return false;
    throw error;
  }
};

/** The record that a queue entry or a timer unit names; a text that says why there is none. @param queueOffset -1: not checked */
export const readRecord = (reader: StoreReader, brokerName: string, place: { readonly commitLogOffset: number; readonly sizeBytes: number; readonly queueId: number; readonly queueOffset: number }): StoredMessage | string => {
  try {
    const problem = locateRecord(reader.log, place.queueId, place.queueOffset, place.commitLogOffset, place.sizeBytes, Infinity);
    return problem ?? decodeRecord(reader.log.buffer, reader.log.position, brokerName);
  } catch (error) {
    // A field beyond 2^53.
    if (error instanceof CodecError) return error.message;
    throw error;
  }
};
