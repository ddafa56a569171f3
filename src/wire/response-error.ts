import { MqliteError } from '../broker/errors.ts';
import type { ErrorCode } from '../broker/errors.ts';
import { RESPONSE_CODE, responseName } from './codes.ts';
import type { RemotingCommand } from './frame.ts';

/** Which row of the error table a response code is. What is not here is REFUSED. */
const ERROR_OF: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, 'UNSUPPORTED'],
  [RESPONSE_CODE.VERSION_NOT_SUPPORTED, 'UNSUPPORTED'],
  [RESPONSE_CODE.FLUSH_DISK_TIMEOUT, 'NOT_CONFIRMED'],
  [RESPONSE_CODE.FLUSH_SLAVE_TIMEOUT, 'NOT_CONFIRMED'],
  [RESPONSE_CODE.SLAVE_NOT_AVAILABLE, 'NOT_CONFIRMED'],
  [RESPONSE_CODE.MESSAGE_ILLEGAL, 'MESSAGE_ILLEGAL'],
  [RESPONSE_CODE.NO_PERMISSION, 'PERMISSION_DENIED'],
  [RESPONSE_CODE.TOPIC_NOT_EXIST, 'TOPIC_NOT_FOUND'],
  [RESPONSE_CODE.QUERY_NOT_FOUND, 'NOT_FOUND'],
  [RESPONSE_CODE.CONSUMER_NOT_ONLINE, 'NOT_FOUND'],
  [RESPONSE_CODE.NO_MESSAGE, 'NOT_FOUND'],
  [RESPONSE_CODE.BROKER_NOT_EXIST, 'NOT_FOUND'],
  [RESPONSE_CODE.SUBSCRIPTION_GROUP_NOT_EXIST, 'GROUP_NOT_FOUND'],
  [RESPONSE_CODE.SUBSCRIPTION_PARSE_FAILED, 'INVALID_INPUT'],
  [RESPONSE_CODE.INVALID_PARAMETER, 'INVALID_INPUT'],
  [RESPONSE_CODE.CONSUME_MSG_TIMEOUT, 'TIMED_OUT'],
  [RESPONSE_CODE.POLLING_TIMEOUT, 'TIMED_OUT'],
  [RESPONSE_CODE.GO_AWAY, 'UNREACHABLE'],
]);

/** Those after which a producer tries another broker. [DefaultMQProducer#retryResponseCodes] */
const RETRIED_SENDS: ReadonlySet<number> = new Set([
  RESPONSE_CODE.TOPIC_NOT_EXIST, RESPONSE_CODE.SERVICE_NOT_AVAILABLE, RESPONSE_CODE.SYSTEM_ERROR, RESPONSE_CODE.SYSTEM_BUSY, RESPONSE_CODE.NO_PERMISSION,
  RESPONSE_CODE.NO_BUYER_ID, RESPONSE_CODE.NOT_IN_CURRENT_UNIT, RESPONSE_CODE.GO_AWAY,
]);

export const errorCodeOf = (responseCode: number): ErrorCode => ERROR_OF.get(responseCode) ?? 'REFUSED';
export const isRetriedSend = (responseCode: number): boolean => RETRIED_SENDS.has(responseCode);

const MAX_REMARK_LENGTH = 300;

/**
 * What a peer says why it did not do what it was asked, as one line: of Java's remarks the first line, without the address of the FAQ.
 * @param peer what a user calls it, `asked` what it was asked for ("GET_CONSUME_STATS").
 */
export const responseError = (peer: string, asked: string, response: RemotingCommand, hint?: string): MqliteError => {
  const remark = (response.remark ?? '').slice(0, 1000).split('\n')[0]!.replace(/\s+For more information,? please visit the url.*$/i, '').trim().slice(0, MAX_REMARK_LENGTH);
  const reason = remark === '' ? responseName(response.code) : `${remark} (${responseName(response.code)})`;
  return new MqliteError(errorCodeOf(response.code), `${peer} refused ${asked}: ${reason}`, hint === undefined ? {} : { hint });
};
