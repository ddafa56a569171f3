import { MqliteError } from '../../../src/broker/errors.ts';
import type { DelayProgress, OutgoingMessage, SendResult } from '../../../src/broker/types.ts';
import type { Message } from '../../../src/record/message.ts';
import { FAKE_BROKER_NAME } from './store.ts';
import type { FakeStore, WaitingMessage } from './store.ts';

const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
const TIMER_TOPIC = 'rmq_sys_wheel_timer';
/** RocketMQ's default `messageDelayLevel`, in seconds. */
const LEVEL_SECONDS = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];
const MAX_DELAY_MS = 259_200_000;

/** What can be wrong with a delay. */
export function checkDelay({ delayLevel = 0, delayMs, deliverAtMs }: OutgoingMessage, nowMs: number): void {
  if ([delayLevel > 0, delayMs !== undefined, deliverAtMs !== undefined].filter(Boolean).length > 1) throw new MqliteError('INVALID_INPUT', 'a message is delayed in one way only');
  for (const value of [delayLevel, delayMs ?? 0, deliverAtMs ?? 0]) if (!Number.isSafeInteger(value) || value < 0) throw new MqliteError('INVALID_INPUT', `${value} is no delay`);
  if ((delayMs ?? 0) > MAX_DELAY_MS || (deliverAtMs ?? 0) - nowMs > MAX_DELAY_MS) throw new MqliteError('MESSAGE_ILLEGAL', 'a message can be delayed by at most 3 days');
}

/** Stores a message, in a system topic when it is to come later. */
export function place(store: FakeStore, message: OutgoingMessage, queueId: number, system: Readonly<Record<string, string>> = {}): SendResult {
  const nowMs = store.clock.nowMs();
  const level = Math.min(message.delayLevel ?? 0, LEVEL_SECONDS.length);
  const deliverAtMs = message.delayMs === undefined ? message.deliverAtMs : nowMs + message.delayMs;
  const real = { REAL_TOPIC: message.topic, REAL_QID: String(queueId) };
  if (level > 0) return wait(store, message, queueId, nowMs + LEVEL_SECONDS[level - 1]! * 1000, [SCHEDULE_TOPIC, level - 1, { ...system, ...real, DELAY: String(level) }]);
  const asked = { ...system, ...(message.delayMs === undefined ? {} : { TIMER_DELAY_MS: String(message.delayMs) }), ...(deliverAtMs === undefined ? {} : { TIMER_DELIVER_MS: String(deliverAtMs) }) };
  if (deliverAtMs === undefined || deliverAtMs <= nowMs) return resultOf(store.append(message, queueId, asked));
  return wait(store, message, queueId, deliverAtMs, [TIMER_TOPIC, 0, { ...real, ...asked, TIMER_OUT_MS: String(Math.floor((deliverAtMs - 1) / 1000) * 1000) }]);
}

/** What a consumer sent back, until its delay is over. */
export function waitBack(store: FakeStore, record: Message, topic: string, level: number): void {
  const back = store.appendBack(record, topic, level);
  const { tags, keys, body, flag, bornTimestamp, msgId } = back;
  store.waiting.push({
    record: back, queueId: 0, dueMs: store.clock.nowMs() + LEVEL_SECONDS[Math.min(level, LEVEL_SECONDS.length) - 1]! * 1000,
    message: { topic, tags: tags ?? undefined, keys, body, flag, bornTimestamp, msgId, properties: back.properties },
  });
}

function wait(store: FakeStore, message: OutgoingMessage, queueId: number, dueMs: number, [topic, systemQueue, properties]: [string, number, Record<string, string>]): SendResult {
  if (!store.topics.has(topic)) {
    const queues = topic === TIMER_TOPIC ? 1 : LEVEL_SECONDS.length;
    store.putTopic({ topic, readQueueNums: queues, writeQueueNums: queues, perm: 6, order: false, attributes: {} });
  }
  const record = store.append({ ...message, topic }, systemQueue, properties);
  store.waiting.push({ record, message: { ...message, msgId: record.msgId }, queueId, dueMs });
  const recallHandle = topic === TIMER_TOPIC
    ? Buffer.from(`v1 ${message.topic} ${FAKE_BROKER_NAME} ${Number(properties['TIMER_OUT_MS']) + 1} ${record.msgId}`).toString('base64url') : undefined;
  return { ...resultOf(record), topic: message.topic, queueId, deliverAtMs: dueMs, recallHandle };
}

