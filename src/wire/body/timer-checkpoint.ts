import { CodecError } from '../../base/codec-error.ts';
import type { BodyCodec } from '../body.ts';

/** The fields of the file `timercheck`, which a broker sends as they are. [TimerCheckpoint#encode] */
export interface TimerCheckpoint {
  readonly lastReadTimeMs: number;
  readonly lastTimerLogFlushPos: number;
  readonly lastTimerQueueOffset: number;
  readonly masterTimerQueueOffset: number;
}

/** Four i64; from 5.1 on the three of a DataVersion follow, which say nothing to a reader. */
const FIELDS_BYTES = 32;

export const TIMER_CHECKPOINT: BodyCodec<TimerCheckpoint> = {
  encode: ({ lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset, masterTimerQueueOffset }) => {
    const bytes = Buffer.alloc(FIELDS_BYTES);
    [lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset, masterTimerQueueOffset].forEach((value, index) => bytes.writeBigInt64BE(BigInt(value), index * 8));
    return bytes;
  },
  decode: (body) => {
    if (body === null || body.length < FIELDS_BYTES) throw new CodecError('DAMAGED', `the timer's checkpoint has ${body?.length ?? 0} bytes, not ${FIELDS_BYTES}`);
    const field = (index: number): number => {
      const value = Number(body.readBigInt64BE(index * 8));
      if (!Number.isSafeInteger(value)) throw new CodecError('DAMAGED', `the timer's checkpoint holds ${value} as its number ${index + 1}`);
      return value;
    };
    return { lastReadTimeMs: field(0), lastTimerLogFlushPos: field(1), lastTimerQueueOffset: field(2), masterTimerQueueOffset: field(3) };
  },
};
