import type { Broker } from '../../src/broker/broker.ts';
import { encodeRecord, maxRecordSize, type RecordFields } from '../../src/record/encode.ts';
import { encodeHost } from '../../src/record/host.ts';
import { joinProperties } from '../../src/record/properties.ts';
import { openRemoteBroker } from '../../src/remote/open.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../src/wire/codes.ts';
import { responseCommand } from '../../src/wire/command.ts';
import { encodeResponse } from '../../src/wire/definition.ts';
import type { RemotingCommand } from '../../src/wire/frame.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../../src/wire/requests/route.ts';
import { RemotingServer, type Answer, type Peer } from './remoting-server.ts';

/** What a broker does with requests of one code; null: it does not answer. */
export type Script = Readonly<Record<number, (request: RemotingCommand, peer: Peer) => RemotingCommand | null>>;

/** Brokers that do what a test says, each with every topic, behind a name server. A request without a script is refused. */
export class ScriptedCluster {
  readonly brokers: ReadonlyMap<string, RemotingServer>;
  readonly #nameServer: RemotingServer;
  readonly #opened: Broker[] = [];

  private constructor(nameServer: RemotingServer, brokers: ReadonlyMap<string, RemotingServer>) {
    this.#nameServer = nameServer;
    this.brokers = brokers;
  }

  static async start(scripts: Readonly<Record<string, Script>>, topics: readonly string[]): Promise<ScriptedCluster> {
    const brokers = new Map<string, RemotingServer>();
    for (const [name, script] of Object.entries(scripts)) brokers.set(name, await RemotingServer.start(answerOf(script)));
    const datas = [...brokers].map(([brokerName, { address }]) => ({ brokerName, cluster: 'DefaultCluster', brokerAddrs: new Map([[0, address]]), enableActingMaster: false, zoneName: null }));
    const nameServer = await RemotingServer.start((request, peer) => {
      if (request.code === REQUEST_CODE.GET_BROKER_CLUSTER_INFO) {
        return peer.reply(request, encodeResponse(GET_BROKER_CLUSTER_INFO, request, {}, { brokerAddrTable: Object.fromEntries(datas.map((data) => [data.brokerName, data])), clusterAddrTable: { DefaultCluster: [...brokers.keys()] } }));
      }
      if (!topics.includes(request.extFields['topic'] ?? '')) return peer.reply(request, responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST));
      const queueDatas = datas.map(({ brokerName }) => ({ brokerName, perm: 6, readQueueNums: 1, writeQueueNums: 1, topicSysFlag: 0 }));
      peer.reply(request, encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, { brokerDatas: datas, filterServerTable: {}, orderTopicConf: null, topicQueueMappingByBroker: null, queueDatas }));
    });
    return new ScriptedCluster(nameServer, brokers);
  }

  async open(onNotice: (text: string) => void = () => undefined): Promise<Broker> {
    const broker = await openRemoteBroker({ nameServers: [this.#nameServer.address], mode: 'write', settings: { requestTimeoutMs: 1000 }, connectTimeoutMs: 1000, onNotice });
    this.#opened.push(broker);
    return broker;
  }

  broker(name: string): RemotingServer {
    return this.brokers.get(name)!;
  }

  /** What a broker was asked for with this code. */
  asked(name: string, code: number): RemotingCommand[] {
    return this.broker(name).requests.filter((request) => request.code === code);
  }

  async end(): Promise<void> {
    for (const broker of this.#opened) await broker.close();
    for (const broker of this.brokers.values()) await broker.stop();
    await this.#nameServer.stop();
  }
}

const answerOf = (script: Script): Answer => (request, peer) => {
  const answer = script[request.code];
  const response = answer === undefined ? responseCommand(request, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, ` request type ${request.code} not supported`) : answer(request, peer);
  if (response !== null) peer.reply(request, response);
};

export interface RecordOptions extends Partial<Omit<RecordFields, 'properties' | 'body'>> {
  readonly topic: string;
  readonly body?: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** `ip:port`; the broker that stores it. */
  readonly at?: string;
}

/** A stored record. */
export const recordBytes = ({ body = 'body', properties = {}, at = '127.0.0.1:1', ...more }: RecordOptions): Buffer => {
  const fields: RecordFields = {
    queueId: 0, flag: 0, queueOffset: 0, commitLogOffset: 0, sysFlag: 0, bornTimestamp: 1000, bornHost: encodeHost('127.0.0.1:9'), storeTimestamp: 2000,
    storeHost: encodeHost(at), reconsumeTimes: 0, preparedTransactionOffset: 0, propertyCrc: false, ...more, body: Buffer.from(body), properties: joinProperties(properties),
  };
  const target = Buffer.alloc(maxRecordSize(fields));
  return target.subarray(0, encodeRecord(fields, target, 0));
};

/** The offsetMsgId of a record. */
export const placeOf = (at: string, commitLogOffset: number): string => {
  const offset = Buffer.alloc(8);
  offset.writeBigInt64BE(BigInt(commitLogOffset));
  return Buffer.concat([encodeHost(at), offset]).toString('hex').toUpperCase();
};
