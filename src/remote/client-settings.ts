/** What a user may set of a client otherwise than by default; names and defaults are those of the Java client. [ClientConfig] */
export interface ClientSettings {
  /** Of a request that has none of its own, in ms. [ClientConfig#mqClientApiTimeout] */
  readonly requestTimeoutMs?: number | undefined;
  /** How long a route is trusted, in ms. [ClientConfig#pollNameServerInterval] */
  readonly routeAgeMs?: number | undefined;
  /** Between two heartbeats, in ms. [ClientConfig#heartbeatBrokerInterval] */
  readonly heartbeatMs?: number | undefined;
  /** Our address in ids, instead of that of the connection. [ClientConfig#clientIP] */
  readonly clientIp?: string | undefined;
  /** Behind each client id. [ClientConfig#buildMQClientId] */
  readonly unitName?: string | undefined;
  /** Sent with each request: names are looked up in it. [NamespaceRpcHook] */
  readonly namespace?: string | undefined;
}

/** Listing every topic, group or offset of a broker may take a while. [DefaultMQAdminExt#timeoutMillis] */
export const LIST_TIMEOUT_MS = 15_000;

const ROUTE_AGE_MS = 30_000;
/** Brokers forget a client after 120 s. */
const HEARTBEAT_MS = 30_000;

export const routeAgeMs = (settings: ClientSettings | undefined): number => settings?.routeAgeMs ?? ROUTE_AGE_MS;
export const heartbeatMs = (settings: ClientSettings | undefined): number => settings?.heartbeatMs ?? HEARTBEAT_MS;
