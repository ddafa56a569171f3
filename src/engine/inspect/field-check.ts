import { isUtf8 } from 'node:buffer';
import { viewOf } from '../../base/view-of.ts';
import { bodyPosition } from '../../record/check.ts';
import { BODY_CRC, BORN_HOST, MAGIC_CODE, MAGIC_V2, PROPERTY_CRC_BYTES, SYS_FLAG } from '../../record/layout.ts';
import { NAME_END, PROPERTY } from '../../record/properties.ts';
import {
  BORN_HOST_IPV6, COMPRESSED, COMPRESSION_MASK, INNER_BATCH, NEED_UNWRAP, TRANSACTION_COMMIT, TRANSACTION_MASK, compressionTypeOf,
} from '../../record/sys-flag.ts';
import { crc32Masked } from '../../base/crc32.ts';
import type { SuspectField } from './findings.ts';

/**
 * Fields of a record that the body's CRC does not cover and no queue entry repeats. What can be known of them is what no
 * RocketMQ and no mqlite writes; the rest (FLAG, BORNTIMESTAMP, addresses, small changes elsewhere) is protected only by
 * the `__CRC32#` property, which is checked wherever it stands.
 */
export interface FieldProblem {
  readonly field: SuspectField;
  readonly reason: string;
}

const KNOWN_FLAGS = 0x7ff;
const MAX_PORT = 65_535;
/** Attempts beyond this would have taken years of retries. */
const MAX_RECONSUME_TIMES = 1_000_000;
/** First bytes of what each compression makes: RFC 1950 (deflate, 32 KiB window), LZ4 frame, zstd frame. */
const LZ4_MAGIC = 0x04224d18;
const ZSTD_MAGIC = 0x28b52ffd;

const problem = (field: SuspectField, reason: string): FieldProblem => ({ field, reason });

/** The first field of a sound record that nobody writes so; null when there is none. Allocates nothing for a good record. */
export const fieldProblem = (buffer: Buffer, position: number, sizeBytes: number, commitLogOffset: number, propertiesText: string): FieldProblem | null => {
  const view = viewOf(buffer);
  const sysFlag = view.getInt32(position + SYS_FLAG);
  const body = position + bodyPosition(sysFlag);
  const bodyLength = view.getInt32(body - 4);
  const crc = view.getInt32(position + BODY_CRC);
  if (bodyLength === 0 && crc !== 0) return problem('BODYCRC', `BODYCRC is ${crc} though the body is empty`);
  const flags = sysFlagProblem(buffer, body, bodyLength, sysFlag);
  if (flags !== null) return problem('SYSFLAG', flags);
  const bornPort = view.getInt32(position + BORN_HOST + ((sysFlag & BORN_HOST_IPV6) === 0 ? 4 : 16));
  if (bornPort < 0 || bornPort > MAX_PORT) return problem('BORNHOST', `BORNHOST has port ${bornPort}`);
  const storePort = view.getInt32(body - 20);
  if (storePort < 0 || storePort > MAX_PORT) return problem('STOREHOST', `STOREHOST has port ${storePort}`);
  const reconsumeTimes = view.getInt32(body - 16);
  if (reconsumeTimes < 0 || reconsumeTimes > MAX_RECONSUME_TIMES) return problem('RECONSUMETIMES', `RECONSUMETIMES is ${reconsumeTimes}`);
  const preparedHigh = view.getInt32(body - 12);
  const preparedLow = view.getUint32(body - 8);
  if (preparedHigh !== 0 || preparedLow !== 0) {
    const prepared = preparedHigh * 0x1_0000_0000 + preparedLow;
    // Only the end of a transaction sets it, to the half message before this one. [EndTransactionProcessor#endMessageTransaction]
    if ((sysFlag & TRANSACTION_MASK) !== TRANSACTION_COMMIT || prepared < 0 || prepared >= commitLogOffset) {
      return problem('PREPARED_TRAN_OFFSET', `PREPARED_TRAN_OFFSET is ${prepared}`);
    }
  }
  return propertiesProblem(buffer, position, sizeBytes, propertiesText) ?? propertyCrcProblem(buffer, position, sizeBytes);
};

const sysFlagProblem = (buffer: Buffer, body: number, bodyLength: number, sysFlag: number): string | null => {
  if ((sysFlag & ~KNOWN_FLAGS) !== 0) return `SYSFLAG ${sysFlag} has bits that mean nothing`;
  const inner = sysFlag & (NEED_UNWRAP | INNER_BATCH);
  if (inner !== 0 && inner !== (NEED_UNWRAP | INNER_BATCH)) return `SYSFLAG ${sysFlag} is half that of an inner batch`;
  if ((sysFlag & COMPRESSED) === 0) return (sysFlag & COMPRESSION_MASK) === 0 ? null : `SYSFLAG ${sysFlag} names a compression for a body that is not compressed`;
  const type = compressionTypeOf(sysFlag);
  if (type === null) return `SYSFLAG ${sysFlag} names an unknown compression`;
  if (bodyLength < 4) return null;
  const first = buffer.readUInt32BE(body);
  const fits = type === 'zlib' ? (first >>> 24 & 0x0f) === 8 && (first >>> 16) % 31 === 0 : first === (type === 'lz4' ? LZ4_MAGIC : ZSTD_MAGIC);
  return fits ? null : `SYSFLAG ${sysFlag} says ${type}, which the body is not`;
};

/** Java writes nothing but UTF-8. A replacement character in the text is either the sender's own or a byte that is none. */
const propertiesProblem = (buffer: Buffer, position: number, sizeBytes: number, text: string): FieldProblem | null => {
  if (!text.includes('\uFFFD')) return null;
  const body = position + bodyPosition(buffer.readInt32BE(position + SYS_FLAG));
  let at = body + buffer.readInt32BE(body - 4);
  at = buffer.readInt32BE(position + MAGIC_CODE) === MAGIC_V2 ? at + 2 + buffer.readInt16BE(at) : at + 1 + buffer.readInt8(at);
  return isUtf8(buffer.subarray(at + 2, position + sizeBytes)) ? null : problem('PROPERTIES', 'the properties are not UTF-8');
};

const PROPERTY_CRC_NAME = Buffer.from(PROPERTY.CRC32 + NAME_END, 'latin1');

/** The `__CRC32#` property, where the record ends with one: it covers everything before it. [MessageDecoder#createCrc32] */
const propertyCrcProblem = (buffer: Buffer, position: number, sizeBytes: number): FieldProblem | null => {
  const at = position + sizeBytes - PROPERTY_CRC_BYTES;
  for (let index = 0; index < PROPERTY_CRC_NAME.length; index++) if (buffer[at + index] !== PROPERTY_CRC_NAME[index]) return null;
  let stored = 0;
  for (let index = 9; index >= 0; index--) stored = stored * 10 + (buffer[at + PROPERTY_CRC_NAME.length + index]! - 0x30);
  const actual = crc32Masked(buffer.subarray(position, at));
  return stored === actual ? null : problem('PROPERTIES', `${PROPERTY.CRC32} is ${stored}, the record's is ${actual}`);
};
