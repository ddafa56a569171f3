/** Topics of a consumer group: what is tried again, and what was given up. [MixAll#getRetryTopic, #getDLQTopic] */
export const RETRY_TOPIC_PREFIX = '%RETRY%';
export const DLQ_TOPIC_PREFIX = '%DLQ%';
/** Its committed offsets say which dead letters are dealt with. */
export const DLQ_READER_GROUP = 'MQLITE_DLQ';

export const isRetryTopic = (topic: string): boolean => topic.startsWith(RETRY_TOPIC_PREFIX);
export const isDlqTopic = (topic: string): boolean => topic.startsWith(DLQ_TOPIC_PREFIX);
export const retryTopicOf = (group: string): string => RETRY_TOPIC_PREFIX + group;
export const dlqTopicOf = (group: string): string => DLQ_TOPIC_PREFIX + group;
