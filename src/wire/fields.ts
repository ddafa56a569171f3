import { CodecError } from '../base/codec-error.ts';
import type { OffsetBoundary } from '../broker/types.ts';
import { PropertyMap } from '../record/properties.ts';

/** How a value travels as text in extFields. [RemotingCommand#makeCustomHeaderToNet] [RemotingCommand#decodeCommandCustomHeaderDirectly] */
export interface FieldType<T> {
  /** What it must be, in words. */
  readonly what: string;
  /** undefined: it is not that. */
  parse(text: string): T | undefined;
  print(value: T): string;
}

export interface Field<T, IsRequired extends boolean = boolean> {
  readonly type: FieldType<T>;
  /** Its key on the wire; null: the name it has here. */
  readonly key: string | null;
  readonly isRequired: IsRequired;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type RequiredNames<F extends Fields> = { [N in keyof F]: F[N] extends Field<unknown, true> ? N : never }[keyof F];
type ValueOf<F> = F extends Field<infer T> ? T : never;
type Flat<T> = { [N in keyof T]: T[N] };

/** The object that a header is here; what the sender may leave out is undefined. */
export type HeaderOf<F extends Fields> = Flat<
  { readonly [N in RequiredNames<F>]: ValueOf<F[N]> } & { readonly [N in Exclude<keyof F, RequiredNames<F>>]?: ValueOf<F[N]> | undefined }
>;

export interface HeaderCodec<T> {
  /** Throws CodecError(INVALID_INPUT) where a required value is missing. */
  encode(header: T): Record<string, string>;
  /** Throws CodecError(DAMAGED) for a required field that is missing and any that is not what it must be. Unknown fields do not matter. */
  decode(extFields: Readonly<Record<string, string>>): T;
  readonly fields: readonly { readonly name: string; readonly key: string; readonly isRequired: boolean }[];
}

const INTEGER = /^[+-]?\d{1,19}$/;

const TEXT: FieldType<string> = { what: 'a text', parse: (text) => text, print: (value) => value };
const BOOLEAN: FieldType<boolean> = { what: 'a boolean', parse: (text) => text.length === 4 && text.toLowerCase() === 'true', print: String };
const INT32: FieldType<number> = {
  what: 'a 32-bit integer',
  parse: (text) => {
    const value = Number(text);
    return value === (value | 0) && INTEGER.test(text) ? value : undefined;
  },
  print: String,
};
const INT64: FieldType<number> = {
  what: 'an integer below 2^53',
  parse: (text) => {
    const value = Number(text);
    return Number.isSafeInteger(value) && INTEGER.test(text) ? value : undefined;
  },
  print: String,
};
const EXACT_INT64: FieldType<number | bigint> = {
  what: 'a 64-bit integer',
  parse: (text) => {
    if (!INTEGER.test(text)) return undefined;
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
    const exact = BigInt(text.startsWith('+') ? text.slice(1) : text);
    return exact === BigInt.asIntN(64, exact) ? exact : undefined;
  },
  print: String,
};
/** `upper` in any case, else lower. [BoundaryType#getType] */
const BOUNDARY: FieldType<OffsetBoundary> = {
  what: 'a boundary',
  parse: (text) => (text.toLowerCase() === 'upper' ? 'upper' : 'lower'),
  print: (value) => value.toUpperCase(),
};

const fieldOf = <T>(type: FieldType<T>) => (key: string | null = null): Field<T, true> => ({ type, key, isRequired: true });

export const text = fieldOf(TEXT);
/** "true" in any case is true, all else false. */
export const bool = fieldOf(BOOLEAN);
export const int32 = fieldOf(INT32);
/** Offsets, times, sizes. */
export const int64 = fieldOf(INT64);
/** Where values beyond 2^53 are sent for good reason (Long.MAX_VALUE as "no end", nanoseconds): those are bigint. */
export const exactInt64 = fieldOf(EXACT_INT64);
export const boundary = fieldOf(BOUNDARY);
/** The sender may leave it out. */
export const optional = <T>(field: Field<T>): Field<T, false> => ({ ...field, isRequired: false });

/** Can ride on most requests to a broker: its name, the client's namespace, one-way. [RpcRequestHeader] */
export const RPC = { bname: optional(text()), ns: optional(text()), nsd: optional(bool()), oway: optional(bool()) } as const;
/** Those that name a topic: `lo` asks for static topics. [TopicRequestHeader] */
export const TOPIC_RPC = { lo: optional(bool()), ...RPC } as const;

/** @param of whose header it is, for messages. */
export const headerCodec = <F extends Fields>(of: string, fields: F): HeaderCodec<HeaderOf<F>> => {
  const list = Object.entries(fields).map(([name, { key, type, isRequired }]) => ({ name, key: key ?? name, type, isRequired }));
  return {
    fields: list.map(({ name, key, isRequired }) => ({ name, key, isRequired })),
    encode: (header) => {
      const extFields = new PropertyMap();
      for (const { name, key, type, isRequired } of list) {
        const value = (header as Record<string, unknown>)[name];
        if (value !== undefined && value !== null) extFields[key] = type.print(value);
        else if (isRequired) throw new CodecError('INVALID_INPUT', `${of} needs ${name}`);
      }
      return extFields;
    },
    decode: (extFields) => {
      const header: Record<string, unknown> = {};
      for (const { name, key, type, isRequired } of list) {
        const sent = extFields[key];
        // An empty text for a number is what binary headers make of null.
        if (sent === undefined || (sent === '' && type !== (TEXT as FieldType<unknown>))) {
          if (isRequired) throw new CodecError('DAMAGED', `${of} has no ${key}`);
          continue;
        }
        const value = type.parse(sent);
        if (value === undefined) throw new CodecError('DAMAGED', `${key} of ${of} is ${JSON.stringify(sent.slice(0, 40))}, which is not ${type.what}`);
        header[name] = value;
      }
      return header as HeaderOf<F>;
    },
  };
};
