import { MqliteError } from '../../broker/errors.ts';
import { isGone } from '../../broker/gone.ts';
import { validateGroupName } from '../../broker/names.ts';
import { queueKey } from '../../broker/queue-key.ts';
import { filterText, refuseDisagreement } from '../../broker/subscription.ts';
import type { JoinRequest, MemberCard, MemberInfo, Membership, MessageQueue, OffsetCommit, SendBackRequest, SendBackResult } from '../../broker/types.ts';
import type { Message } from '../../record/message.ts';
import type { HeartbeatData, SubscriptionData } from '../../wire/body/heartbeat.ts';
import { CHECK_CLIENT_CONFIG } from '../../wire/requests/client.ts';
import { GET_CONSUMER_CONNECTION_LIST } from '../../wire/requests/group-admin.ts';
import { checkInstanceName, clientIdOf, DEFAULT_INSTANCE, plainIp } from '../client-id.ts';
import type { Cluster } from '../cluster.ts';
import type { GroupAdmin } from '../group-admin.ts';
import { READER_GROUP } from '../pull-desk.ts';
import type { PullOwner } from '../pull-desk.ts';
import { RemotingClient } from '../remoting-client.ts';
import type { RemotingOptions } from '../remoting-client.ts';
import { BroadcastMember } from './broadcast-member.ts';
import type { BroadcastFiles } from './broadcast-member.ts';
import { ClusterMember } from './cluster-member.ts';
import { GroupSettings } from './group-settings.ts';
import { answerBrokers } from './member-requests.ts';
import { listMembers } from './members.ts';
import { resetOffsets } from './offset-reset.ts';
import { OffsetStore } from './offset-store.ts';
import { Presence } from './presence.ts';
import { QueueLocks } from './queue-locks.ts';
import { SendBackDesk } from './send-back.ts';
import { disagreements, retrySubscription, toSubscriptionData } from './subscription-data.ts';

export interface GroupDeskParts {
  readonly cluster: Cluster;
  readonly remoting: RemotingOptions;
  readonly groups: GroupAdmin;
  /** Polls of it that still wait are nobody's by now. */
  readonly onReleased: (queue: MessageQueue) => void;
  /** null: broadcasting is refused. */
  readonly broadcastFiles: BroadcastFiles | null;
  readonly onNotice: (text: string) => void;
}

/** Consumer groups of a cluster, as this process takes part in them. */
export class GroupDesk {
  readonly #parts: GroupDeskParts;
  readonly #cluster: Cluster;
  readonly #settings: GroupSettings;
  readonly #sendBack: SendBackDesk;
  readonly #members = new Set<ClusterMember | BroadcastMember>();
  /** Which member of this process has a queue, by group and queue. */
  readonly #held = new Map<string, ClusterMember>();
  readonly #told = new Set<string>();

  constructor(parts: GroupDeskParts) {
    this.#parts = parts;
    this.#cluster = parts.cluster;
    this.#settings = new GroupSettings(parts.cluster);
    this.#sendBack = new SendBackDesk(parts.cluster, this.#settings);
  }

  sendBack(message: Message, request: SendBackRequest): Promise<SendBackResult> {
    return this.#sendBack.sendBack(message, request);
  }

