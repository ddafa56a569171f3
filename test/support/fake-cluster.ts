import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { HeartbeatData } from '../../src/wire/body/heartbeat.ts';
import { FLAG_ONEWAY, REQUEST_CODE, RESPONSE_CODE } from '../../src/wire/codes.ts';
import { isResponse, responseCommand } from '../../src/wire/command.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../src/wire/definition.ts';
import type { Decoded, RequestDefinition } from '../../src/wire/definition.ts';
import { encodeFrame, FrameReader } from '../../src/wire/frame.ts';
import type { RemotingCommand } from '../../src/wire/frame.ts';
import { CHECK_CLIENT_CONFIG, GET_CONSUMER_LIST_BY_GROUP, HEART_BEAT, NOTIFY_CONSUMER_IDS_CHANGED, UNREGISTER_CLIENT } from '../../src/wire/requests/client.ts';
import { GET_CONSUMER_CONNECTION_LIST, GET_SUBSCRIPTIONGROUP_CONFIG } from '../../src/wire/requests/group-admin.ts';
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from '../../src/wire/requests/lock.ts';
import { GET_MAX_OFFSET, QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET } from '../../src/wire/requests/offsets.ts';
import { PULL_MESSAGE } from '../../src/wire/requests/pull-message.ts';
import { GET_BROKER_CLUSTER_INFO, GET_ROUTEINFO_BY_TOPIC } from '../../src/wire/requests/route.ts';

/** A member as a fake broker knows it. */
interface FakeMember {
  readonly clientId: string;
  readonly socket: Socket;
  readonly heartbeat: HeartbeatData;
}

type Handler = (request: RemotingCommand, socket: Socket) => RemotingCommand | null;

