/**
 * Byte layout of a commit-log record, docs/format/commit-log.md. Big-endian, signed. [MessageExtEncoder#encode]
 * Positions hold for a record whose born host is IPv4; what follows the hosts moves by 12 bytes per IPv6 host.
 */
export const MAGIC_V1 = 0xdaa320a7 | 0;
export const MAGIC_V2 = 0xdaa320ab | 0;
export const MAGIC_BLANK = 0xcbd43194 | 0;

export const TOTAL_SIZE = 0;
export const MAGIC_CODE = 4;
export const BODY_CRC = 8;
export const QUEUE_ID = 12;
export const FLAG = 16;
export const QUEUE_OFFSET = 20;
export const PHYSICAL_OFFSET = 28;
export const SYS_FLAG = 36;
export const BORN_TIMESTAMP = 40;
export const BORN_HOST = 48;

/** Address and port (i32). */
export const IPV4_HOST_BYTES = 8;
export const IPV6_HOST_BYTES = 20;
/** STORETIMESTAMP, behind the born host. */
export const STORE_TIMESTAMP_BYTES = 8;
/** RECONSUMETIMES i32, PREPARED_TRAN_OFFSET i64, BODYLEN i32, behind the store host. */
export const AFTER_STORE_HOST_BYTES = 16;

/** Fixed parts of a version-1 record over IPv4: no body, no topic, no properties. [MessageExtEncoder#calMsgLength] */
export const MIN_RECORD_BYTES = 91;
/** What an end-of-file record needs. [CommitLog, END_FILE_MIN_BLANK_LENGTH] */
export const MIN_BLANK_BYTES = 8;

/** maxMessageSize: stored (compressed) bytes of a body. [MessageStoreConfig] */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** [MessageExtEncoder#MessageExtEncoder] */
export const MAX_RECORD_BYTES = MAX_BODY_BYTES + 65_536;
export const MAX_PROPERTIES_BYTES = 32_767;
/** Topics longer than this many characters make the record version 2. [MessageVersion] */
export const MAX_V1_TOPIC_LENGTH = 127;
/** A topic's UTF-8 bytes; longer ones only for retry topics. [HookUtils#checkBeforePutMessage] */
export const MAX_TOPIC_BYTES = 127;
export const MAX_RETRY_TOPIC_BYTES = 255;
/** `__CRC32#` 0x01 ten digits 0x02. [CommitLog#CRC32_RESERVED_LEN] */
export const PROPERTY_CRC_BYTES = 20;
