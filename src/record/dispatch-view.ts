import { getInt64 } from '../base/int64.ts';
import { viewOf } from '../base/view-of.ts';
import { bodyPosition } from './check.ts';
import { BORN_HOST, BORN_TIMESTAMP, MAGIC_CODE, MAGIC_V2, PHYSICAL_OFFSET, QUEUE_ID, QUEUE_OFFSET, SYS_FLAG, TOTAL_SIZE } from './layout.ts';
import { PROPERTY, propertyOf } from './properties.ts';
import { BORN_HOST_IPV6 } from './sys-flag.ts';
import { tagsHash } from './tags.ts';
import { readText } from './text.ts';
import { TopicCache } from './topic-cache.ts';

/** What dispatching a record to queues and index needs. One object is reused for every record of a scan. */
export interface DispatchView {
  topic: string;
  queueId: number;
  queueOffset: number;
  commitLogOffset: number;
  sizeBytes: number;
  sysFlag: number;
  bornTimestamp: number;
  storeTimestamp: number;
  tags: string | null;
  /** Java hash of TAGS; 0 without. */
  tagsHash: number;
  uniqKey: string | null;
  /** KEYS as stored: separated by single spaces. */
  keys: string | null;
  /** DELAY as a number; 0 without. Throws nothing: a DELAY that is no number is NaN. */
  delayLevel: number;
  propertiesText: string;
}

export const createDispatchView = (): DispatchView => ({
  topic: '', queueId: 0, queueOffset: 0, commitLogOffset: 0, sizeBytes: 0, sysFlag: 0, bornTimestamp: 0, storeTimestamp: 0, tags: null, tagsHash: 0,
  uniqKey: null, keys: null, delayLevel: 0, propertiesText: '',
});

const topics = new TopicCache();

/** Fills `view` from the sound record at `position`. */
export const readDispatchView = (buffer: Buffer, position: number, view: DispatchView): void => {
  const ints = viewOf(buffer);
  const sizeBytes = ints.getInt32(position + TOTAL_SIZE);
  const sysFlag = ints.getInt32(position + SYS_FLAG);
  const body = position + bodyPosition(sysFlag);
  let at = body + ints.getInt32(body - 4);
  let topicLength: number;
  if (ints.getInt32(position + MAGIC_CODE) === MAGIC_V2) {
    topicLength = ints.getInt16(at);
    at += 2;
  } else {
    topicLength = ints.getInt8(at);
    at += 1;
  }
  view.topic = topics.read(buffer, at, topicLength);
  view.queueId = ints.getInt32(position + QUEUE_ID);
  view.queueOffset = getInt64(ints, position + QUEUE_OFFSET);
  view.commitLogOffset = getInt64(ints, position + PHYSICAL_OFFSET);
  view.sizeBytes = sizeBytes;
  view.sysFlag = sysFlag;
  view.bornTimestamp = getInt64(ints, position + BORN_TIMESTAMP);
  view.storeTimestamp = getInt64(ints, position + BORN_HOST + ((sysFlag & BORN_HOST_IPV6) === 0 ? 8 : 20));
  const text = readText(buffer, at + topicLength + 2, position + sizeBytes);
  view.propertiesText = text;
  const tags = propertyOf(text, PROPERTY.TAGS);
  if (tags !== view.tags) {
    view.tags = tags;
    view.tagsHash = tagsHash(tags);
  }
  view.uniqKey = propertyOf(text, PROPERTY.UNIQ_KEY);
  view.keys = propertyOf(text, PROPERTY.KEYS);
  const delay = propertyOf(text, PROPERTY.DELAY);
  view.delayLevel = delay === null ? 0 : Number(delay);
};
