import { CodecError } from '../base/codec-error.ts';
import { PropertyMap } from '../record/properties.ts';
import { LANGUAGES } from './codes.ts';
import type { RemotingCommand } from './frame.ts';

/*
 * Header of serialize type 1: code i16, language i8, version i16, opaque i32, flag i32, remark (i32 length, text), extFields (i32 bytes in
 * all; per field i16 length, key, i32 length, value). [RocketMQSerializable]
 */
const OPAQUE_AT = 5;
const REMARK_AT = 13;
const MIN_HEADER_BYTES = 21;
const OTHER = LANGUAGES.indexOf('OTHER');

type Header = Omit<RemotingCommand, 'body' | 'serializeType'>;

/** Throws CodecError(DAMAGED) where lengths do not fit; never reads outside of `buffer[start, end)`. */
export const decodeBinaryHeader = (buffer: Buffer, start: number, end: number, body: Buffer | null): RemotingCommand => {
  if (end - start < MIN_HEADER_BYTES) throw new CodecError('DAMAGED', `the frame's binary header has ${end - start} bytes; the smallest has ${MIN_HEADER_BYTES}`);
  const language = buffer.readInt8(start + 2);
  const remarkAt = start + REMARK_AT + 4;
  const remarkEnd = remarkAt + lengthAt(buffer, remarkAt - 4, end - 4, 'remark');
  const fieldsAt = remarkEnd + 4;
  const fieldsEnd = fieldsAt + lengthAt(buffer, remarkEnd, end, 'extFields');
  return {
    code: buffer.readInt16BE(start),
    language: LANGUAGES[language] ?? String(language),
    version: buffer.readInt16BE(start + 3),
    opaque: buffer.readInt32BE(start + OPAQUE_AT),
    flag: buffer.readInt32BE(start + OPAQUE_AT + 4),
    remark: remarkEnd === remarkAt ? null : buffer.utf8Slice(remarkAt, remarkEnd),
    extFields: decodeFields(buffer, fieldsAt, fieldsEnd),
    body,
    serializeType: 'ROCKETMQ',
  };
};

const decodeFields = (buffer: Buffer, start: number, end: number): Record<string, string> => {
  const fields = new PropertyMap();
  for (let at = start; at < end; ) {
    if (at + 2 > end) throw damaged('a key of extFields');
    const keyAt = at + 2;
    const keyEnd = keyAt + buffer.readInt16BE(at);
    if (keyEnd < keyAt || keyEnd > end) throw damaged('a key of extFields');
    const valueAt = keyEnd + 4;
    const valueEnd = valueAt + lengthAt(buffer, keyEnd, end, 'a value of extFields');
    fields[buffer.utf8Slice(keyAt, keyEnd)] = buffer.utf8Slice(valueAt, valueEnd);
    at = valueEnd;
  }
  return fields;
};

/** The i32 length at `at`, whose bytes must lie before `end`. */
const lengthAt = (buffer: Buffer, at: number, end: number, what: string): number => {
  if (at + 4 > end) throw damaged(what);
  const length = buffer.readInt32BE(at);
  if (length < 0 || at + 4 + length > end) throw damaged(what);
  return length;
};

const damaged = (what: string): CodecError => new CodecError('DAMAGED', `the length of ${what} does not fit the frame's binary header`);

/** Throws CodecError(INVALID_INPUT) for a code beyond 16 bits: it needs a JSON header. */
export const encodeBinaryHeader = (command: Header): Buffer => {
  if (command.code !== (command.code << 16) >> 16) throw new CodecError('INVALID_INPUT', `code ${command.code} does not fit a binary header; send it with a JSON header`);
  const remark = Buffer.from(command.remark ?? '');
  const fields = Object.entries(command.extFields).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const);
  const fieldBytes = fields.reduce((sum, [key, value]) => sum + 6 + key.length + value.length, 0);
  const header = Buffer.alloc(MIN_HEADER_BYTES + remark.length + fieldBytes);
  header.writeInt16BE(command.code, 0);
  header.writeInt8(languageCode(command.language), 2);
  header.writeInt16BE((command.version << 16) >> 16, 3);
  header.writeInt32BE(command.opaque, OPAQUE_AT);
  header.writeInt32BE(command.flag, OPAQUE_AT + 4);
  let at = header.writeInt32BE(remark.length, REMARK_AT);
  at = header.writeInt32BE(fieldBytes, at + remark.copy(header, at));
  for (const [key, value] of fields) {
    if (key.length > 0x7fff) throw new CodecError('INVALID_INPUT', `an extFields key of ${key.length} bytes does not fit a binary header`);
    at = header.writeInt16BE(key.length, at);
    at = header.writeInt32BE(value.length, at + key.copy(header, at));
    at += value.copy(header, at);
  }
  return header;
};

const languageCode = (language: string): number => {
  const known = (LANGUAGES as readonly string[]).indexOf(language);
  if (known >= 0) return known;
  return /^-?\d{1,3}$/.test(language) ? (Number(language) << 24) >> 24 : OTHER;
};