function resultOf({ topic, brokerName, queueId, queueOffset, msgId, offsetMsgId }: Message): SendResult {
  return { status: 'SEND_OK', topic, brokerName, queueId, queueOffset, msgId, offsetMsgId };
}

/** Delivers what is due; how long until the next, in ms. */
export function deliverDue(store: FakeStore): number {
  const nowMs = store.clock.nowMs();
  const due = store.waiting.filter(({ dueMs }) => dueMs <= nowMs).sort((left, right) => left.dueMs - right.dueMs);
  for (const waiting of due) deliver(store, waiting);
  return Math.min(...store.waiting.map(({ dueMs }) => dueMs - nowMs), 0x7fff_ffff);
}

function deliver(store: FakeStore, waiting: WaitingMessage): Message {
  store.waiting.splice(store.waiting.indexOf(waiting), 1);
  return store.append(waiting.message, waiting.queueId, systemProperties(waiting.record), waiting.record.reconsumeTimes);
}

function systemProperties({ properties }: Message): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => /^(DELAY|REAL_|TIMER_|RETRY_TOPIC|ORIGIN_|WAIT)/.test(name)));
}

/** Takes a timer message back. */
export function recall(store: FakeStore, topic: string, handle: string): WaitingMessage {
  const [version, handleTopic, brokerName, , msgId] = Buffer.from(handle, 'base64url').toString().split(' ');
  if (version !== 'v1' || msgId === undefined) throw new MqliteError('INVALID_INPUT', `"${handle}" is no recall handle`);
  if (handleTopic !== topic || brokerName !== FAKE_BROKER_NAME) throw new MqliteError('INVALID_INPUT', `the recall handle belongs to ${handleTopic} of ${brokerName}`);
  const waiting = store.waiting.find(({ record }) => record.topic === TIMER_TOPIC && record.msgId === msgId);
  if (waiting === undefined) {
    if (store.log.some((record) => record.topic === TIMER_TOPIC && record.msgId === msgId)) throw new MqliteError('REFUSED', `message ${msgId} was delivered or taken back already`);
    throw new MqliteError('NOT_FOUND', `no timer message ${msgId} waits`);
  }
  store.waiting.splice(store.waiting.indexOf(waiting), 1);
  store.append({ topic: TIMER_TOPIC, body: Buffer.from('0'), tags: '_RECALL_TAG_', msgId }, 0, { REAL_TOPIC: topic, REAL_QID: '0', TIMER_DEL_UNIQKEY: `${topic}+${msgId}`, TIMER_OUT_MS: waiting.record.properties['TIMER_OUT_MS']! });
  return waiting;
}

export function deliverNow(store: FakeStore, topic: string, handle: string): SendResult {
  const { record, message, queueId } = recall(store, topic, handle);
  return resultOf(store.append(message, queueId, systemProperties(record)));
}

export function delayProgress(store: FakeStore): DelayProgress {
  const waitingIn = (topic: string, queueId: number): Message[] => store.waiting.map(({ record }) => record).filter((record) => record.topic === topic && record.queueId === queueId);
  const end = (topic: string, queueId: number): number => store.topics.get(topic)?.queues[queueId]?.length ?? 0;
  const levels = LEVEL_SECONDS.map((seconds, queueId) => ({
    level: queueId + 1, delayMs: seconds * 1000, queueId, nextOffset: waitingIn(SCHEDULE_TOPIC, queueId)[0]?.queueOffset ?? end(SCHEDULE_TOPIC, queueId),
  }));
  const waits = waitingIn(TIMER_TOPIC, 0);
  const done = (store.topics.get(TIMER_TOPIC)?.queues[0] ?? []).filter((record) => !waits.includes(record)).map(({ commitLogOffset }) => commitLogOffset);
  return { levels, timer: { nextQueueOffset: end(TIMER_TOPIC, 0), lastReadTimeMs: 0, doneInSecond: done } };
}
