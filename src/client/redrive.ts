import type { Clock } from '../base/clock.ts';
import { CodecError } from '../base/codec-error.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { isRetryTopic } from '../broker/retry-topics.ts';
import type { OutgoingMessage, SendOutcome } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY, SYSTEM_PROPERTIES } from '../record/properties.ts';
import { COMPRESSION_MASK, compressionTypeOf } from '../record/sys-flag.ts';

/** What is known of sending one dead letter to one topic. */
export type RedriveEntry =
  | { readonly event: 'intent'; readonly offsetMsgId: string; readonly topic: string }
  | { readonly event: 'sent'; readonly offsetMsgId: string; readonly topic: string; readonly newOffsetMsgId: string }
  | { readonly event: 'failed'; readonly offsetMsgId: string; readonly topic: string; readonly reason: string };

/** The memory of redriving, which outlives the process. docs/format/retry.md */
export interface RedriveLedger {
  /** What was last recorded of a dead letter and a topic. */
  last(offsetMsgId: string, topic: string): RedriveEntry | undefined;
  /** Keeps entries; `durable`: on disk when it returns. */
  record(entries: readonly RedriveEntry[], durable: boolean): void;
}

/**
 * - planned: would be sent (dry run) · sent: now · already: by an earlier run · failed: refused, nothing stored
 * - unknown: an earlier run was cut off while it sent it; it is not found, and not sent again
 */
export type RedriveStatus = 'planned' | 'sent' | 'already' | 'failed' | 'unknown';

export interface RedriveOutcome {
  readonly letter: Message;
  readonly status: RedriveStatus;
  readonly topic: string;
  readonly newOffsetMsgId: string | null;
  readonly reason: string | null;
}

export interface RedriveRequest {
  readonly letters: AsyncIterable<readonly Message[]>;
  /** `%RETRY%group`, or any topic. */
  readonly topic: string;
  readonly dryRun: boolean;
  /** Send also those of which it is unknown whether they were sent. */
  readonly resendUnknown: boolean;
  /** Most messages sent, or planned. */
  readonly count?: number | undefined;
  readonly ratePerSecond?: number | undefined;
  readonly signal: AbortSignal;
  readonly onOutcomes: (outcomes: readonly RedriveOutcome[]) => Promise<void>;
}

/** Sent together, and unknown together after a crash. */
const BATCH = 32;
const RATE_SLICE_MS = 100;
const KEY_PREFIX = 'redrive:';

export const redriveKey = (offsetMsgId: string): string => KEY_PREFIX + offsetMsgId;

/**
 * Sends dead letters again: what is meant is recorded, then sent with a key that tells which letter it was, then what came of it is
 * recorded. Of a run that was cut off, what it sent is found by that key. Errors: those of the broker for reading; a send that fails is an outcome.
 */
export async function redrive(broker: Broker, clock: Clock, ledger: RedriveLedger, request: RedriveRequest): Promise<void> {
  const { count = Infinity, ratePerSecond, signal } = request;
  const batchSize = ratePerSecond === undefined ? BATCH : Math.max(1, Math.min(BATCH, Math.floor((ratePerSecond * RATE_SLICE_MS) / 1000)));
  let left = count;
  let nextAtMs = clock.elapsedMs();
  for await (const letters of request.letters) {
    for (let at = 0; at < letters.length && left > 0; ) {
      const batch = letters.slice(at, at + Math.min(batchSize, left));
      at += batch.length;
      const used = await redriveBatch(broker, ledger, request, batch);
      left -= used;
      if (ratePerSecond === undefined || used === 0) continue;
      nextAtMs = Math.max(clock.elapsedMs(), nextAtMs) + (used / ratePerSecond) * 1000;
      await clock.sleep(Math.max(0, nextAtMs - clock.elapsedMs()), signal);
    }
    if (left <= 0 || signal.aborted) return;
  }
}

/** Answers how many were sent, tried or planned. */
async function redriveBatch(broker: Broker, ledger: RedriveLedger, request: RedriveRequest, letters: readonly Message[]): Promise<number> {
  const { topic, dryRun } = request;
  if (request.signal.aborted) return 0;
  const known = new Map<Message, RedriveOutcome>();
  for (const letter of letters) {
    const outcome = await earlierOutcome(broker, ledger, request, letter);
    if (outcome !== null) known.set(letter, outcome);
  }
  const open = letters.filter((letter) => !known.has(letter));
  const fresh = dryRun
    ? open.map((letter) => outcomeOf(letter, topic, 'planned'))
    : await send(broker, ledger, topic, open);
  open.forEach((letter, index) => known.set(letter, fresh[index]!));
  await request.onOutcomes(letters.map((letter) => known.get(letter)!));
  return open.length;
}

