import { RAW_BODY } from '../body.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { exactInt64, int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';

/** Bits of a pull's sysFlag. [PullSysFlag] */
export const PULL_SYS_FLAG = {
  /** `commitOffset` is to be stored; never sent to a slave. */
  COMMIT_OFFSET: 0x1,
  /** Wait up to `suspendTimeoutMillis` for a first message. */
  SUSPEND: 0x2,
  /** `subscription` and `expressionType` are this request's; else those of the last heartbeat count. */
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL: 0x10,
} as const;

/**
 * 11: queueOffset is the first wanted; subVersion the version of the subscription, which the broker must have heard of; expressionType TAG (absent
 * too) or SQL92; maxMsgBytes caps the answer. → where to go on and from which broker id, and the stored records one behind the other
 * (message-stream.ts). FOUND has code SUCCESS; PULL_NOT_FOUND, PULL_RETRY_IMMEDIATELY and PULL_OFFSET_MOVED have the answer's fields too; the remark
 * names the reason. [PullMessageRequestHeader] [PullMessageResponseHeader] [DefaultPullMessageResultHandler#composeResponseHeader]
 */
export const PULL_MESSAGE = defineRequest({
  code: REQUEST_CODE.PULL_MESSAGE,
  request: {
    consumerGroup: text(),
    topic: text(),
    queueId: int32(),
    queueOffset: int64(),
    maxMsgNums: int32(),
    sysFlag: int32(),
    commitOffset: int64(),
    suspendTimeoutMillis: int64(),
    subscription: optional(text()),
    subVersion: exactInt64(),
    expressionType: optional(text()),
    maxMsgBytes: optional(int32()),
    requestSource: optional(int32()),
    /** Spelled so. */
    proxyFrowardClientId: optional(text()),
    liteTopic: optional(text()),
    ...TOPIC_RPC,
  },
  response: {
    /** Whom to pull from next: 0 is the master. */
    suggestWhichBrokerId: int64(),
    nextBeginOffset: int64(),
    minOffset: int64(),
    maxOffset: int64(),
    /** Static topics: to be added to each queueOffset. */
    offsetDelta: optional(int64()),
    topicSysFlag: optional(int32()),
    groupSysFlag: optional(int32()),
    /** Why NO_PERMISSION: 1 broker, 2 group, 3 topic, 4 broadcasting, 5 subscription. [ForbiddenType] */
    forbiddenType: optional(int32()),
  },
  responseBody: RAW_BODY,
});
