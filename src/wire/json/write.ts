import { JsonPairs } from './value.ts';
import type { JsonObject, JsonValue } from './value.ts';

/**
 * JSON as every RocketMQ client reads it: no white space (Go's client cuts routes by hand), numbers as keys quoted, objects as keys as
 * they are (`{{"topic":"T"}:1}`, which fastjson 2 and Go read and nothing else), bigint with all digits. Undefined fields are left out.
 */
export const writeJson = (value: JsonValue): string => {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(writeJson).join(',')}]`;
  if (value instanceof JsonPairs) return `{${value.entries.map(([key, item]) => `${writeJson(key)}:${writeJson(item)}`).join(',')}}`;
  const items: string[] = [];
  for (const name of Object.keys(value)) {
    const item = (value as JsonObject)[name];
    if (item !== undefined) items.push(`${writeKey(name)}:${writeJson(item)}`);
  }
  return `{${items.join(',')}}`;
};

/** fastjson 2 cannot read keys with characters of four bytes, not even those it has written itself (2.0.59): they are escaped. */
const writeKey = (name: string): string => JSON.stringify(name).replace(/[\ud800-\udfff]/g, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
