import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, int64, optional, RPC, text } from '../fields.ts';

/**
 * 36: `offset` is the record's commit-log offset; delayLevel 0: 3 + reconsumeTimes, below 0: dead at once; maxReconsumeTimes counts from senders of
 * version 121 on. SYSTEM_ERROR: no record there. docs/format/retry.md. [ConsumerSendMsgBackRequestHeader] [AbstractSendMessageProcessor#consumerSendMsgBack]
 */
export const CONSUMER_SEND_MSG_BACK = defineRequest({
  code: REQUEST_CODE.CONSUMER_SEND_MSG_BACK,
  request: {
    offset: int64(),
    group: text(),
    delayLevel: int32(),
    originMsgId: optional(text()),
    originTopic: optional(text()),
    unitMode: optional(bool()),
    maxReconsumeTimes: optional(int32()),
    ...RPC,
  },
});
