import { CodecError } from '../../base/codec-error.ts';
import { PropertyMap } from '../../record/properties.ts';
import { parseJson } from './parse.ts';
import { isJsonObject, JsonPairs } from './value.ts';
import type { JsonObject, JsonValue } from './value.ts';

/**
 * One declaration of a JSON shape, read and written. Reading takes what Java's readers take: missing fields where the declaration has a
 * default, fields it does not know, numbers and booleans as texts and the other way round, ordinals of enums.
 */
export interface JsonCodec<T> {
  /** @param name of the field, for messages. Throws CodecError(DAMAGED). */
  read(value: JsonValue | undefined, name: string): T;
  /** undefined: left out. */
  write(value: T): JsonValue | undefined;
}

export type JsonOf<C> = C extends JsonCodec<infer T> ? T : never;

const wrong = (name: string, what: string, value: JsonValue | undefined): CodecError =>
  new CodecError('DAMAGED', value === undefined || value === null ? `${name} is missing` : `${name} is not ${what}`);

export const text: JsonCodec<string> = {
  read: (value, name) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
    throw wrong(name, 'a text', value);
  },
  write: (value) => value,
};

const INTEGER = /^[+-]?\d{1,19}$/;

const integer = (what: string, isIn: (value: number) => boolean): JsonCodec<number> => ({
  read: (value, name) => {
    const number = typeof value === 'string' && INTEGER.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !isIn(number)) throw wrong(name, what, value);
    return number;
  },
  write: (value) => value,
});

export const int32 = integer('a 32-bit integer', (value) => value === (value | 0));
/** Offsets, times, counters. */
export const int64 = integer('an integer below 2^53', Number.isSafeInteger);
/** All 64 bits: bigint beyond 2^53. */
export const exactInt64: JsonCodec<number | bigint> = {
  read: (value, name) => {
    const number = typeof value === 'string' && INTEGER.test(value) ? shortest(BigInt(value.replace('+', ''))) : value;
    if (typeof number === 'bigint' ? BigInt.asIntN(64, number) !== number : !Number.isSafeInteger(number)) throw wrong(name, 'a 64-bit integer', value);
    return number as number | bigint;
  },
  write: (value) => value,
};

const shortest = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

export const double: JsonCodec<number> = {
  read: (value, name) => {
    const number = typeof value === 'string' && value !== '' ? Number(value) : typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || Number.isNaN(number)) throw wrong(name, 'a number', value);
    return number;
  },
  write: (value) => value,
};

export const bool: JsonCodec<boolean> = {
  read: (value, name) => {
    if (typeof value === 'boolean') return value;
    if (typeof value === 'string') return value.toLowerCase() === 'true';
    if (typeof value === 'number') return value !== 0;
    throw wrong(name, 'a boolean', value);
  },
  write: (value) => value,
};

/** The name of a constant; a number counts from the first. Names that came later than this list are kept. */
export const enumeration = (names: readonly string[]): JsonCodec<string> => ({
  read: (value, name) => {
    const found = typeof value === 'number' ? names[value] : value;
    if (typeof found !== 'string') throw wrong(name, 'the name of a constant', value);
    return found;
  },
  write: (value) => value,
});

/** null and missing are `instead`; always written. */
export const withDefault = <T>(codec: JsonCodec<T>, instead: T): JsonCodec<T> => ({
  read: (value, name) => (value === undefined || value === null ? instead : codec.read(value, name)),
  write: codec.write,
});

/** null and missing are null; null is left out. */
export const nullable = <T>(codec: JsonCodec<T>): JsonCodec<T | null> => ({
  read: (value, name) => (value === undefined || value === null ? null : codec.read(value, name)),
  write: (value) => (value === null ? undefined : codec.write(value)),
});

/** Lists and sets. */
export const list = <T>(item: JsonCodec<T>): JsonCodec<readonly T[]> => ({
  read: (value, name) => {
    if (!Array.isArray(value)) throw wrong(name, 'a list', value);
    return (value as readonly JsonValue[]).map((one) => item.read(one, `an item of ${name}`));
  },
  write: (value) => value.map((one) => item.write(one) ?? null),
});

/** A map from texts. What it becomes inherits nothing. */
export const record = <T>(item: JsonCodec<T>): JsonCodec<Readonly<Record<string, T>>> => ({
  read: (value, name) => {
    if (!isJsonObject(value)) throw wrong(name, 'an object', value);
    const items = new PropertyMap() as Record<string, T>;
    for (const key of Object.keys(value)) items[key] = item.read(value[key], `${key} of ${name}`);
    return items;
  },
  write: (value) => {
    const items = new PropertyMap() as Record<string, JsonValue | undefined>;
    for (const key of Object.keys(value)) items[key] = item.write(value[key]!);
    return items;
  },
});

/** A map from integers, whose keys fastjson does not quote; written quoted, which all readers take. */
export const intMap = <T>(item: JsonCodec<T>): JsonCodec<ReadonlyMap<number, T>> => ({
  read: (value, name) => {
    if (!isJsonObject(value)) throw wrong(name, 'an object', value);
    return new Map(Object.keys(value).map((key) => [int64.read(key, `a key of ${name}`), item.read(value[key], `${key} of ${name}`)]));
  },
  write: (value) => Object.fromEntries([...value].map(([key, one]) => [String(key), item.write(one)])),
});

/** A map from objects, which fastjson prints as they are where a key should be. fastjson 1 also takes a text that holds the object. */
export const pairs = <K, V>(key: JsonCodec<K>, item: JsonCodec<V>): JsonCodec<readonly (readonly [K, V])[]> => ({
  read: (value, name) => {
    const keyName = `a key of ${name}`;
    const itemName = `an item of ${name}`;
    const entries = value instanceof JsonPairs ? value.entries : isJsonObject(value) ? Object.entries(value) : undefined;
    if (entries === undefined) throw wrong(name, 'an object', value);
    return entries.map(([one, of]) => [key.read(typeof one === 'string' ? parseJson(one) : one, keyName), item.read(of, itemName)] as const);
  },
  write: (value) => new JsonPairs(value.map(([one, of]) => [key.write(one) ?? null, item.write(of) ?? null])),
});

/** A bean. Declare fields in alphabetical order: they are written in the order declared, which makes texts equal to fastjson's. */
export const object = <F extends Readonly<Record<string, JsonCodec<unknown>>>>(fields: F): JsonCodec<{ readonly [N in keyof F]: JsonOf<F[N]> }> => {
  const names = Object.keys(fields);
  return {
    read: (value, name) => {
      if (!isJsonObject(value)) throw wrong(name, 'an object', value);
      const bean: Record<string, unknown> = {};
      for (const field of names) bean[field] = fields[field]!.read(value[field], field);
      return bean as { readonly [N in keyof F]: JsonOf<F[N]> };
    },
    write: (value) => {
      const bean: Record<string, JsonValue | undefined> = {};
      for (const field of names) bean[field] = fields[field]!.write(value[field as keyof F]);
      return bean as JsonObject;
    },
  };
};
