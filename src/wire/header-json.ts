import { CodecError } from '../base/codec-error.ts';
import { PropertyMap } from '../record/properties.ts';
import type { RemotingCommand } from './frame.ts';
import { parseJson } from './json/parse.ts';
import { isJsonObject } from './json/value.ts';
import type { JsonObject, JsonValue } from './json/value.ts';

/*
 * Header of serialize type 0: a JSON object of code, extFields (text to text), flag, language (a name), opaque, remark (absent for none),
 * serializeTypeCurrentRPC (read by nobody) and version. [RemotingCommand] [RemotingSerializable]
 */
type Header = Omit<RemotingCommand, 'body' | 'serializeType'>;

/**
 * What Java's reader takes is taken: missing fields, numbers and booleans for texts, numbers as texts, null, single quotes, bare keys, white
 * space around. C++ clients need most of it. Throws CodecError(DAMAGED) for anything else.
 */
export const decodeJsonHeader = (text: string, body: Buffer | null): RemotingCommand => {
  const header = parseQuickly(text);
  if (!isJsonObject(header)) throw new CodecError('DAMAGED', "the frame's JSON header is no object");
  const { language, remark, extFields } = header;
  return {
    code: int32(header, 'code'),
    language: typeof language === 'string' ? language : 'OTHER',
    version: int32(header, 'version'),
    opaque: int32(header, 'opaque'),
    flag: int32(header, 'flag'),
    remark: remark === undefined || remark === null ? null : textOf(remark, 'remark'),
    extFields: fieldsOf(extFields),
    body,
    serializeType: 'JSON',
  };
};

/** V8's own parser is several times faster than ours and does for all that Java writes. Numbers that it would round go to ours. */
const parseQuickly = (text: string): JsonValue => {
  try {
    const value = JSON.parse(text) as JsonValue;
    if (!hasLongNumber(value)) return value;
  } catch {
    // Perhaps one of the oddities that Java takes.
  }
  return parseJson(text);
};

const hasLongNumber = (value: JsonValue): boolean => {
  const fields = isJsonObject(value) ? value['extFields'] : null;
  if (!isJsonObject(fields)) return false;
  for (const name in fields) if (typeof fields[name] === 'number' && !Number.isSafeInteger(fields[name])) return true;
  return false;
};

const fieldsOf = (value: JsonValue | undefined): Readonly<Record<string, string>> => {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw new CodecError('DAMAGED', 'extFields of the frame\'s header is no object');
  for (const name in value) if (typeof value[name] !== 'string') return asTexts(value);
  return value as Readonly<Record<string, string>>;
};

const asTexts = (fields: JsonObject): Record<string, string> => {
  const texts = new PropertyMap();
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== null && value !== undefined) texts[name] = textOf(value, `extFields.${name}`);
  }
  return texts;
};

const textOf = (value: JsonValue, name: string): string => {
  if (typeof value === 'object') throw new CodecError('DAMAGED', `${name.slice(0, 80)} of the frame's header is no text`);
  return String(value);
};

const int32 = (header: JsonObject, name: string): number => {
  const value = header[name];
  if (value === undefined || value === null) return 0;
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || number !== (number | 0)) throw new CodecError('DAMAGED', `${name} of the frame's header is no 32-bit integer`);
  return number;
};

/** Keys in Java's order; extFields always, because some readers miss them; every value as text, because the C++ client reads no other. */
export const encodeJsonHeader = ({ code, extFields, flag, language, opaque, remark, version }: Header): string =>
  `{"code":${code},"extFields":${JSON.stringify(extFields)},"flag":${flag},"language":${JSON.stringify(language)},"opaque":${opaque}` +
  `${remark === null ? '' : `,"remark":${JSON.stringify(remark)}`},"serializeTypeCurrentRPC":"JSON","version":${version}}`;
