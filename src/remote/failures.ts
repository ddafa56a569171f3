import { CodecError } from '../base/codec-error.ts';
import { MqliteError } from '../broker/errors.ts';

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ECONNREFUSED: ['nobody listens there', 'Is it running, and is the port right?'],
  ENOTFOUND: ['the host name is not known', 'Check the name, or use an IP address.'],
  EAI_AGAIN: ['the host name cannot be looked up now', 'Check the name server of this machine (DNS), or use an IP address.'],
  EHOSTUNREACH: ['there is no way to that host', 'Check the network, and the address that the broker advertises (brokerIP1).'],
  ENETUNREACH: ['there is no way to that network', 'Check the network, and the address that the broker advertises (brokerIP1).'],
  ETIMEDOUT: ['the host does not answer', 'Check the network, and the address that the broker advertises (brokerIP1).'],
  ECONNRESET: ['the other side broke the connection off', 'It may be restarting; where TLS is on, use --tls.'],
  EPIPE: ['the other side broke the connection off', 'It may be restarting; where TLS is on, use --tls.'],
};

/** Reasons of OpenSSL's and Node's that a user can do something about. */
const isTlsProblem = (code: string): boolean => code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || code.startsWith('ERR_OSSL') || code.includes('CERT') || code.includes('SIGNATURE') || code.startsWith('UNABLE_TO');

/** Why a connection could not be made or broke off. */
export const connectFailure = (address: string, error: NodeJS.ErrnoException, isTls: boolean): MqliteError => {
  const code = error.code ?? '';
  if (isTlsProblem(code)) {
    const reason = error.message.replace(/^[0-9A-F]+:error:[^:]*:[^:]*:([^:]*):.*$/s, '$1').split('\n')[0]!;
    return new MqliteError('REFUSED', `${address}: TLS failed: ${reason} (${code})`, {
      hint: 'Give the authority that signed its certificate with --tls-ca, and a client certificate with --tls-cert and --tls-key where it asks for one.', cause: error,
    });
  }
  const [reason, hint] = REASONS[code] ?? [error.message, 'Check the address and the network.'];
  const more = isTls && (code === 'ECONNRESET' || code === 'EPIPE') ? ['the other side broke the connection off while TLS was on', 'Does it speak TLS, and does it want a client certificate (--tls-cert, --tls-key)?'] : [reason, hint];
  return new MqliteError('UNREACHABLE', `${address}: ${more[0]}`, { hint: more[1]!, cause: error });
};

/** @param pendingBytes of an answer that was cut off. */
export const closedByPeer = (address: string, pendingBytes: number): MqliteError =>
  new MqliteError('UNREACHABLE', `${address}: the other side closed the connection${pendingBytes === 0 ? '' : ' in the middle of an answer'}`, {
    hint: 'It may be restarting; where TLS is on, use --tls.',
  });

export const noAnswer = (address: string, asked: string, timeoutMs: number): MqliteError =>
  new MqliteError('TIMED_OUT', `${address}: no answer to ${asked} within ${Math.round(timeoutMs)} ms`, { hint: 'It may be overloaded, or unreachable by now.' });

/** Whatever was thrown, as the port promises it. */
export const toPortError = (error: unknown, doing: string): MqliteError => {
  if (error instanceof MqliteError) return error;
  if (error instanceof CodecError) return new MqliteError(error.code, `${doing}: ${error.message}`, { cause: error });
  return new MqliteError('BUG', `${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
};
