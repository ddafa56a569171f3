import type { Broker } from '../../../src/broker/broker.ts';
import { broadcastFiles } from '../../../src/cli/broadcast-files.ts';
import { openRemoteBroker } from '../../../src/remote/open.ts';
import type { OpenedBroker } from '../../contract/harness.ts';
import { startBroker, startNameServer, type NameServer, type RealBroker } from './real-broker.ts';
import { temporaryDirectory } from './store-copy.ts';

/** Small files, and everything switched on that the port has. */
const CONFIG = {
  mappedFileSizeCommitLog: 33_554_432, mappedFileSizeConsumeQueue: 600_000, timerWheelEnable: true, recallMessageEnable: true,
  // Decisions are written down at once, and nobody else asks about halves that a test leaves open.
  transactionOpMsgMaxSize: 1, transactionCheckInterval: 600_000,
};

/**
 * A cluster of one broker for the contract suite. A test that looks at the log, at what is scheduled or at halves gets a broker of its own; others
 * get the one that is there, without the topics and groups of the test before.
 */
export class ContractCluster {
  #nameServer: NameServer | null = null;
  #broker: RealBroker | null = null;
  #dataDirectory = '';
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  async start(): Promise<void> {
    this.#nameServer = await startNameServer({ version: this.#version });
  }

  async end(): Promise<void> {
    await this.#broker?.kill();
    await this.#nameServer?.stop();
  }

  async open(needsFresh: boolean): Promise<OpenedBroker> {
    if (needsFresh && this.#broker !== null) {
      await this.#broker.kill();
      this.#broker = null;
    }
    const isNew = this.#broker === null;
    this.#broker ??= await startBroker({ storeDirectory: temporaryDirectory('contract'), namesrv: this.#nameServer!.address, config: CONFIG, version: this.#version });
    this.#dataDirectory = temporaryDirectory('data');
    let broker = await this.#connect();
    if (!isNew) await sweep(broker);
    const reopen = async (): Promise<Broker> => {
      await broker.close();
      broker = await this.#connect();
      return broker;
    };
    return { broker, reopen, dispose: async () => undefined };
  }

  /** The name server hears of a broker a moment after it booted. */
  async #connect(): Promise<Broker> {
    for (let attempt = 0; ; attempt++) {
      try {
        return afterDispatch(await openRemoteBroker({ nameServers: [this.#nameServer!.address], mode: 'write', broadcastFiles: broadcastFiles(this.#dataDirectory, []) }));
      } catch (error) {
        if (attempt === 200) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/**
 * The same broker, that is asked for a message only when its index has all that it stored: it acknowledges what is in its log, and the index follows by a
 * moment, which is any length on a busy machine. It is level with the log when dispatchBehindBytes is 0. [ReputMessageService#doReput]
 */
function afterDispatch(broker: Broker): Broker {
  const isBehind = async (): Promise<boolean> => (await broker.cluster!.brokers()).some(({ stats }) => stats?.dispatchBehindBytes !== 0);
  const dispatched = async (): Promise<void> => {
    for (let attempt = 0; await isBehind(); attempt++) {
      if (attempt === 1000) throw new Error('the broker does not dispatch what it stored');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return new Proxy(broker, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...given: unknown[]) => unknown;
      return name === 'queryByKey' || name === 'queryByMsgId' ? (...given: unknown[]) => dispatched().then(() => method(...given)) : method;
    },
  });
}

async function sweep(broker: Broker): Promise<void> {
  for (const { topic, system } of await broker.listTopics()) if (!system) await broker.deleteTopic(topic);
  for (const { group, system } of await broker.listGroups()) if (!system && group !== 'MQLITE_DLQ') await broker.deleteGroup(group);
}
