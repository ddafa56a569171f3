import { CodecError } from '../base/codec-error.ts';
import type { JsonCodec } from './json/codec.ts';
import { parseJsonBytes } from './json/parse.ts';
import { writeJson } from './json/write.ts';

/** What the bytes behind a header are. */
export interface BodyCodec<T> {
  encode(value: T): Buffer | null;
  /** Throws CodecError(DAMAGED). */
  decode(body: Buffer | null): T;
}

/** None; what comes all the same is not looked at. */
export const NO_BODY: BodyCodec<null> = { encode: () => null, decode: () => null };

/** Bytes as they are: message bodies, stored records. */
export const RAW_BODY: BodyCodec<Uint8Array> = {
  encode: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  decode: (body) => body ?? Buffer.alloc(0),
};

/** @param what it is, for messages. */
export const jsonBody = <T>(what: string, codec: JsonCodec<T>): BodyCodec<T> => ({
  encode: (value) => Buffer.from(writeJson(codec.write(value) ?? null)),
  decode: (body) => {
    if (body === null) throw new CodecError('DAMAGED', `${what} is missing: the body is empty`);
    try {
      return codec.read(parseJsonBytes(body), what);
    } catch (error) {
      if (error instanceof CodecError && !error.message.startsWith(what)) throw new CodecError('DAMAGED', `${what}: ${error.message}`);
      throw error;
    }
  },
});

/** The same where senders leave the body out at times: null. */
export const optionalJsonBody = <T>(what: string, codec: JsonCodec<T>): BodyCodec<T | null> => {
  const inner = jsonBody(what, codec);
  return { encode: (value) => (value === null ? null : inner.encode(value)), decode: (body) => (body === null ? null : inner.decode(body)) };
};
