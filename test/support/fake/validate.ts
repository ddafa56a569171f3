import { MqliteError } from '../../../src/broker/errors.ts';
import type { OutgoingMessage } from '../../../src/broker/types.ts';

const LEGAL_NAME = /^[%|a-zA-Z0-9_-]+$/;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_PROPERTIES_BYTES = 32_767;
/** A few of RocketMQ's system names, written down again: a fake that imported the engine's list could not contradict it. [MessageConst] */
const SYSTEM_NAMES = new Set(['KEYS', 'TAGS', 'UNIQ_KEY', 'WAIT', 'DELAY', 'REAL_TOPIC', 'REAL_QID', 'RETRY_TOPIC', 'TRAN_MSG', 'PGROUP', '__SHARDINGKEY',
  'CLUSTER', 'MSG_REGION', 'TRACE_ON', 'TIMER_DELIVER_MS', 'TIMER_DELAY_SEC', 'TIMER_DELAY_MS', 'TIMER_OUT_MS', 'INNER_NUM', 'INNER_BASE', '__CRC32#']);
/** [TopicValidator] */
const SYSTEM_TOPICS = new Set(['TBW102', 'SCHEDULE_TOPIC_XXXX', 'BenchmarkTest', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRACE_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC', 'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT', 'CHECKPOINT_TOPIC']);
const SEND_FORBIDDEN = new Set(['SCHEDULE_TOPIC_XXXX', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT']);

export function isSystemTopicName(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith('rmq_sys_');
}

/** [TopicValidator#validateTopic] */
export function checkTopicName(topic: string): void {
  if (topic.trim() === '') throw new MqliteError('INVALID_INPUT', 'the topic is empty', { hint: 'Name a topic.' });
  if (!LEGAL_NAME.test(topic)) throw new MqliteError('INVALID_INPUT', `topic "${topic}" has illegal characters`, { hint: 'Allowed: letters, digits and % | _ -.' });
  const limit = /^%(RETRY|DLQ)%/.test(topic) ? 255 : 127;
  if (topic.length > limit) throw new MqliteError('INVALID_INPUT', `the topic has ${topic.length} characters, at most ${limit} are allowed`);
}

/** [TopicValidator#validateGroup] */
export function checkGroupName(group: string): void {
  if (group.trim() === '') throw new MqliteError('INVALID_INPUT', 'the group is empty', { hint: 'Name a group.' });
  if (!LEGAL_NAME.test(group)) throw new MqliteError('INVALID_INPUT', `group "${group}" has illegal characters`, { hint: 'Allowed: letters, digits and % | _ -.' });
  if (group.length > 120) throw new MqliteError('INVALID_INPUT', `the group has ${group.length} characters, at most 120 are allowed`);
}

/** Everything that can be wrong with a message before its topic is looked up. */
export function checkMessage(message: OutgoingMessage): void {
  checkTopicName(message.topic);
  if (SEND_FORBIDDEN.has(message.topic)) throw new MqliteError('REFUSED', `topic ${message.topic} is RocketMQ's own: nothing may be sent to it`);
  if (message.body.length === 0) throw new MqliteError('MESSAGE_ILLEGAL', 'the body is empty', { hint: 'RocketMQ refuses empty bodies.' });
  if (message.body.length > MAX_BODY_BYTES) {
    throw new MqliteError('MESSAGE_ILLEGAL', `the body has ${message.body.length} bytes, at most ${MAX_BODY_BYTES} are allowed`);
  }
  if (message.origin !== undefined && !message.topic.startsWith('%RETRY%')) throw new MqliteError('INVALID_INPUT', `${message.topic} is no retry topic`);
  const reserved = Object.keys(message.properties ?? {}).find((name) => SYSTEM_NAMES.has(name));
  if (reserved !== undefined) throw new MqliteError('INVALID_INPUT', `property ${reserved} is RocketMQ's own`, { hint: 'Choose another name.' });
}

/** The stored size of the properties in bytes. Throws INVALID_INPUT for what cannot be stored, MESSAGE_ILLEGAL beyond 32,767 bytes. */
export function propertiesSize(properties: Readonly<Record<string, string>>): number {
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(properties)) {
    if (name === '' || value === '' || /[\u0001\u0002]/.test(name + value)) throw new MqliteError('INVALID_INPUT', `property "${name}" cannot be stored`);
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  }
  if (sizeBytes > MAX_PROPERTIES_BYTES) throw new MqliteError('MESSAGE_ILLEGAL', `the properties have ${sizeBytes} bytes, at most ${MAX_PROPERTIES_BYTES} are allowed`);
  return sizeBytes;
}

export function checkWhole(value: number, what: string, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new MqliteError('INVALID_INPUT', `${what} ${value} is not a whole number of at least ${least}`);
}
