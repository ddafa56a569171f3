import { RAW_BODY } from '../body.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, int32, int64, optional, RPC, text } from '../fields.ts';

/** `commitOrRollback`. [MessageSysFlag] */
export const COMMIT_OR_ROLLBACK = { UNKNOWN: 0, COMMIT: 8, ROLLBACK: 12 } as const;

/**
 * 37, often one-way: tranStateTableOffset is the half's queue offset, commitLogOffset where its record lies, msgId its UNIQ_KEY.
 * SYSTEM_ERROR when they do not belong together. With UNKNOWN nothing is answered. [EndTransactionRequestHeader] [EndTransactionProcessor]
 */
export const END_TRANSACTION = defineRequest({
  code: REQUEST_CODE.END_TRANSACTION,
  request: {
    topic: optional(text()),
    producerGroup: text(),
    tranStateTableOffset: int64(),
    commitLogOffset: int64(),
    commitOrRollback: int32(),
    fromTransactionCheck: optional(bool()),
    msgId: text(),
    transactionId: optional(text()),
    ...RPC,
  },
});

/**
 * 39, broker → client, one-way: what became of this half? The body is its stored record with the topic and queue it is meant for. Answered by an
 * END_TRANSACTION with fromTransactionCheck and these offsets, which differ from the first send's. [CheckTransactionStateRequestHeader]
 * [AbstractTransactionalMessageCheckListener#sendCheckMessage]
 */
export const CHECK_TRANSACTION_STATE = defineRequest({
  code: REQUEST_CODE.CHECK_TRANSACTION_STATE,
  request: {
    topic: optional(text()),
    tranStateTableOffset: int64(),
    commitLogOffset: int64(),
    msgId: optional(text()),
    transactionId: optional(text()),
    offsetMsgId: optional(text()),
    ...RPC,
  },
  requestBody: RAW_BODY,
});
