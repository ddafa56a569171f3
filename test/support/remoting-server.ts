import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { encodeFrame, FrameReader, type RemotingCommand } from '../../src/wire/frame.ts';
import { responseCommand } from '../../src/wire/command.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../../src/wire/requests/route.ts';
import { encodeResponse } from '../../src/wire/definition.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../src/wire/codes.ts';

/** What a peer does with one request. It may answer late, twice, wrongly, or never. */
export type Answer = (request: RemotingCommand, peer: Peer) => void;

export interface Peer {
  readonly socket: Socket;
  /** Number of the connection, from 1. */
  readonly connection: number;
  reply(request: RemotingCommand, response: RemotingCommand): void;
  /** A request of the server's own, or whatever else. */
  send(command: RemotingCommand): void;
}

/** A server that speaks frames and does what a test says: a name server, a broker, or something broken. */
export class RemotingServer {
  readonly requests: RemotingCommand[] = [];
  connections = 0;
  answer: Answer;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(answer: Answer, port = 0): Promise<RemotingServer> {
    const server = new RemotingServer(answer);
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks every connection off; listens on. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const connection = ++this.connections;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const write = (command: RemotingCommand): void => void socket.write(encodeFrame(command));
    const peer: Peer = { socket, connection, send: write, reply: (request, response) => write({ ...response, opaque: request.opaque }) };
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk, (request) => {
          this.requests.push(request);
          this.answer(request, peer);
        });
      } catch {
        // As a real one does with what is no frame.
        socket.destroy();
      }
    });
  }
}

/** Answers the same to everything. */
export const always = (make: (request: RemotingCommand) => RemotingCommand): Answer => (request, peer) => peer.reply(request, make(request));

/** One broker, its slaves by id, with some topics of some queues, as a name server tells of it. */
export const nameServerOf = (brokerName: string, address: string, topics: Readonly<Record<string, number>>, slaves: Readonly<Record<number, string>> = {}): Answer => (request, peer) => {
  const broker = { brokerName, cluster: 'DefaultCluster', brokerAddrs: new Map([[0, address], ...Object.entries(slaves).map(([id, slave]) => [Number(id), slave] as const)]), enableActingMaster: false, zoneName: null };
  if (request.code === REQUEST_CODE.GET_BROKER_CLUSTER_INFO) {
    return peer.reply(request, encodeResponse(GET_BROKER_CLUSTER_INFO, request, {}, { brokerAddrTable: { [brokerName]: broker }, clusterAddrTable: { DefaultCluster: [brokerName] } }));
  }
  const queues = topics[request.extFields['topic'] ?? ''];
  if (request.code !== REQUEST_CODE.GET_ROUTEINFO_BY_TOPIC || queues === undefined) return peer.reply(request, responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST, 'no such topic'));
  peer.reply(request, encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, {
    brokerDatas: [broker], filterServerTable: {}, orderTopicConf: null, topicQueueMappingByBroker: null,
    // TBW102 is inherited from.
    queueDatas: [{ brokerName, perm: request.extFields['topic'] === 'TBW102' ? 7 : 6, readQueueNums: queues, writeQueueNums: queues, topicSysFlag: 0 }],
  }));
};
