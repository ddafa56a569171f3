import { isGone } from '../../broker/gone.ts';
import type { AllocateStrategy, MemberCard, MemberInfo, MessageModel } from '../../broker/types.ts';
import { retryTopicOf } from '../../broker/retry-topics.ts';
import type { Connection, ConsumerConnection } from '../../wire/body/connections.ts';
import type { SubscriptionData } from '../../wire/body/heartbeat.ts';
import type { ConsumerRunningInfo } from '../../wire/body/running-info.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import { GET_CONSUMER_RUNNING_INFO } from '../../wire/requests/consumer-client.ts';
import { GET_CONSUMER_CONNECTION_LIST } from '../../wire/requests/group-admin.ts';
import { responseError } from '../../wire/response-error.ts';
import { ownerOfClientId } from '../client-id.ts';
import type { Cluster } from '../cluster.ts';
import { versionText } from './client-version.ts';
import { ALLOCATE_CLASSES, CARD_PROPERTY } from './member-requests.ts';
import { textOfSubscription } from './subscription-data.ts';

/** A member that is stuck does not keep the others from being listed. */
const RUNNING_INFO_TIMEOUT_MS = 3000;

interface Seen {
  readonly connection: Connection;
  readonly group: ConsumerConnection;
  readonly brokerName: string;
}

/** Members that any broker of the cluster knows, by client id; each is asked about itself. */
export const listMembers = async (cluster: Cluster, group: string, own: (clientId: string) => MemberInfo | null): Promise<MemberInfo[]> => {
  const seen = new Map<string, Seen>();
  let failure: Error | null = null;
  let answers = 0;
  for (const { brokerName } of await cluster.masters()) {
    try {
      const { response, address } = await cluster.ask(brokerName, GET_CONSUMER_CONNECTION_LIST, { consumerGroup: group }, null);
      answers++;
      if (response.code === RESPONSE_CODE.CONSUMER_NOT_ONLINE) continue;
      if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(`broker ${brokerName} (${address})`, GET_CONSUMER_CONNECTION_LIST.name, response);
      const { body } = cluster.client.decode(address, GET_CONSUMER_CONNECTION_LIST, response);
      for (const connection of body.connectionSet) if (!seen.has(connection.clientId)) seen.set(connection.clientId, { connection, group: body, brokerName });
    } catch (error) {
      if (!isGone(error)) throw error;
      failure = error;
    }
  }
  if (answers === 0 && failure !== null) throw failure;
  const members = await Promise.all([...seen.values()].map(async (one) => own(one.connection.clientId) ?? toMember(group, one, await runningInfo(cluster, group, one))));
  return members.sort((left, right) => (left.clientId < right.clientId ? -1 : 1));
};

const runningInfo = async (cluster: Cluster, group: string, { connection: { clientId }, brokerName }: Seen): Promise<ConsumerRunningInfo | null> => {
  try {
    return (await cluster.call(brokerName, GET_CONSUMER_RUNNING_INFO, { consumerGroup: group, clientId, jstackEnable: false }, null, { timeoutMs: RUNNING_INFO_TIMEOUT_MS })).body;
  } catch {
    // What it says of itself is more than the broker tells; without it that is unknown.
    return null;
  }
};

const toMember = (group: string, { connection, group: groupInfo }: Seen, info: ConsumerRunningInfo | null): MemberInfo => {
  const { clientAddr, clientId, language, version } = connection;
  const { host, pid } = ownerOfClientId(clientId);
  const messageModel: MessageModel = groupInfo.messageModel === 'BROADCASTING' ? 'broadcasting' : 'clustering';
  const properties = info?.properties ?? {};
  const known = {
    queues: (info?.mqTable ?? []).filter(([, { droped }]) => !droped).map(([queue]) => ({ topic: queue.topic, brokerName: queue.brokerName, queueId: queue.queueId })),
    consumedPerSecond: info === null ? null : Object.values(info.statusTable).reduce((sum, { consumeOKTPS }) => sum + consumeOKTPS, 0),
    client: { address: clientAddr, language, version: versionText(version) },
  };
  const card = cardOf(properties[CARD_PROPERTY], clientId);
  if (card !== null) return { ...card, ...known };
  return {
    group, clientId, pid, host: host ?? clientAddr.replace(/:\d+$/, ''),
    sinceTimestamp: wholeNumber(properties['PROP_CONSUMER_START_TIMESTAMP']),
    subscriptions: subscriptionsOf(group, info?.subscriptionSet ?? Object.values(groupInfo.subscriptionTable)),
    messageModel,
    allocate: messageModel === 'broadcasting' ? null : allocateOf(properties['allocateMessageQueueStrategy']),
    instance: messageModel === 'broadcasting' ? clientId.slice(clientId.indexOf('@') + 1) : null,
    orderly: properties['PROP_CONSUMEORDERLY'] === undefined ? null : properties['PROP_CONSUMEORDERLY'] === 'true',
    queueId: null,
    ...known,
  };
};

/** What a member of mqlite says of itself; null: it is another kind of client. */
const cardOf = (text: string | undefined, clientId: string): MemberCard | null => {
  try {
    const card = JSON.parse(text ?? 'null') as MemberCard | null;
    return card !== null && card.clientId === clientId && Array.isArray(card.subscriptions) ? card : null;
  } catch {
    return null;
  }
};

const subscriptionsOf = (group: string, subscriptions: readonly SubscriptionData[]): MemberInfo['subscriptions'] =>
  subscriptions.filter(({ topic }) => topic !== retryTopicOf(group)).map((subscription) => ({ topic: subscription.topic, filter: textOfSubscription(subscription) }))
    .sort((left, right) => (left.topic < right.topic ? -1 : 1));

/** Java tells the object: its class behind a package, and its address. */
const allocateOf = (text: string | undefined): AllocateStrategy | null => {
  const name = text?.replace(/^.*\./, '').replace(/@.*$/, '');
  return (Object.keys(ALLOCATE_CLASSES) as AllocateStrategy[]).find((strategy) => ALLOCATE_CLASSES[strategy] === name) ?? null;
};

const wholeNumber = (text: string | undefined): number | null => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null);
