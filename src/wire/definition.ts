import { CodecError } from '../base/codec-error.ts';
import { NO_BODY } from './body.ts';
import type { BodyCodec } from './body.ts';
import { FLAG_ONEWAY, requestName } from './codes.ts';
import { requestCommand, responseCommand } from './command.ts';
import { headerCodec } from './fields.ts';
import type { Fields, HeaderCodec, HeaderOf } from './fields.ts';
import type { RemotingCommand } from './frame.ts';

/** One kind of request: what it carries, and what its answer carries when it succeeds. */
export interface RequestDefinition<RequestHeader, RequestBody, ResponseHeader, ResponseBody> {
  readonly code: number;
  readonly name: string;
  readonly requestHeader: HeaderCodec<RequestHeader>;
  readonly requestBody: BodyCodec<RequestBody>;
  readonly responseHeader: HeaderCodec<ResponseHeader>;
  readonly responseBody: BodyCodec<ResponseBody>;
}

interface RequestParts<Q extends Fields, QB, S extends Fields, SB> {
  readonly code: number;
  readonly request?: Q;
  readonly requestBody?: BodyCodec<QB>;
  readonly response?: S;
  readonly responseBody?: BodyCodec<SB>;
}

/** No fields. */
type Empty = Record<never, never>;

export const defineRequest = <Q extends Fields = Empty, QB = null, S extends Fields = Empty, SB = null>(
  { code, request, requestBody, response, responseBody }: RequestParts<Q, QB, S, SB>,
): RequestDefinition<HeaderOf<Q>, QB, HeaderOf<S>, SB> => {
  const name = requestName(code);
  return {
    code,
    name,
    requestHeader: headerCodec(`the request ${name}`, request ?? ({} as Q)),
    requestBody: requestBody ?? (NO_BODY as BodyCodec<unknown> as BodyCodec<QB>),
    responseHeader: headerCodec(`the answer to ${name}`, response ?? ({} as S)),
    responseBody: responseBody ?? (NO_BODY as BodyCodec<unknown> as BodyCodec<SB>),
  };
};

/** Any definition, where only its code and name matter. */
export type AnyRequestDefinition = RequestDefinition<unknown, unknown, unknown, unknown>;

/** A request of ours. Throws CodecError(INVALID_INPUT, MESSAGE_ILLEGAL) for values that cannot be sent. */
export const encodeRequest = <Q, QB>(definition: RequestDefinition<Q, QB, unknown, unknown>, opaque: number, header: Q, body: QB, oneway = false): RemotingCommand =>
  requestCommand(definition.code, opaque, definition.requestHeader.encode(header), definition.requestBody.encode(body), oneway ? FLAG_ONEWAY : 0);

export interface Decoded<Header, Body> {
  readonly header: Header;
  readonly body: Body;
}

/** Somebody's request of this kind. Throws CodecError(DAMAGED). */
export const decodeRequest = <Q, QB>(definition: RequestDefinition<Q, QB, unknown, unknown>, command: RemotingCommand): Decoded<Q, QB> => {
  if (command.code !== definition.code) throw new CodecError('INVALID_INPUT', `${requestName(command.code)} is not ${definition.name}`);
  return { header: definition.requestHeader.decode(command.extFields), body: definition.requestBody.decode(command.body) };
};

/** Our answer to a request of this kind, when it succeeded (`responseCommand` otherwise). */
export const encodeResponse = <S, SB>(
  definition: RequestDefinition<unknown, unknown, S, SB>, request: RemotingCommand, header: S, body: SB, code = 0, remark: string | null = null,
): RemotingCommand => responseCommand(request, code, remark, definition.responseHeader.encode(header), definition.responseBody.encode(body));

/** The answer to a request of this kind: look at its code first, most say nothing else when it is not 0. Throws CodecError(DAMAGED). */
export const decodeResponse = <S, SB>(definition: RequestDefinition<unknown, unknown, S, SB>, command: RemotingCommand): Decoded<S, SB> => ({
  header: definition.responseHeader.decode(command.extFields),
  body: definition.responseBody.decode(command.body),
});
