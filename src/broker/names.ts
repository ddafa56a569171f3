import { MqliteError } from './errors.ts';
import { isDlqTopic, isRetryTopic } from './retry-topics.ts';
import { TRACE_TOPIC } from '../record/trace.ts';
import { GIVE_UP_TOPIC, HALF_TOPIC, OP_HALF_TOPIC, TRANSACTION_GROUP } from '../record/transaction.ts';

/** Limits and names of [TopicValidator]; a group name is short enough for `%RETRY%group` and `%DLQ%group`. Lengths in characters. */
export const TOPIC_MAX_LENGTH = 127;
export const RETRY_OR_DLQ_TOPIC_MAX_LENGTH = 255;
export const GROUP_MAX_LENGTH = 120;

export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
export const AUTO_CREATE_TOPIC = 'TBW102';
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';

/** What a broker calls itself; some of its system topics are named after it. */
export interface BrokerNames {
  readonly brokerName: string;
  readonly clusterName: string;
}

const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  AUTO_CREATE_TOPIC, SCHEDULE_TOPIC, 'BenchmarkTest', HALF_TOPIC, TRACE_TOPIC, OP_HALF_TOPIC, GIVE_UP_TOPIC,
  'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT', 'CHECKPOINT_TOPIC',
  // Since 5.5.0.
  'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC', 'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
]);

/** Topics that no client may send to [TopicValidator#isNotAllowedSendTopic]. */
const NOT_ALLOWED_SEND: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC, HALF_TOPIC, OP_HALF_TOPIC, GIVE_UP_TOPIC, 'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT',
]);

const ALLOWED = /^[%|a-zA-Z0-9_-]$/;

const describeCharacter = (character: string): string => {
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  // Only plain printable characters are shown as they are: this text goes to a terminal.
  return /^[!-~]$/.test(character) ? `'${character}' (${code})` : character === ' ' ? `' ' (${code})` : code;
};

const validateName = (kind: 'topic' | 'group', name: string, maxLength: number): void => {
  if (name.length === 0) {
    throw new MqliteError('INVALID_INPUT', `the ${kind} name is empty`, { hint: `give a ${kind} name of 1 to ${maxLength} characters` });
  }
  let position = 0;
  for (const character of name) {
    position += 1;
    if (!ALLOWED.test(character)) {
      const found = describeCharacter(character);
      throw new MqliteError('INVALID_INPUT', `illegal character ${found} at position ${position} of the ${kind} name`, {
        hint: 'allowed are letters, digits, "_", "-", "%" and "|"',
      });
    }
  }
  if (name.length > maxLength) {
    throw new MqliteError('INVALID_INPUT', `the ${kind} name has ${name.length} characters, at most ${maxLength} are allowed`, {
      hint: `"${name.slice(0, 20)}…": choose a shorter name`,
    });
  }
};

/** Throws INVALID_INPUT naming the character and its 1-based position, or the length. Such a name is also a safe directory name. */
export const validateTopicName = (topic: string): void =>
  validateName('topic', topic, isRetryTopic(topic) || isDlqTopic(topic) ? RETRY_OR_DLQ_TOPIC_MAX_LENGTH : TOPIC_MAX_LENGTH);

/** The same for consumer and producer groups. */
export const validateGroupName = (group: string): void => validateName('group', group, GROUP_MAX_LENGTH);

/** RocketMQ's own topics, also those named after this broker and cluster [TopicConfigManager#init]. Not retry and dead-letter topics. */
export const isSystemTopic = (topic: string, names: BrokerNames): boolean =>
  SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX) ||
  topic === names.clusterName || topic === names.brokerName || topic === `${names.clusterName}_REPLY_TOPIC`;

export const isSendAllowed = (topic: string): boolean => !NOT_ALLOWED_SEND.has(topic);

/** Built-in consumer groups [SubscriptionGroupManager#init]. */
export const BUILT_IN_GROUPS: readonly string[] = [
  'TOOLS_CONSUMER', 'FILTERSRV_CONSUMER', 'SELF_TEST_C_GROUP', 'CID_ONS-HTTP-PROXY', 'CID_ONSAPI_PULL', 'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER', TRANSACTION_GROUP,
];

/** Built in, or with the prefix that RocketMQ reserves [MixAll#isSysConsumerGroup]. */
export const isSystemGroup = (group: string): boolean => BUILT_IN_GROUPS.includes(group) || group.startsWith('CID_RMQ_SYS_');