/** What an earlier run did; null: this one is to send it. */
async function earlierOutcome(broker: Broker, ledger: RedriveLedger, { topic, dryRun, resendUnknown }: RedriveRequest, letter: Message): Promise<RedriveOutcome | null> {
  const last = ledger.last(letter.offsetMsgId, topic);
  if (last === undefined || last.event === 'failed') return null;
  if (last.event === 'sent') return outcomeOf(letter, topic, 'already', last.newOffsetMsgId);
  const found = await findRedriven(broker, topic, letter.offsetMsgId);
  if (found !== null) {
    if (!dryRun) ledger.record([{ event: 'sent', offsetMsgId: letter.offsetMsgId, topic, newOffsetMsgId: found.offsetMsgId }], false);
    return outcomeOf(letter, topic, 'already', found.offsetMsgId);
  }
  return resendUnknown ? null : outcomeOf(letter, topic, 'unknown', null, 'an earlier run was cut off while it sent it');
}

async function findRedriven(broker: Broker, topic: string, offsetMsgId: string): Promise<Message | null> {
  try {
    return (await broker.queryByKey({ topic, key: redriveKey(offsetMsgId), maxMessages: 1 })).messages[0] ?? null;
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'TOPIC_NOT_FOUND') return null;
    throw error;
  }
}

async function send(broker: Broker, ledger: RedriveLedger, topic: string, letters: readonly Message[]): Promise<RedriveOutcome[]> {
  if (letters.length === 0) return [];
  ledger.record(letters.map(({ offsetMsgId }) => ({ event: 'intent', offsetMsgId, topic })), true);
  const messages = letters.map((letter) => readable(letter, topic));
  const results = await sendAll(broker, messages.filter((message): message is OutgoingMessage => !(message instanceof Error)));
  let next = 0;
  const outcomes = letters.map((letter, index): RedriveOutcome => {
    const message = messages[index]!;
    const result: SendOutcome = message instanceof Error ? { error: message } : results[next++]!;
    if ('error' in result) return outcomeOf(letter, topic, isCertain(result.error) ? 'failed' : 'unknown', null, result.error.message);
    return outcomeOf(letter, topic, 'sent', result.offsetMsgId);
  });
  // Of an unknown one the intent stays the last word.
  ledger.record(outcomes.flatMap(entryOf), false);
  return outcomes;
}

/** One outcome per message, also when none was stored. */
async function sendAll(broker: Broker, messages: readonly OutgoingMessage[]): Promise<readonly SendOutcome[]> {
  if (messages.length === 0) return [];
  try {
    return await broker.sendBatch(messages);
  } catch (error) {
    if (!(error instanceof MqliteError) || error.code === 'BUG') throw error;
    return messages.map(() => ({ error }));
  }
}

/** Whether such an error means that nothing was stored. */
const isCertain = (error: Error): boolean => !(error instanceof MqliteError && (error.code === 'TIMED_OUT' || error.code === 'NOT_CONFIRMED' || error.code === 'STORAGE_FAILED'));

const readable = (letter: Message, topic: string): OutgoingMessage | CodecError => {
  try {
    return redriven(letter, topic);
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
};

/**
 * A dead letter as a new message: what the user gave it, its id and its birth. For `%RETRY%group` it keeps where it came from.
 * Error: CodecError DAMAGED when the body cannot be decompressed.
 */
export function redriven(letter: Message, topic: string): OutgoingMessage {
  const { body, tags, keys, flag, bornTimestamp, properties, sysFlag, offsetMsgId } = letter;
  return {
    topic, body, flag, bornTimestamp,
    tags: tags ?? undefined,
    keys: [...keys.filter((key) => !key.startsWith(KEY_PREFIX)), redriveKey(offsetMsgId)],
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !SYSTEM_PROPERTIES.has(name))),
    shardingKey: properties[PROPERTY.SHARDING_KEY],
    msgId: properties[PROPERTY.UNIQ_KEY],
    compress: (sysFlag & COMPRESSION_MASK) === 0 ? undefined : compressionTypeOf(sysFlag) ?? undefined,
    origin: isRetryTopic(topic) ? { topic: letter.originTopic ?? letter.topic, offsetMsgId: properties[PROPERTY.ORIGIN_MESSAGE_ID] ?? offsetMsgId } : undefined,
  };
}

const outcomeOf = (letter: Message, topic: string, status: RedriveStatus, newOffsetMsgId: string | null = null, reason: string | null = null): RedriveOutcome =>
  ({ letter, status, topic, newOffsetMsgId, reason });

function entryOf({ letter: { offsetMsgId }, topic, status, newOffsetMsgId, reason }: RedriveOutcome): RedriveEntry[] {
  if (status === 'sent') return [{ event: 'sent', offsetMsgId, topic, newOffsetMsgId: newOffsetMsgId! }];
  if (status === 'failed') return [{ event: 'failed', offsetMsgId, topic, reason: reason! }];
  return [];
}
