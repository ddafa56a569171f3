import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokerLogs, complaintsIn } from './complaints.ts';
import { javaArguments } from './jvm.ts';
import { freeBrokerPort } from './ports.ts';
import { Child, type Exit } from './process.ts';
import { commitLogFiles, temporaryDirectory } from './store-copy.ts';

const BOOT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;

export interface NameServer {
  readonly address: string;
  stop(): Promise<void>;
}

export interface NameServerOptions {
  readonly version?: string | undefined;
  readonly systemProperties?: Readonly<Record<string, string>>;
}

/** Starts a name server; about 2 s. */
export async function startNameServer({ version, systemProperties = {} }: NameServerOptions = {}): Promise<NameServer> {
  const home = temporaryDirectory('namesrv');
  const port = await freeBrokerPort();
  const config = join(home, 'namesrv.conf');
  writeFileSync(config, `listenPort=${port}\nbindAddress=127.0.0.1\n`);
  const child = new Child('java', javaArguments({ mainClass: 'org.apache.rocketmq.namesrv.NamesrvStartup', args: ['-c', config], heap: '256m', home, version, systemProperties }));
  const up = await child.until(() => child.stdout.includes('boot success'), BOOT_TIMEOUT_MS, 'the name server boot');
  if (!up) throw new Error(`the name server did not boot: ${child.stdout}\n${child.stderr}`);
  return {
    address: `127.0.0.1:${port}`,
    // It keeps nothing, so there is nothing to end in order.
    stop: async () => {
      await child.stop('SIGKILL', STOP_TIMEOUT_MS);
    },
  };
}

export interface BrokerOptions {
  /** The directory to boot on; the broker owns it from here on, so hand in a copy. */
  readonly storeDirectory: string;
  readonly namesrv: string;
  /** Lines for `broker.conf`: file sizes and whatever else the test wants. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly version?: string | undefined;
  readonly port?: number;
  readonly heap?: string | undefined;
  readonly systemProperties?: Readonly<Record<string, string>> | undefined;
}

export interface RealBroker {
  readonly booted: true;
  readonly address: string;
  readonly namesrv: string;
  readonly pid: number;
  readonly storeDirectory: string;
  /** SIGTERM, waits, and rejects unless the shutdown hook ran to its end. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  logs(): Record<string, string>;
  /** Log lines that complain about the data; empty for a healthy directory. */
  complaints(): string[];
}

export interface RefusedBroker {
  readonly booted: false;
  readonly exit: Exit;
  readonly output: string;
  logs(): Record<string, string>;
  complaints(): string[];
}

/**
 * What every test broker says about itself. Nothing expires and no disk is too full while a test runs: fixtures keep their
 * old mtimes, and a run may fall on the hour at which brokers delete files.
 */
const BASE_CONFIG: Readonly<Record<string, string | number | boolean>> = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  brokerId: 0,
  brokerIP1: '127.0.0.1',
  autoCreateTopicEnable: true,
  enablePropertyFilter: true,
  aclEnable: false,
  fileReservedTime: 100_000,
  diskMaxUsedSpaceRatio: 95,
  maxTransferCountOnMessageInMemory: 1000,
  maxTransferBytesOnMessageInMemory: 4_194_304,
  traceTopicEnable: false,
  reviveInterval: 100,
};

const DISK_LIMITS = { 'rocketmq.broker.diskSpaceWarningLevelRatio': '0.99', 'rocketmq.broker.diskSpaceCleanForciblyRatio': '0.98' };

/** Boots a broker, or reports how it refused. A boot takes about 3 s, a refusal about as long. */
export async function bootBroker(options: BrokerOptions): Promise<RealBroker | RefusedBroker> {
  const home = temporaryDirectory('broker');
  const port = options.port ?? await freeBrokerPort();
  const config = {
    ...BASE_CONFIG, ...options.config,
    namesrvAddr: options.namesrv, listenPort: port, haListenPort: port + 1, storePathRootDir: options.storeDirectory,
  };
  const fresh = commitLogFiles(options.storeDirectory).length === 0;
  mkdirSync(options.storeDirectory, { recursive: true });
  const file = join(home, 'broker.conf');
  writeFileSync(file, Object.entries(config).map(([name, value]) => `${name}=${value}\n`).join(''));
  const child = new Child('java', javaArguments({
    mainClass: 'mqlite.interop.BrokerMain', args: ['-c', file], heap: options.heap ?? '1g', home, version: options.version,
    systemProperties: { ...DISK_LIMITS, ...options.systemProperties },
  }));
  const logs = (): Record<string, string> => brokerLogs(home);
  const complaints = (): string[] => complaintsIn(logs(), fresh);
  const up = await child.until(() => child.stdout.includes('boot success'), BOOT_TIMEOUT_MS, 'the broker boot');
  if (!up) {
    return { booted: false, exit: await child.exited, output: `${child.stdout}\n${child.stderr}`, logs, complaints };
  }
  return {
    booted: true, address: `127.0.0.1:${port}`, namesrv: options.namesrv, pid: child.pid, storeDirectory: options.storeDirectory, logs, complaints,
    stop: async () => {
      const exit = await child.stop('SIGTERM', STOP_TIMEOUT_MS);
      // The log is written by a thread that the end of the JVM may overtake; without `abort` the store's own shutdown is over all the same.
      if (!(logs()['broker.log'] ?? '').includes('Shutdown hook over') && existsSync(join(options.storeDirectory, 'abort'))) {
        throw new Error(`the broker ended (${JSON.stringify(exit)}) without finishing its shutdown hook\n${child.stderr}`);
      }
    },
    kill: async () => {
      await child.stop('SIGKILL', STOP_TIMEOUT_MS);
    },
  };
}

/** Boots a broker that must come up. */
export async function startBroker(options: BrokerOptions): Promise<RealBroker> {
  const broker = await bootBroker(options);
  if (broker.booted) return broker;
  throw new Error(`the broker refused to boot on ${options.storeDirectory}: ${JSON.stringify(broker.exit)}\n${broker.output}\n${broker.complaints().join('\n')}`);
}
