import type { AllocateStrategy, MemberCard, MessageQueue } from '../../broker/types.ts';
import type { SubscriptionData } from '../../wire/body/heartbeat.ts';
import type { ProcessQueueInfo } from '../../wire/body/running-info.ts';
import { RESPONSE_CODE } from '../../wire/codes.ts';
import { responseCommand } from '../../wire/command.ts';
import { decodeRequest, encodeResponse } from '../../wire/definition.ts';
import type { RemotingCommand } from '../../wire/frame.ts';
import { NOTIFY_CONSUMER_IDS_CHANGED } from '../../wire/requests/client.ts';
import { CONSUME_MESSAGE_DIRECTLY, GET_CONSUMER_RUNNING_INFO } from '../../wire/requests/consumer-client.ts';
import { GET_CONSUMER_STATUS_FROM_CLIENT, RESET_CONSUMER_CLIENT_OFFSET } from '../../wire/requests/progress.ts';
import type { RemotingClient } from '../remoting-client.ts';

/** What brokers ask of a member, or tell it. */
export interface AskedMember {
  readonly info: MemberCard;
  readonly subscriptions: readonly SubscriptionData[];
  readonly nameServers: string;
  /** Owned queues with what is committed of them; null: nothing. */
  progress(): readonly { readonly queue: MessageQueue; readonly committedOffset: number | null }[];
  consumedPerSecond(): number | null;
  rebalanceSoon(): void;
  onReset(queue: MessageQueue, offset: number): void;
}

/** Names that Java's classes have, in which members are asked how they share out queues. */
export const ALLOCATE_CLASSES: Readonly<Record<AllocateStrategy, string>> = {
  average: 'AllocateMessageQueueAveragely', circle: 'AllocateMessageQueueAveragelyByCircle', 'consistent-hash': 'AllocateMessageQueueConsistentHash',
};

/** Where a member of mqlite says all that it is, for others of its kind. */
export const CARD_PROPERTY = 'mqlite';

/** Answers what brokers ask of this member. What is for another group of theirs is refused, as Java's clients do. [ClientRemotingProcessor] */
export const answerBrokers = (client: RemotingClient, member: AskedMember): void => {
  const { group, clientId } = member.info;
  const unknown = (request: RemotingCommand, other: string): RemotingCommand =>
    responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, `the consumer group ${other} is not that of this client, ${clientId}`);

  client.handle(NOTIFY_CONSUMER_IDS_CHANGED.code, (request) => {
    if (decodeRequest(NOTIFY_CONSUMER_IDS_CHANGED, request).header.consumerGroup === group) member.rebalanceSoon();
    return null;
  });

  client.handle(RESET_CONSUMER_CLIENT_OFFSET.code, (request) => {
    const { header, body } = decodeRequest(RESET_CONSUMER_CLIENT_OFFSET, request);
    if (header.group === group) for (const [queue, offset] of body?.offsetTable ?? []) member.onReset(queue, offset);
    return null;
  });

  client.handle(GET_CONSUMER_STATUS_FROM_CLIENT.code, (request) => {
    const { header } = decodeRequest(GET_CONSUMER_STATUS_FROM_CLIENT, request);
    if (header.group !== group) return unknown(request, header.group);
    const messageQueueTable = member.progress().flatMap(({ queue, committedOffset }) => (queue.topic === header.topic && committedOffset !== null ? [[queue, committedOffset] as const] : []));
    return encodeResponse(GET_CONSUMER_STATUS_FROM_CLIENT, request, {}, { consumerTable: {}, messageQueueTable });
  });

  client.handle(GET_CONSUMER_RUNNING_INFO.code, (request) => {
    const { header } = decodeRequest(GET_CONSUMER_RUNNING_INFO, request);
    if (header.consumerGroup !== group) return unknown(request, header.consumerGroup);
    const { info: { allocate, orderly, messageModel, sinceTimestamp }, subscriptions } = member;
    const rate = member.consumedPerSecond() ?? 0;
    return encodeResponse(GET_CONSUMER_RUNNING_INFO, request, {}, {
      jstack: null, mqPopTable: [], userConsumerInfo: {},
      mqTable: member.progress().map(({ queue, committedOffset }) => [queue, { ...NO_INFO, commitOffset: committedOffset ?? 0, locked: orderly }] as const),
      properties: {
        PROP_CLIENT_VERSION: 'V5_5_0', PROP_CONSUMEORDERLY: String(orderly), PROP_CONSUMER_START_TIMESTAMP: String(sinceTimestamp), PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
        PROP_NAMESERVER_ADDR: member.nameServers, PROP_THREADPOOL_CORE_SIZE: '1',
        allocateMessageQueueStrategy: ALLOCATE_CLASSES[allocate], consumerGroup: group, messageModel: messageModel.toUpperCase(),
        [CARD_PROPERTY]: JSON.stringify(member.info),
      },
      statusTable: Object.fromEntries(subscriptions.map(({ topic }, index) => [topic, { ...NO_STATUS, consumeOKTPS: index === 0 ? rate : 0 }])),
      subscriptionSet: subscriptions,
    });
  });

  // Out of turn, and without what comes before it: the program that consumes is given messages in order, or not at all.
  client.handle(CONSUME_MESSAGE_DIRECTLY.code, (request) =>
    responseCommand(request, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, `the client ${clientId} consumes no single messages out of turn`));
};

const NO_INFO: ProcessQueueInfo = {
  cachedMsgCount: 0, cachedMsgMaxOffset: 0, cachedMsgMinOffset: 0, cachedMsgSizeInMiB: 0, commitOffset: 0, droped: false, lastConsumeTimestamp: 0, lastLockTimestamp: 0,
  lastPullTimestamp: 0, locked: false, transactionMsgCount: 0, transactionMsgMaxOffset: 0, transactionMsgMinOffset: 0, tryUnlockTimes: 0,
};
const NO_STATUS = { consumeFailedMsgs: 0, consumeFailedTPS: 0, consumeOKTPS: 0, consumeRT: 0, pullRT: 0, pullTPS: 0 };
