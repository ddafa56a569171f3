import { RAW_BODY } from '../body.ts';
import { REQUEST_CODE } from '../codes.ts';
import { defineRequest } from '../definition.ts';
import { bool, exactInt64, int32, int64, optional, text, TOPIC_RPC } from '../fields.ts';

/** 33: the record at commit-log offset `offset` → its bytes; SYSTEM_ERROR where none is. [ViewMessageRequestHeader] [QueryMessageProcessor#viewMessageById] */
export const VIEW_MESSAGE_BY_ID = defineRequest({
  code: REQUEST_CODE.VIEW_MESSAGE_BY_ID,
  request: { topic: optional(text()), offset: int64() },
  responseBody: RAW_BODY,
});

/**
 * 12: by key, or by unique id with isUniqueKey, when maxNum does not count. → stored records, newest first; QUERY_NOT_FOUND. The index goes by hash:
 * the reader has to compare topic and keys. endTimestamp is Long.MAX_VALUE for "no end". [QueryMessageRequestHeader] [QueryMessageProcessor#queryMessage]
 */
export const QUERY_MESSAGE = defineRequest({
  code: REQUEST_CODE.QUERY_MESSAGE,
  request: {
    topic: text(),
    key: text(),
    maxNum: int32(),
    beginTimestamp: exactInt64(),
    endTimestamp: exactInt64(),
    indexType: optional(text()),
    lastKey: optional(text()),
    /** Put in beside the header. [MixAll#UNIQUE_MSG_QUERY_FLAG] */
    isUniqueKey: optional(bool('_UNIQUE_KEY_QUERY')),
    ...TOPIC_RPC,
  },
  response: { indexLastUpdateTimestamp: int64(), indexLastUpdatePhyoffset: int64() },
  responseBody: RAW_BODY,
});