/** One TCP port that answers frames. */
class FakeServer {
  readonly handlers = new Map<number, Handler>();
  readonly requests: { readonly code: number; readonly atMs: number }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #pending = new Map<number, (response: RemotingCommand) => void>();
  #server: Server | null = null;
  #lastOpaque = 1_000_000;
  port = 0;

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      const reader = new FrameReader();
      socket.on('data', (chunk) => reader.push(chunk, (command) => this.#receive(command, socket)));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.onClosed(socket);
      });
    });
    await new Promise<void>((resolve) => this.#server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  onClosed: (socket: Socket) => void = () => undefined;

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => (this.#server === null ? resolve(null) : this.#server.close(resolve)));
  }

  tell<Q, QB>(socket: Socket, definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB): void {
    socket.write(encodeFrame({ ...encodeRequest(definition, ++this.#lastOpaque, header, body), flag: FLAG_ONEWAY }));
  }

  async ask<Q, QB, S, SB>(socket: Socket, definition: RequestDefinition<Q, QB, S, SB>, header: Q, body: QB): Promise<Decoded<S, SB> & { readonly code: number }> {
    const opaque = ++this.#lastOpaque;
    const response = await new Promise<RemotingCommand>((resolve) => {
      this.#pending.set(opaque, resolve);
      socket.write(encodeFrame(encodeRequest(definition, opaque, header, body)));
    });
    return response.code === RESPONSE_CODE.SUCCESS ? { ...decodeResponse(definition, response), code: 0 } : { header: {} as S, body: null as SB, code: response.code };
  }

  #receive(command: RemotingCommand, socket: Socket): void {
    if (isResponse(command)) {
      this.#pending.get(command.opaque)?.(command);
      return;
    }
    this.requests.push({ code: command.code, atMs: Date.now() });
    const handler = this.handlers.get(command.code);
    const response = handler === undefined ? responseCommand(command, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, `no ${command.code} here`) : handler(command, socket);
    if (response !== null) socket.write(encodeFrame(response));
  }
}

/** A broker with topics, offsets, locks and members, and no messages. What it does is what RocketMQ's broker was seen to do. */
export class FakeClusterBroker extends FakeServer {
  readonly name: string;
  readonly queues = new Map<string, number>();
  readonly offsets = new Map<string, number>();
  readonly resets = new Map<string, number>();
  readonly maxOffsets = new Map<string, number>();
  readonly locks = new Map<string, string>();
  readonly members = new Map<string, Map<Socket, FakeMember>>();
  /** Members of other processes. */
  readonly strangers = new Map<string, string[]>();
  consumeEnable = true;

  constructor(name: string) {
    super();
    this.name = name;
    this.onClosed = (socket) => {
      for (const group of this.members.keys()) this.#remove(group, socket);
    };
    const answer = <Q, QB, S, SB>(definition: RequestDefinition<Q, QB, S, SB>, handle: (decoded: Decoded<Q, QB>, request: RemotingCommand, socket: Socket) => RemotingCommand | null): void =>
      void this.handlers.set(definition.code, (request, socket) => handle(decodeRequest(definition, request), request, socket));
    answer(HEART_BEAT, ({ body }, request, socket) => {
      for (const { groupName } of body.consumerDataSet) {
        const group = this.members.get(groupName) ?? new Map<Socket, FakeMember>();
        this.members.set(groupName, group);
        const isNew = !group.has(socket);
        group.set(socket, { clientId: body.clientID, socket, heartbeat: body });
        if (isNew) this.notify(groupName);
      }
      return encodeResponse(HEART_BEAT, request, {}, null);
    });
    answer(UNREGISTER_CLIENT, ({ header }, request, socket) => {
      this.#remove(header.consumerGroup!, socket);
      return encodeResponse(UNREGISTER_CLIENT, request, {}, null);
    });
    answer(CHECK_CLIENT_CONFIG, (_, request) => responseCommand(request, RESPONSE_CODE.SUBSCRIPTION_PARSE_FAILED, 'no SQL here'));
    answer(GET_CONSUMER_LIST_BY_GROUP, ({ header }, request) => {
      const consumerIdList = this.memberIds(header.consumerGroup);
      return consumerIdList.length === 0 ? responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'no consumer for this group') : encodeResponse(GET_CONSUMER_LIST_BY_GROUP, request, {}, { consumerIdList });
    });
    answer(GET_CONSUMER_CONNECTION_LIST, (_, request) => responseCommand(request, RESPONSE_CODE.CONSUMER_NOT_ONLINE, 'not online'));
    answer(GET_SUBSCRIPTIONGROUP_CONFIG, ({ header }, request) => encodeResponse(GET_SUBSCRIPTIONGROUP_CONFIG, request, {}, {
      attributes: {}, brokerId: 0, consumeBroadcastEnable: true, consumeEnable: this.consumeEnable, consumeFromMinEnable: true, consumeMessageOrderly: false, consumeTimeoutMinute: 15,
      groupName: header.group, groupRetryPolicy: null, groupSysFlag: 0, notifyConsumerIdsChangedEnable: true, retryMaxTimes: 16, retryQueueNums: 1, subscriptionDataSet: null, whichBrokerWhenConsumeSlowly: 1,
    }));
    answer(LOCK_BATCH_MQ, ({ body }, request) => {
      const lockOKMQSet = body.mqSet.filter(({ topic, queueId }) => [undefined, body.clientId].includes(this.locks.get(`${topic}/${queueId}`)));
      for (const { topic, queueId } of lockOKMQSet) this.locks.set(`${topic}/${queueId}`, body.clientId);
      return encodeResponse(LOCK_BATCH_MQ, request, {}, { lockOKMQSet });
    });
    answer(UNLOCK_BATCH_MQ, ({ body }, request) => {
      for (const { topic, queueId } of body.mqSet) if (this.locks.get(`${topic}/${queueId}`) === body.clientId) this.locks.delete(`${topic}/${queueId}`);
      return encodeResponse(UNLOCK_BATCH_MQ, request, {}, null);
    });
    answer(QUERY_CONSUMER_OFFSET, ({ header: { consumerGroup, topic, queueId } }, request) => {
      const key = `${topic}@${consumerGroup}/${queueId}`;
      const offset = this.resets.get(key) ?? this.offsets.get(key);
      return offset === undefined ? responseCommand(request, RESPONSE_CODE.QUERY_NOT_FOUND, 'not found') : encodeResponse(QUERY_CONSUMER_OFFSET, request, { offset }, null);
    });
    answer(UPDATE_CONSUMER_OFFSET, ({ header: { consumerGroup, topic, queueId, commitOffset } }, request) => {
      const key = `${topic}@${consumerGroup}/${queueId}`;
      if (this.resets.has(key)) return responseCommand(request, RESPONSE_CODE.SUCCESS, 'Offset has been previously reset');
      this.offsets.set(key, commitOffset);
      return encodeResponse(UPDATE_CONSUMER_OFFSET, request, {}, null);
    });
    answer(GET_MAX_OFFSET, ({ header: { topic, queueId } }, request) => encodeResponse(GET_MAX_OFFSET, request, { offset: this.maxOffsets.get(`${topic}/${queueId}`) ?? 0 }, null));
    answer(PULL_MESSAGE, ({ header: { consumerGroup, topic, queueId, queueOffset } }, request) => {
      const key = `${topic}@${consumerGroup}/${queueId}`;
      const reset = this.resets.get(key);
      this.resets.delete(key);
      const header = { suggestWhichBrokerId: 0, nextBeginOffset: reset ?? queueOffset, minOffset: 0, maxOffset: 100 };
      return reset === undefined
        ? encodeResponse(PULL_MESSAGE, request, header, Buffer.alloc(0), RESPONSE_CODE.PULL_NOT_FOUND, 'OFFSET_OVERFLOW_ONE')
        : encodeResponse(PULL_MESSAGE, request, header, Buffer.alloc(0), RESPONSE_CODE.PULL_OFFSET_MOVED, 'OFFSET_RESET');
    });
  }

  memberIds(group: string): string[] {
    return [...[...(this.members.get(group)?.values() ?? [])].map(({ clientId }) => clientId), ...(this.strangers.get(group) ?? [])];
  }

  /** What INVOKE_BROKER_TO_RESET_OFFSET does. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    this.resets.set(`${topic}@${group}/${queueId}`, offset);
    this.offsets.set(`${topic}@${group}/${queueId}`, offset);
  }

  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.offsets.get(`${topic}@${group}/${queueId}`);
  }

  notify(group: string): void {
    for (const { socket } of this.members.get(group)?.values() ?? []) this.tell(socket, NOTIFY_CONSUMER_IDS_CHANGED, { consumerGroup: group }, null);
  }

  count(code: number): number {
    return this.requests.filter((request) => request.code === code).length;
  }

  #remove(group: string, socket: Socket): void {
    if (this.members.get(group)?.delete(socket) === true) this.notify(group);
  }
}

/** A name server and brokers, over real sockets. */
export class FakeCluster {
  readonly brokers: readonly FakeClusterBroker[];
  /** Names of brokers that the name server has forgotten. */
  readonly unregistered = new Set<string>();
  readonly #nameServer = new FakeServer();

  private constructor(names: readonly string[]) {
    this.brokers = names.map((name) => new FakeClusterBroker(name));
    this.#nameServer.handlers.set(REQUEST_CODE.GET_ROUTEINFO_BY_TOPIC, (request) => {
      const { topic } = decodeRequest(GET_ROUTEINFO_BY_TOPIC, request).header;
      const having = this.#registered().filter(({ queues }) => queues.has(topic));
      if (having.length === 0) return responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST, 'no route');
      return encodeResponse(GET_ROUTEINFO_BY_TOPIC, request, {}, {
        brokerDatas: having.map((broker) => this.#data(broker)), filterServerTable: {}, orderTopicConf: null, topicQueueMappingByBroker: null,
        queueDatas: having.map(({ name, queues }) => ({ brokerName: name, perm: 6, readQueueNums: queues.get(topic)!, writeQueueNums: queues.get(topic)!, topicSysFlag: 0 })),
      });
    });
    this.#nameServer.handlers.set(REQUEST_CODE.GET_BROKER_CLUSTER_INFO, (request) => encodeResponse(GET_BROKER_CLUSTER_INFO, request, {}, {
      brokerAddrTable: Object.fromEntries(this.#registered().map((broker) => [broker.name, this.#data(broker)])), clusterAddrTable: { fake: this.#registered().map(({ name }) => name) },
    }));
  }

  static async start(names: readonly string[]): Promise<FakeCluster> {
    const cluster = new FakeCluster(names);
    await Promise.all([cluster.#nameServer, ...cluster.brokers].map((server) => server.listen()));
    return cluster;
  }

  get nameServer(): string {
    return this.#nameServer.address;
  }

  async close(): Promise<void> {
    await Promise.all([this.#nameServer, ...this.brokers].map((server) => server.close()));
  }

  #registered(): FakeClusterBroker[] {
    return this.brokers.filter(({ name }) => !this.unregistered.has(name));
  }

  #data({ name, address }: FakeClusterBroker): { brokerName: string; brokerAddrs: ReadonlyMap<number, string>; cluster: string; enableActingMaster: boolean; zoneName: null } {
    return { brokerName: name, brokerAddrs: new Map([[0, address]]), cluster: 'fake', enableActingMaster: false, zoneName: null };
  }
}
