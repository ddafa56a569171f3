import { afterAll, beforeAll, describe, inject } from 'vitest';
import { JavaClient, type JavaSession } from './java-client.ts';
import { bootBroker, startBroker, startNameServer, type BrokerOptions, type NameServer, type RealBroker, type RefusedBroker } from './real-broker.ts';

/** A name server and a Java client, shared by the tests of one file; every broker still running at the end is killed. */
export class InteropWorld {
  private nameServer: NameServer | null = null;
  private javaClient: JavaClient | null = null;
  private readonly brokers: RealBroker[] = [];

  async start(): Promise<void> {
    this.javaClient = new JavaClient();
    this.nameServer = await startNameServer();
  }

  async end(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await this.javaClient?.close();
    await this.nameServer?.stop();
  }

  /** A broker that must boot, and a session with it. */
  async broker(options: Omit<BrokerOptions, 'namesrv'>): Promise<{ readonly broker: RealBroker; readonly client: JavaSession }> {
    const broker = await startBroker({ ...options, namesrv: this.namesrv });
    this.brokers.push(broker);
    if (this.javaClient === null) throw new Error('the world has not started');
    return { broker, client: await this.javaClient.connect(broker) };
  }

  async tryBroker(options: Omit<BrokerOptions, 'namesrv'>): Promise<RealBroker | RefusedBroker> {
    const broker = await bootBroker({ ...options, namesrv: this.namesrv });
    if (broker.booted) this.brokers.push(broker);
    return broker;
  }

  private get namesrv(): string {
    if (this.nameServer === null) throw new Error('the world has not started');
    return this.nameServer.address;
  }
}

/** A suite that needs a real broker: skipped as a whole where there is none. */
export function describeInterop(name: string, body: (world: InteropWorld) => void): void {
  describe.skipIf(inject('interopSkipReason') !== null)(name, () => {
    const world = new InteropWorld();
    beforeAll(() => world.start());
    afterAll(() => world.end());
    body(world);
  });
}
