import type { ConnectionOptions as TlsConnectOptions } from 'node:tls';

/** Contents of PEM files. */
export interface TlsOptions {
  /** Authorities that the server's certificate must be signed by; absent: those of the system. */
  readonly ca?: Buffer | undefined;
  /** Client certificate and its key, where the server asks for one. */
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** Of the key. */
  readonly passphrase?: string | undefined;
  /** Take any certificate: whoever stands between can read along. */
  readonly insecure?: boolean | undefined;
}

/**
 * Brokers are dialled by the addresses that they advertise, and their certificates seldom name those: with authorities of the user's own the
 * chain counts, not the name, as in the Java client. [TlsHelper#buildSslContext]
 */
export const tlsConnectOptions = ({ ca, cert, key, passphrase, insecure }: TlsOptions): TlsConnectOptions => ({
  ca, cert, key, passphrase,
  rejectUnauthorized: insecure !== true,
  ...(ca === undefined ? {} : { checkServerIdentity: () => undefined }),
});
