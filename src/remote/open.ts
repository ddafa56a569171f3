import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { Credentials } from '../wire/acl.ts';
import { plainIp } from './client-id.ts';
import type { ClientSettings } from './client-settings.ts';
import { Cluster } from './cluster.ts';
import type { BroadcastFiles } from './groups/broadcast-member.ts';
import { NameServers } from './name-servers.ts';
import { RemoteBroker } from './remote-broker.ts';
import { RemotingClient } from './remoting-client.ts';
import type { TlsOptions } from './tls.ts';

export interface RemoteOptions {
  /** `host:port` each. */
  readonly nameServers: readonly string[];
  /** read: whatever would change the cluster is READ_ONLY. */
  readonly mode: 'read' | 'write';
  readonly tls?: TlsOptions | undefined;
  readonly credentials?: Credentials | undefined;
  readonly clock?: Clock | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly settings?: ClientSettings | undefined;
  /** Where offsets of broadcasting groups are kept; without it they are refused. */
  readonly broadcastFiles?: BroadcastFiles | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** [NettyClientConfig#connectTimeoutMillis] [ClientConfig#mqClientApiTimeout] */
const CONNECT_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 3000;

/**
 * A cluster as a Broker. That it is there is asked at once. Errors: UNREACHABLE, TIMED_OUT when no name server answers, or no broker is
 * registered; WRONG_KIND for a broker in the place of a name server; REFUSED, PERMISSION_DENIED for TLS and keys.
 */
export const openRemoteBroker = async (options: RemoteOptions): Promise<Broker> => {
  const { nameServers, mode, tls, credentials, clock = systemClock, connectTimeoutMs = CONNECT_TIMEOUT_MS, settings, broadcastFiles, onNotice = () => undefined } = options;
  const remoting = { clock, tls: tls ?? null, credentials: credentials ?? null, connectTimeoutMs, requestTimeoutMs: settings?.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, settings };
  const client = new RemotingClient(remoting);
  try {
    const cluster = new Cluster(client, new NameServers(client, nameServers), onNotice);
    await cluster.masters();
    const localIp = settings?.clientIp ?? plainIp(await client.localAddress(nameServers[0]!) ?? '127.0.0.1');
    return new RemoteBroker({ cluster, remoting, mode, localIp, broadcastFiles: broadcastFiles ?? null, onNotice });
  } catch (error) {
    await client.close();
    throw error;
  }
};
