import { FLAG_ONEWAY, FLAG_RESPONSE, OUR_LANGUAGE, OUR_VERSION } from './codes.ts';
import type { RemotingCommand } from './frame.ts';

export const isResponse = (command: RemotingCommand): boolean => (command.flag & FLAG_RESPONSE) !== 0;
/** Nobody waits for an answer. Clients in Go leave the bit out, so that its absence proves nothing. */
export const isOneway = (command: RemotingCommand): boolean => (command.flag & FLAG_ONEWAY) !== 0;

/** A request of ours with a JSON header. */
export const requestCommand = (
  code: number, opaque: number, extFields: Readonly<Record<string, string>>, body: Uint8Array | null, flag = 0,
): RemotingCommand => ({ code, language: OUR_LANGUAGE, version: OUR_VERSION, opaque, flag, remark: null, extFields, body: asBuffer(body), serializeType: 'JSON' });

/** Our answer to a request, with a JSON header: every client reads it, whatever it sent. */
export const responseCommand = (
  request: RemotingCommand, code: number, remark: string | null = null, extFields: Readonly<Record<string, string>> = {}, body: Uint8Array | null = null,
): RemotingCommand => ({
  code, language: OUR_LANGUAGE, version: OUR_VERSION, opaque: request.opaque, flag: FLAG_RESPONSE, remark, extFields, body: asBuffer(body), serializeType: 'JSON',
});

const asBuffer = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null || bytes.length === 0 ? null : bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
