import { fileURLToPath } from 'node:url';
import { freeBrokerPort } from './ports.ts';
import { startBroker, startNameServer, type NameServer, type RealBroker } from './real-broker.ts';
import { temporaryDirectory } from './store-copy.ts';

const certificates = fileURLToPath(new URL('../../fixtures/tls/', import.meta.url));

/** PEM files of the test authority, and of a client whose certificate it signed. */
export const TLS_FILES = { ca: `${certificates}ca.pem`, cert: `${certificates}client.pem`, key: `${certificates}client.key` };
/** The only user of a cluster with `auth`, who may do everything. */
export const ADMIN = { accessKey: 'admin', secretKey: 'the-secret-of-admin' };

export interface ClusterBroker {
  readonly name: string;
  /** 0, the default, is a master, anything else a slave of the same name. */
  readonly id?: number;
  readonly config?: Readonly<Record<string, string | number | boolean>>;
}

export interface ClusterOptions {
  readonly brokers: readonly ClusterBroker[];
  readonly version?: string;
  /** Name server and brokers talk TLS alone, and want a certificate of the client's. */
  readonly tls?: boolean;
  /** Requests must be signed by ADMIN [auth/config/AuthConfig]. */
  readonly auth?: boolean;
}

const TLS_PROPERTIES = {
  'tls.enable': 'true',
  'tls.test.mode.enable': 'false',
  'tls.server.mode': 'enforcing',
  'tls.server.keyPath': `${certificates}server.key`,
  'tls.server.certPath': `${certificates}server.pem`,
  'tls.server.need.client.auth': 'require',
  'tls.server.authClient': 'true',
  'tls.server.trustCertPath': TLS_FILES.ca,
  'tls.client.keyPath': TLS_FILES.key,
  'tls.client.certPath': TLS_FILES.cert,
  'tls.client.authServer': 'true',
  'tls.client.trustCertPath': TLS_FILES.ca,
};

const AUTH_CONFIG = {
  authenticationEnabled: true,
  authenticationProvider: 'org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider',
  authenticationMetadataProvider: 'org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider',
  initAuthenticationUser: JSON.stringify({ username: ADMIN.accessKey, password: ADMIN.secretKey }),
  innerClientAuthenticationCredentials: JSON.stringify(ADMIN),
  authorizationEnabled: true,
  authorizationProvider: 'org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider',
  authorizationMetadataProvider: 'org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider',
};

const REGISTRATION_TIMEOUT_MS = 30_000;
const SMALL = { mappedFileSizeCommitLog: 16_777_216, mappedFileSizeConsumeQueue: 600_000, timerWheelEnable: true };

/** A broker says that it has booted before its name server has heard of it. */
async function untilRegistered(broker: RealBroker): Promise<void> {
  const deadlineMs = Date.now() + REGISTRATION_TIMEOUT_MS;
  while (!(broker.logs()['broker.log'] ?? '').includes('Registering current broker to name server completed')) {
    if (Date.now() > deadlineMs) throw new Error(`the broker at ${broker.address} did not register at ${broker.namesrv}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A name server and brokers of one cluster, each with a store of its own. */
export class Cluster {
  readonly namesrv: string;
  readonly #options: ClusterOptions;
  readonly #nameServer: NameServer;
  readonly #brokers = new Map<string, { readonly broker: RealBroker; readonly port: number; readonly storeDirectory: string }>();

  private constructor(options: ClusterOptions, nameServer: NameServer) {
    this.#options = options;
    this.#nameServer = nameServer;
    this.namesrv = nameServer.address;
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const systemProperties = options.tls === true ? TLS_PROPERTIES : {};
    const cluster = new Cluster(options, await startNameServer({ version: options.version, systemProperties }));
    try {
      // Masters first: a slave asks the name server for its master.
      for (const broker of [...options.brokers].sort((left, right) => (left.id ?? 0) - (right.id ?? 0))) await cluster.boot(broker.name, broker.id);
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  broker(name: string, id = 0): RealBroker {
    const found = this.#brokers.get(`${name}:${id}`);
    if (found === undefined) throw new Error(`the cluster has no broker ${name}:${id}`);
    return found.broker;
  }

  /** Boots a broker of the options, at first or again: then at its old address and on its old store. */
  async boot(name: string, id = 0): Promise<RealBroker> {
    const options = this.#options.brokers.find((broker) => broker.name === name && (broker.id ?? 0) === id);
    if (options === undefined) throw new Error(`the cluster has no broker ${name}:${id}`);
    const before = this.#brokers.get(`${name}:${id}`);
    const port = before?.port ?? await freeBrokerPort();
    const storeDirectory = before?.storeDirectory ?? temporaryDirectory(`${name}-${id}`);
    const broker = await startBroker({
      storeDirectory, port, namesrv: this.namesrv, version: this.#options.version, heap: '512m',
      systemProperties: this.#options.tls === true ? TLS_PROPERTIES : undefined,
      config: { ...SMALL, brokerName: name, brokerId: id, brokerRole: id === 0 ? 'ASYNC_MASTER' : 'SLAVE', ...(this.#options.auth === true ? AUTH_CONFIG : {}), ...options.config },
    });
    this.#brokers.set(`${name}:${id}`, { broker, port, storeDirectory });
    await untilRegistered(broker);
    return broker;
  }

  /** The name server alone goes. */
  async killNameServer(): Promise<void> {
    await this.#nameServer.stop();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#brokers.values()].map(({ broker }) => broker.kill()));
    await this.#nameServer.stop();
  }
}