  async reset(group: string, commits: readonly OffsetCommit[]): Promise<void> {
    await this.#parts.groups.require(group);
    await resetOffsets(this.#cluster, this.#settings, group, commits);
  }

  async members(group: string): Promise<MemberInfo[]> {
    validateGroupName(group);
    const own = new Map([...this.#members].map((member) => [member.info.clientId, member]));
    const found = await listMembers(this.#cluster, group, (clientId) => {
      const member = own.get(clientId);
      return member === undefined ? null : { ...member.info, queues: member.queues, consumedPerSecond: member.consumedPerSecond };
    });
    if (found.length === 0) await this.#parts.groups.require(group);
    return found;
  }

  /** On whose behalf a queue is pulled: of the only member of this process that has it. */
  ownerOf(queue: MessageQueue): PullOwner | null {
    const owners = [...this.#members].filter((member) => member.owns(queue));
    const [owner] = owners;
    if (owner === undefined || owners.length > 1) return null;
    return {
      // Of broadcasting groups a broker knows no offsets.
      group: owner instanceof ClusterMember ? owner.info.group : READER_GROUP,
      onReset: (at, offset) => {
        if (owner instanceof ClusterMember) owner.onReset(at, offset);
      },
      onGone: (error) => {
        // A poll that a broker holds while the member leaves is broken off by us.
        if (this.#members.has(owner)) this.#tellOnce(`group ${owner.info.group}: ${error.message}; its queues wait until it is there again`);
        return true;
      },
    };
  }

  async join(request: JoinRequest): Promise<Membership> {
    const { group, subscriptions, messageModel = 'clustering' } = request;
    validateGroupName(group);
    const instance = messageModel === 'broadcasting' ? request.instance ?? DEFAULT_INSTANCE : null;
    if (instance !== null) checkInstanceName(instance);
    if (subscriptions.length === 0) throw new MqliteError('INVALID_INPUT', `group ${group} is to read no topic`);
    const subVersion = this.#cluster.client.options.clock.nowMs();
    const data = subscriptions.map((subscription) => toSubscriptionData(subscription, subVersion));
    await this.#mayConsume(group, messageModel, subscriptions.map(({ topic }) => topic));
    const client = new RemotingClient(this.#parts.remoting);
    try {
      const host = await this.#localIp();
      const info: MemberCard = {
        group, clientId: clientIdOf(host, instance, this.#parts.remoting.settings?.unitName), pid: process.pid, host, sinceTimestamp: subVersion, messageModel, allocate: request.allocate ?? 'average', instance,
        orderly: request.orderly ?? false, queueId: request.queueId ?? null, subscriptions: subscriptions.map(({ topic, filter }) => ({ topic, filter: filterText(filter) })),
      };
      await this.#checkExpressions(client, info, data);
      await this.#compare(info);
      return await (instance === null ? this.#joinCluster(client, info, data) : this.#joinBroadcast(client, info, instance, data));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Members of this process leave, at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.leave()));
  }

  async #joinCluster(client: RemotingClient, info: MemberCard, data: readonly SubscriptionData[]): Promise<Membership> {
    const { group, clientId } = info;
    const subscriptions = [...data, retrySubscription(group, info.sinceTimestamp)];
    const presence = this.#presence(client, info, subscriptions, () => member.rebalanceSoon());
    const member: ClusterMember = new ClusterMember({
      cluster: this.#cluster, client, info, presence, offsets: new OffsetStore(this.#cluster, client, group),
      locks: info.orderly ? new QueueLocks(this.#cluster, client, group, clientId) : null,
      neighbours: {
        tryHold: (by, queue) => this.#tryHold(by, queue),
        onReleased: this.#parts.onReleased,
        letGo: (queue) => void this.#held.delete(`${group} ${queueKey(queue)}`),
        isNeighbour: (id) => [...this.#members].some((other) => other.info.group === group && other.info.clientId === id),
        onLeave: (left) => this.#left(left),
      },
    });
    answerBrokers(client, {
      info, subscriptions, nameServers: this.#cluster.nameServers.addresses.join(';'),
      progress: () => member.progress, consumedPerSecond: () => member.consumedPerSecond,
      rebalanceSoon: () => member.rebalanceSoon(), onReset: (queue, offset) => member.onReset(queue, offset),
    });
    await presence.begin();
    this.#members.add(member);
    try {
      await member.refresh();
    } catch (error) {
      await member.leave();
      throw error;
    }
    this.#tellNeighbours(member);
    return member;
  }

  async #joinBroadcast(client: RemotingClient, info: MemberCard, instance: string, data: readonly SubscriptionData[]): Promise<Membership> {
    const files = this.#parts.broadcastFiles;
    if (files === null) throw new MqliteError('UNSUPPORTED', 'broadcasting groups need a place to keep their offsets', { hint: 'This program was built without one.' });
    const file = await files.open(instance, info.group);
    try {
      const presence = this.#presence(client, info, data, () => undefined);
      const member = new BroadcastMember({ cluster: this.#cluster, client, info, presence, file, onLeave: (left) => void this.#members.delete(left) });
      answerBrokers(client, {
        info, subscriptions: data, nameServers: this.#cluster.nameServers.addresses.join(';'),
        progress: () => member.progress, consumedPerSecond: () => null, rebalanceSoon: () => undefined, onReset: () => undefined,
      });
      await presence.begin();
      await member.refresh();
      this.#members.add(member);
      return member;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #presence(client: RemotingClient, info: MemberCard, subscriptions: readonly SubscriptionData[], onRegistered: () => void): Presence {
    const { group, clientId, messageModel } = info;
    const heartbeat: HeartbeatData = {
      clientID: clientId, heartbeatFingerprint: 0, withoutSub: false, producerDataSet: [],
      consumerDataSet: [{
        groupName: group, consumeType: 'CONSUME_PASSIVELY', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', unitMode: false, subscriptionDataSet: [...subscriptions],
        messageModel: messageModel === 'broadcasting' ? 'BROADCASTING' : 'CLUSTERING',
      }],
    };
    return new Presence({
      client, group, heartbeat, onRegistered,
      addresses: () => this.#addresses(info.subscriptions.map(({ topic }) => topic)),
      compare: async (address) => {
        try {
          const { body } = await client.call(address, GET_CONSUMER_CONNECTION_LIST, { consumerGroup: group }, null);
          for (const text of disagreements({ group, messageModel, subscriptions }, body)) this.#tellOnce(`${text}: all members of a group must agree, or messages are not consumed`);
        } catch {
          // Nobody else is there, or it is not told: then there is nothing to compare.
        }
      },
    });
  }

  /** All brokers that have the topics, slaves among them. */
  async #addresses(topics: readonly string[]): Promise<string[]> {
    const routes = await Promise.all(topics.map((topic) => this.#cluster.findRoute(topic)));
    return [...new Set(routes.flatMap((route) => (route === null ? [] : [...route.brokers.values()].flatMap(({ brokerAddrs }) => [...brokerAddrs.values()]))))];
  }

  /** Errors: TOPIC_NOT_FOUND, GROUP_NOT_FOUND where groups are not made by themselves, PERMISSION_DENIED. [PullMessageProcessor: consumeEnable, consumeBroadcastEnable] */
  async #mayConsume(group: string, messageModel: MemberCard['messageModel'], topics: readonly string[]): Promise<void> {
    const routes = await Promise.all(topics.map((topic) => this.#cluster.route(topic)));
    const brokers = new Set(routes.flatMap(({ queues }) => queues.map(({ brokerName }) => brokerName)));
    for (const brokerName of brokers) {
      const settings = await this.#settings.at(brokerName, group).catch(orNone);
      if (settings === null) continue;
      if (!settings.consumeEnable) throw new MqliteError('PERMISSION_DENIED', `group ${group} may not consume: consumeEnable is off on ${brokerName}`, { hint: `see "mqlite groups show ${group}"` });
      if (messageModel === 'broadcasting' && !settings.consumeBroadcastEnable) throw new MqliteError('PERMISSION_DENIED', `group ${group} may not broadcast: consumeBroadcastEnable is off on ${brokerName}`, { hint: `see "mqlite groups show ${group}"` });
    }
  }

  /** Errors: INVALID_INPUT for what the broker's compiler does not take, UNSUPPORTED where it filters by tags alone. [MQClientInstance#checkClientInBroker] */
  async #checkExpressions(client: RemotingClient, { clientId, group }: MemberCard, subscriptions: readonly SubscriptionData[]): Promise<void> {
    for (const subscriptionData of subscriptions) {
      if (subscriptionData.expressionType === 'TAG') continue;
      const [address] = await this.#addresses([subscriptionData.topic]);
      if (address === undefined) continue;
      try {
        await client.call(address, CHECK_CLIENT_CONFIG, {}, { clientId, group, namespace: null, subscriptionData });
      } catch (error) {
        if (!(error instanceof MqliteError) || error.code !== 'REFUSED') throw error;
        throw new MqliteError('UNSUPPORTED', error.message, { hint: 'Its brokers filter by tags alone: set enablePropertyFilter=true in broker.conf, or use --tag.', cause: error });
      }
    }
  }

  /**
   * Members that share out queues in another way, or not all of them, would leave messages to nobody, or consume them twice. Filters that differ are
   * only told of: a cluster's members change one after the other. Errors: REFUSED.
   */
  async #compare(info: MemberCard): Promise<void> {
    const { cluster } = this.#parts;
    const own = (clientId: string): MemberInfo | null => {
      const member = [...this.#members].find((other) => other.info.clientId === clientId);
      return member === undefined ? null : { ...member.info, queues: [], consumedPerSecond: null };
    };
    const living = await listMembers(cluster, info.group, own).catch((error: unknown): MemberInfo[] => {
      if (error instanceof MqliteError && error.code === 'PERMISSION_DENIED') return [];
      throw error;
    });
    refuseDisagreement({ ...info, subscriptions: [] }, living.map((other) => ({ ...other, allocate: other.allocate ?? info.allocate, orderly: other.orderly ?? info.orderly, subscriptions: [] })));
  }

  async #localIp(): Promise<string> {
    const { settings } = this.#parts.remoting;
    if (settings?.clientIp !== undefined) return settings.clientIp;
    for (const address of this.#cluster.nameServers.addresses) {
      const ip = await this.#cluster.client.localAddress(address);
      if (ip !== undefined) return plainIp(ip);
    }
    return '127.0.0.1';
  }

  #tryHold(member: ClusterMember, queue: MessageQueue): boolean {
    const key = `${member.info.group} ${queueKey(queue)}`;
    const holder = this.#held.get(key);
    if (holder !== undefined && holder !== member) return false;
    this.#held.set(key, member);
    return true;
  }

  #left(member: ClusterMember): void {
    this.#members.delete(member);
    this.#tellNeighbours(member);
  }

  /** Brokers tell them, too, a moment later. */
  #tellNeighbours(member: ClusterMember): void {
    for (const other of this.#members) if (other !== member && other instanceof ClusterMember && other.info.group === member.info.group) other.rebalanceSoon();
  }

  #tellOnce(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#parts.onNotice(text);
  }
}

/** A broker that is gone now says later what is allowed. */
const orNone = (error: unknown): null => {
  if (isGone(error)) return null;
  throw error;
};
