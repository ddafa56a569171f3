import { jsonBody, RAW_BODY } from '../body.ts';
import { CONSUME_MESSAGE_DIRECTLY_RESULT, CONSUMER_RUNNING_INFO } from '../body/running-info.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, optional, RPC, text, TOPIC_RPC } from '../fields.ts';

/*
 * What an admin asks of one member: the broker passes the request on to the client and its answer back.
 */

/** 307, client → broker → client → body ConsumerRunningInfo. SYSTEM_ERROR: no such member; CONSUME_MSG_TIMEOUT: no answer in 10 s. [GetConsumerRunningInfoRequestHeader] */
export const GET_CONSUMER_RUNNING_INFO = defineRequest({
  code: REQUEST_CODE.GET_CONSUMER_RUNNING_INFO,
  request: { consumerGroup: text(), clientId: text(), jstackEnable: optional(bool()), ...RPC },
  responseBody: jsonBody('the member\'s state', CONSUMER_RUNNING_INFO),
});

/**
 * 309: let a member consume one message now; msgId is an offsetMsgId. To the client the broker adds brokerName, flags and the stored record as body.
 * → body ConsumeMessageDirectlyResult. [ConsumeMessageDirectlyResultRequestHeader]
 */
export const CONSUME_MESSAGE_DIRECTLY = defineRequest({
  code: REQUEST_CODE.CONSUME_MESSAGE_DIRECTLY,
  request: {
    consumerGroup: text(),
    clientId: optional(text()),
    msgId: optional(text()),
    brokerName: optional(text()),
    topic: optional(text()),
    topicSysFlag: optional(int32()),
    groupSysFlag: optional(int32()),
    ...TOPIC_RPC,
  },
  requestBody: RAW_BODY,
  responseBody: jsonBody('the member\'s answer', CONSUME_MESSAGE_DIRECTLY_RESULT),
});
