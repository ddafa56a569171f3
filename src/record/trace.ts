/** Records of message traces, as clients write them (docs/format/trace.md). */

/** [TopicValidator#RMQ_SYS_TRACE_TOPIC] */
export const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';

const FIELD_END = '\u0001';
const RECORD_END = '\u0002';

const MESSAGE_TYPES = ['normal', 'half', 'commit', 'delay', 'order'] as const;
const CONSUME_RESULTS = ['success', 'timeout', 'exception', 'null', 'failed'] as const;

export type ConsumeResult = (typeof CONSUME_RESULTS)[number];

export interface PublishTrace {
  readonly kind: 'Pub';
  readonly timestamp: number;
  readonly group: string;
  readonly topic: string;
  readonly msgId: string;
  readonly tags: string | null;
  readonly keys: readonly string[];
  readonly storeHost: string;
  readonly bodySizeBytes: number;
  readonly costMs: number;
  readonly messageType: (typeof MESSAGE_TYPES)[number] | null;
  readonly offsetMsgId: string | null;
  readonly success: boolean;
}

export interface ConsumeStartTrace {
  readonly kind: 'SubBefore';
  readonly timestamp: number;
  readonly group: string;
  readonly requestId: string;
  readonly msgId: string;
  readonly retryTimes: number;
  readonly keys: readonly string[];
}

export interface ConsumeEndTrace {
  readonly kind: 'SubAfter';
  readonly requestId: string;
  readonly msgId: string;
  readonly costMs: number;
  readonly success: boolean;
  readonly keys: readonly string[];
  /** What the listener answered; null where an old client does not say. */
  readonly result: ConsumeResult | null;
  readonly timestamp: number | null;
  readonly group: string | null;
}

export interface EndTransactionTrace {
  readonly kind: 'EndTransaction';
  readonly timestamp: number;
  readonly group: string;
  readonly topic: string;
  readonly msgId: string;
  readonly transactionId: string;
  /** LocalTransactionState: COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOW. */
  readonly state: string;
  readonly fromTransactionCheck: boolean;
}

export interface RecallTrace {
  readonly kind: 'Recall';
  readonly timestamp: number;
  readonly group: string;
  readonly topic: string;
  readonly msgId: string;
  readonly success: boolean;
}

export type TraceRecord = PublishTrace | ConsumeStartTrace | ConsumeEndTrace | EndTransactionTrace | RecallTrace;

/** The records in the body of a trace message. What is no record of a known kind is passed over. [TraceDataEncoder#decoderFromTraceDataString] */
export const decodeTrace = (body: string): TraceRecord[] =>
  body.split(RECORD_END).flatMap((text) => {
    const record = decodeRecord(text.split(FIELD_END));
    return record === null ? [] : [record];
  });

/** null: no such kind, fields missing, or no number where one should be. */
const decodeRecord = (fields: readonly string[]): TraceRecord | null => {
  const numbers = (...positions: number[]): boolean => positions.every((position) => /^-?\d{1,15}$/.test(fields[position] ?? ''));
  const text = (position: number): string => fields[position]!;
  const number = (position: number): number => Number(fields[position]);
  const flag = (position: number): boolean => fields[position]?.toLowerCase() === 'true';
  switch (fields[0] ?? '') {
    case 'Pub':
      if (fields.length < 13 || !numbers(1, 9, 10, 11)) return null;
      return {
        kind: 'Pub', timestamp: number(1), group: text(3), topic: text(4), msgId: text(5), tags: orNull(text(6)), keys: keysOf(text(7)), storeHost: text(8),
        bodySizeBytes: number(9), costMs: number(10), messageType: MESSAGE_TYPES[number(11)] ?? null,
        offsetMsgId: fields.length === 13 ? null : orNull(text(12)), success: flag(fields.length === 13 ? 12 : 13),
      };
    case 'SubBefore':
      if (fields.length < 8 || !numbers(1, 6)) return null;
      return { kind: 'SubBefore', timestamp: number(1), group: text(3), requestId: text(4), msgId: text(5), retryTimes: number(6), keys: keysOf(text(7)) };
    case 'SubAfter':
      if (fields.length < 6 || !numbers(3)) return null;
      return {
        kind: 'SubAfter', requestId: text(1), msgId: text(2), costMs: number(3), success: flag(4), keys: keysOf(text(5)),
        result: numbers(6) ? (CONSUME_RESULTS[number(6)] ?? null) : null, timestamp: numbers(7) ? number(7) : null, group: orNull(fields[8] ?? ''),
      };
    case 'EndTransaction':
      if (fields.length < 13 || !numbers(1)) return null;
      return {
        kind: 'EndTransaction', timestamp: number(1), group: text(3), topic: text(4), msgId: text(5), transactionId: text(10), state: text(11), fromTransactionCheck: flag(12),
      };
    case 'Recall':
      if (fields.length < 7 || !numbers(1)) return null;
      return { kind: 'Recall', timestamp: number(1), group: text(3), topic: text(4), msgId: text(5), success: flag(6) };
    default:
      return null;
  }
};

/** A field that Java did not set. */
const orNull = (text: string): string | null => (text === '' || text === 'null' ? null : text);

const keysOf = (text: string): string[] => (orNull(text) === null ? [] : text.split(' ').filter((key) => key !== ''));
