import { jsonBody } from '../body.ts';
import { MESSAGE_QUEUE } from '../body/queue.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { RPC } from '../fields.ts';
import { bool, list, object, text, withDefault } from '../json/codec.ts';

/** [LockBatchRequestBody] [UnlockBatchRequestBody]; Go and C++ leave onlyThisBroker out. */
const LOCK_REQUEST = object({ clientId: text, consumerGroup: text, mqSet: withDefault(list(MESSAGE_QUEUE), []), onlyThisBroker: withDefault(bool, false) });

/** 41 → body {lockOKMQSet}: those of the queues that are this client's for the next 60 s. [RebalanceLockManager] [LockBatchResponseBody] */
export const LOCK_BATCH_MQ = defineRequest({
  code: REQUEST_CODE.LOCK_BATCH_MQ,
  request: { ...RPC },
  requestBody: jsonBody('the lock request', LOCK_REQUEST),
  responseBody: jsonBody('the locked queues', object({ lockOKMQSet: withDefault(list(MESSAGE_QUEUE), []) })),
});

/** 42 */
export const UNLOCK_BATCH_MQ = defineRequest({
  code: REQUEST_CODE.UNLOCK_BATCH_MQ,
  request: { ...RPC },
  requestBody: jsonBody('the unlock request', LOCK_REQUEST),
});
