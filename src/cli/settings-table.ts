import { AUTO_CREATE_TOPIC } from '../broker/names.ts';
import { TRACE_TOPIC } from '../record/trace.ts';

/** Which of the Java clients has the setting. */
export type ClientClass = 'ClientConfig' | 'DefaultMQProducer' | 'DefaultMQPushConsumer' | 'DefaultLitePullConsumer';

export interface Setting {
  readonly name: string;
  readonly classes: readonly ClientClass[];
  readonly type: 'integer' | 'boolean' | 'text';
  /** The Java client's default as text; empty for none. */
  readonly default: string;
  /** What counts here when it is not given, where that is not the Java client's default. */
  readonly unset?: string;
  readonly meaning: string;
  /** `commands`: those in which it has an effect; `onCluster`: in all of them, where they work on a cluster. */
  readonly here: { readonly applied: string; readonly commands: readonly string[] } | { readonly applied: string; readonly onCluster: true } | { readonly refused: string };
  readonly minimum?: number;
  readonly maximum?: number;
  readonly oneOf?: readonly string[];
}

const C = ['ClientConfig'] as const;
const P = ['DefaultMQProducer'] as const;
const U = ['DefaultMQPushConsumer'] as const;
const L = ['DefaultLitePullConsumer'] as const;
const UL = ['DefaultMQPushConsumer', 'DefaultLitePullConsumer'] as const;

const NO_THREADS = 'mqlite runs on one thread';
const NO_TRACE = 'mqlite sends no trace messages';
const NO_POP = 'messages are pulled, not popped';
const ONLY_IN_CODE = 'it is an object of a Java program, not a value';

const refused = (reason: string): { readonly refused: string } => ({ refused: reason });
interface Applied {
  readonly applied: string;
  readonly commands: readonly string[];
}

const onCluster = (where: string): { readonly applied: string; readonly onCluster: true } => ({ applied: where, onCluster: true });
const inProduce = (where: string): Applied => ({ applied: where, commands: ['produce'] });
const inConsume = (where: string): Applied => ({ applied: where, commands: ['consume'] });
/** Settings of the runtime with listeners. */
const inListening = (where: string): Applied => ({ applied: where, commands: ['consume', 'bench consume'] });
const inReading = (where: string): Applied => ({ applied: where, commands: ['consume', 'tail'] });

const CLIENT_SETTINGS = [
  { name: 'namesrvAddr', classes: C, type: 'text', default: '', meaning: 'name servers of the cluster', here: refused('the target is chosen with --namesrv or a profile') },
  { name: 'clientIP', classes: C, type: 'text', default: 'address of the host', meaning: 'address in the client id', here: onCluster('clusters: the address in ids of messages and clients') },
  { name: 'instanceName', classes: C, type: 'text', default: 'DEFAULT', meaning: 'instance part of the client id', here: inConsume('consume --broadcast, where --instance is not given; the client id of a group member is host and process id') },
  { name: 'clientCallbackExecutorThreads', classes: C, type: 'integer', default: 'number of processors', meaning: 'threads that run callbacks', here: refused(NO_THREADS) },
  { name: 'namespace', classes: C, type: 'text', default: '', meaning: 'prefix of topics and groups (old form)', here: refused('topics and groups are named in full') },
  { name: 'namespaceV2', classes: C, type: 'text', default: '', meaning: 'namespace sent with each request', here: onCluster('clusters: sent with each request') },
  { name: 'accessChannel', classes: C, type: 'text', default: 'LOCAL', meaning: 'kind of deployment: LOCAL or CLOUD', here: refused('it is part of trace messages alone, and mqlite sends none') },
  { name: 'pollNameServerInterval', classes: C, type: 'integer', default: '30000', minimum: 1, meaning: 'ms between route look-ups', here: onCluster('clusters: how long a route is trusted') },
  { name: 'heartbeatBrokerInterval', classes: C, type: 'integer', default: '30000', minimum: 1000, maximum: 120000, meaning: 'ms between heartbeats', here: onCluster('clusters: members of groups and producers of transactions') },
  { name: 'persistConsumerOffsetInterval', classes: C, type: 'integer', default: '5000', minimum: 1, meaning: 'ms between commits of consumed offsets', here: inConsume('consume --group') },
  { name: 'pullTimeDelayMillsWhenException', classes: C, type: 'integer', default: '1000', meaning: 'ms to wait after a failed pull', here: refused('what a failed pull waits for is up to why it failed') },
  { name: 'traceMsgBatchNum', classes: C, type: 'integer', default: '10', meaning: 'trace records sent together', here: refused(NO_TRACE) },
  { name: 'unitMode', classes: ['ClientConfig', 'DefaultMQPushConsumer', 'DefaultLitePullConsumer'], type: 'boolean', default: 'false', meaning: 'deployment in units', here: refused('brokers keep it, and nothing of theirs depends on it') },
  { name: 'unitName', classes: C, type: 'text', default: '', meaning: 'unit part of the client id', here: onCluster('clusters: the end of each client id') },
  { name: 'decodeReadBody', classes: C, type: 'boolean', default: 'true', meaning: 'read bodies of pulled messages', here: refused('bodies are read when they are printed') },
  { name: 'decodeDecompressBody', classes: C, type: 'boolean', default: 'true', meaning: 'decompress bodies of pulled messages', here: refused('bodies are always shown decompressed') },
  { name: 'vipChannelEnabled', classes: C, type: 'boolean', default: 'false', meaning: 'send to the broker\'s second port', here: refused('brokers are reached at the address that they advertise') },
  { name: 'useHeartbeatV2', classes: C, type: 'boolean', default: 'false', meaning: 'shorter heartbeats', here: refused('heartbeats are always whole') },
  { name: 'useTLS', classes: ['ClientConfig', 'DefaultMQPushConsumer'], type: 'boolean', default: 'false', meaning: 'encrypted connections', here: refused('TLS is asked for with --tls, --tls-ca, --tls-cert and --tls-key, or by a profile') },
  { name: 'socksProxyConfig', classes: C, type: 'text', default: '{}', meaning: 'SOCKS proxies by address', here: refused('connections go straight to name servers and brokers') },
  { name: 'mqClientApiTimeout', classes: C, type: 'integer', default: '3000', minimum: 1, meaning: 'ms allowed to a metadata request', here: onCluster('clusters: every request but sends and long polls') },
  { name: 'detectTimeout', classes: C, type: 'integer', default: '200', meaning: 'ms allowed to probe a broker', here: refused('brokers that failed are tried again, not probed') },
  { name: 'detectInterval', classes: C, type: 'integer', default: '2000', meaning: 'ms between probes of a broker', here: refused('brokers that failed are tried again, not probed') },
  { name: 'language', classes: C, type: 'text', default: 'JAVA', meaning: 'language reported to brokers', here: refused('brokers are told NODE_JS') },
  { name: 'enableStreamRequestType', classes: C, type: 'boolean', default: 'false', meaning: 'mark requests as those of a stream', here: refused('requests are not marked') },
  { name: 'sendLatencyEnable', classes: C, type: 'boolean', default: 'false', meaning: 'avoid slow brokers', here: refused('brokers that failed or were slow are always avoided for a while') },
  { name: 'startDetectorEnable', classes: ['ClientConfig', 'DefaultMQProducer'], type: 'boolean', default: 'false', meaning: 'probe brokers that failed', here: refused('brokers that failed are tried again, not probed') },
  { name: 'enableHeartbeatChannelEventListener', classes: C, type: 'boolean', default: 'true', meaning: 'heartbeat at once on a new connection', here: refused('brokers hear of a member at once over a new connection') },
  { name: 'enableTrace', classes: C, type: 'boolean', default: 'false', meaning: 'send trace messages', here: refused(NO_TRACE) },
  { name: 'traceTopic', classes: C, type: 'text', default: TRACE_TOPIC, meaning: 'topic of trace messages', here: refused(NO_TRACE) },
  { name: 'maxPageSizeInGetMetadata', classes: C, type: 'integer', default: '2000', meaning: 'entries in a page of metadata', here: refused('lists are asked for whole') },
] as const satisfies readonly Setting[];

const PRODUCER_SETTINGS = [
  { name: 'producerGroup', classes: P, type: 'text', default: 'DEFAULT_PRODUCER', meaning: 'name of the producers that act as one', here: inProduce('produce --transaction without --group') },
  { name: 'topics', classes: P, type: 'text', default: '', meaning: 'topics a transaction producer prepares', here: refused('topics are made when they are needed') },
  { name: 'createTopicKey', classes: P, type: 'text', default: AUTO_CREATE_TOPIC, meaning: 'topic whose settings a new topic takes', here: refused('a new topic has defaultTopicQueueNums queues, readable and writable') },
  { name: 'defaultTopicQueueNums', classes: P, type: 'integer', default: '4', minimum: 1, meaning: 'queues of a topic made by sending to it', here: inProduce('produce') },
  { name: 'sendMsgTimeout', classes: P, type: 'integer', default: '3000', minimum: 1, meaning: 'ms allowed to a send', here: inProduce('produce, where --timeout is not given') },
  { name: 'sendMsgMaxTimeoutPerRequest', classes: P, type: 'integer', default: '-1', meaning: 'ms allowed to one attempt of a send', here: refused('--timeout covers all attempts of a send') },
  { name: 'compressMsgBodyOverHowmuch', classes: P, type: 'integer', default: '4096', unset: 'no compression', meaning: 'bodies of this many bytes and more are compressed', here: inProduce('produce, when this or compressType is given; --compress compresses every body') },
  { name: 'compressType', classes: P, type: 'text', default: 'ZLIB', unset: 'no compression', oneOf: ['ZLIB', 'LZ4', 'ZSTD'], meaning: 'how bodies are compressed', here: inProduce('produce, for bodies from compressMsgBodyOverHowmuch bytes on') },
  { name: 'compressLevel', classes: P, type: 'integer', default: '5', meaning: 'effort of the compression', here: refused('it is always the default, 5') },
  { name: 'maxMessageSize', classes: P, type: 'integer', default: '4194304', minimum: 1, meaning: 'largest body in bytes', here: inProduce('produce') },
  { name: 'retryTimesWhenSendFailed', classes: P, type: 'integer', default: '2', meaning: 'further attempts of a failed synchronous send', here: inProduce('produce, where --retries is not given and one send at a time is under way') },
  { name: 'retryTimesWhenSendAsyncFailed', classes: P, type: 'integer', default: '2', meaning: 'further attempts of a failed asynchronous send', here: inProduce('produce, where --retries is not given and several sends are under way (--in-flight above --batch)') },
  { name: 'retryAnotherBrokerWhenNotStoreOK', classes: P, type: 'boolean', default: 'false', meaning: 'try another broker unless the answer is SEND_OK', here: inProduce('produce, as --retry-another-broker; a store directory always answers SEND_OK') },
  { name: 'autoBatch', classes: P, type: 'boolean', default: 'false', meaning: 'gather messages into batches', here: refused('messages are always gathered; --batch limits how many') },
  { name: 'batchMaxDelayMs', classes: P, type: 'integer', default: '-1', meaning: 'ms a message waits for others', here: refused('a batch waits at most 5 ms') },
  { name: 'batchMaxBytes', classes: P, type: 'integer', default: '-1', meaning: 'bytes of a batch', here: refused('--batch limits a batch') },
  { name: 'totalBatchMaxBytes', classes: P, type: 'integer', default: '-1', meaning: 'bytes of all waiting batches', here: refused('--in-flight limits what waits') },
  { name: 'enableBackpressureForAsyncMode', classes: P, type: 'boolean', default: 'false', meaning: 'limit what is under way', here: refused('it is always limited, by --in-flight') },
  { name: 'backPressureForAsyncSendNum', classes: P, type: 'integer', default: '1024', meaning: 'messages under way', minimum: 1, here: inProduce('produce, where --in-flight is not given') },
  { name: 'backPressureForAsyncSendSize', classes: P, type: 'integer', default: '104857600', meaning: 'bytes under way', minimum: 1, here: inProduce('produce') },
  { name: 'sendMessageWithVIPChannel', classes: P, type: 'boolean', default: 'false', meaning: 'send to the broker\'s second port', here: refused('brokers are reached at the address that they advertise') },
  { name: 'sendLatencyFaultEnable', classes: P, type: 'boolean', default: 'false', meaning: 'avoid slow brokers', here: refused('brokers that failed or were slow are always avoided for a while') },
  { name: 'notAvailableDuration', classes: P, type: 'text', default: '0,0,2000,5000,6000,10000,30000', meaning: 'ms a slow broker is avoided', here: refused('brokers are avoided for as long as by default') },
  { name: 'latencyMax', classes: P, type: 'text', default: '50,100,550,1800,3000,5000,15000', meaning: 'ms from which a broker is slow', here: refused('brokers are slow from the same times on as by default') },
  { name: 'callbackExecutor', classes: P, type: 'text', default: '', meaning: 'executor of callbacks', here: refused(ONLY_IN_CODE) },
  { name: 'asyncSenderExecutor', classes: P, type: 'text', default: '', meaning: 'executor of asynchronous sends', here: refused(ONLY_IN_CODE) },
] as const satisfies readonly Setting[];

const CONSUMER_SETTINGS = [
  { name: 'consumerGroup', classes: UL, type: 'text', default: 'DEFAULT_CONSUMER', meaning: 'name of the group', here: refused('the group is named with --group') },
  { name: 'messageModel', classes: UL, type: 'text', default: 'CLUSTERING', oneOf: ['CLUSTERING', 'BROADCASTING'], meaning: 'clustering or broadcasting', here: inConsume('consume --group; BROADCASTING is --broadcast') },
  { name: 'consumeFromWhere', classes: UL, type: 'text', default: 'CONSUME_FROM_LAST_OFFSET', unset: 'CONSUME_FROM_FIRST_OFFSET', oneOf: ['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP'], meaning: 'where a new group starts', here: inConsume('consume --group without --from, for a group without offsets; when it is not set such a group starts at the first message') },
  { name: 'consumeTimestamp', classes: UL, type: 'text', default: 'half an hour ago', meaning: 'time at which a new group starts', here: inConsume('consume --group, with consumeFromWhere=CONSUME_FROM_TIMESTAMP; yyyyMMddHHmmss, local time') },
  { name: 'allocateMessageQueueStrategy', classes: UL, type: 'text', default: 'AllocateMessageQueueAveragely', oneOf: ['AllocateMessageQueueAveragely', 'AllocateMessageQueueAveragelyByCircle', 'AllocateMessageQueueConsistentHash'], meaning: 'how queues are shared out', here: inConsume('consume --group; all live members of a group must have the same') },
  { name: 'subscription', classes: U, type: 'text', default: '', meaning: 'topics with their filters', here: refused('topics are arguments, --tag and --sql filter') },
  { name: 'messageListener', classes: U, type: 'text', default: '', meaning: 'what handles messages', here: refused(ONLY_IN_CODE) },
  { name: 'messageQueueListener', classes: UL, type: 'text', default: '', meaning: 'what hears of changed queues', here: refused(ONLY_IN_CODE) },
  { name: 'offsetStore', classes: UL, type: 'text', default: '', meaning: 'where offsets are kept', here: refused(ONLY_IN_CODE) },
  { name: 'consumeThreadMin', classes: U, type: 'integer', default: '20', unset: '1', minimum: 1, maximum: 1000, meaning: 'fewest handling threads', here: inListening('consume --group, where --concurrency is not given: messages consumed at a time; 1 when it is not set') },
  { name: 'consumeThreadMax', classes: U, type: 'integer', default: '20', unset: '1', minimum: 1, maximum: 1000, meaning: 'most handling threads', here: inListening('consume --group, where --concurrency is not given: must not be below consumeThreadMin, and counts where that is not set') },
  { name: 'adjustThreadPoolNumsThreshold', classes: U, type: 'integer', default: '100000', meaning: 'backlog from which threads are added', here: refused(NO_THREADS) },
  { name: 'consumeConcurrentlyMaxSpan', classes: U, type: 'integer', default: '2000', minimum: 1, maximum: 65535, meaning: 'largest distance of offsets being handled', here: inListening('consume --group, not --orderly: reading pauses beyond it') },
  { name: 'consumeMaxSpan', classes: L, type: 'integer', default: '2000', meaning: 'largest distance of offsets in the cache', here: refused('consumeConcurrentlyMaxSpan is the one limit of distances') },
  { name: 'pullThresholdForQueue', classes: UL, type: 'integer', default: '1000', minimum: 1, maximum: 65535, meaning: 'messages cached for a queue', here: inListening('consume --group: reading pauses beyond it') },
  { name: 'pullThresholdSizeForQueue', classes: UL, type: 'integer', default: '100', minimum: 1, maximum: 1024, meaning: 'MiB cached for a queue', here: inListening('consume --group: reading pauses beyond it') },
  { name: 'pullThresholdForTopic', classes: U, type: 'integer', default: '-1', unset: 'no limit', minimum: 1, maximum: 6553500, meaning: 'messages cached for a topic', here: inListening('consume --group: shared by the owned queues of a topic, in place of pullThresholdForQueue') },
  { name: 'pullThresholdSizeForTopic', classes: U, type: 'integer', default: '-1', unset: 'no limit', minimum: 1, maximum: 102400, meaning: 'MiB cached for a topic', here: inListening('consume --group: shared by the owned queues of a topic, in place of pullThresholdSizeForQueue') },
  { name: 'pullThresholdForAll', classes: L, type: 'integer', default: '10000', unset: 'no limit', minimum: 1, meaning: 'messages cached in all', here: inListening('consume --group, when it is set: reading pauses beyond it') },
  { name: 'popThresholdForQueue', classes: U, type: 'integer', default: '96', meaning: 'messages of a queue not yet acknowledged', here: refused(NO_POP) },
  { name: 'popInvisibleTime', classes: U, type: 'integer', default: '60000', meaning: 'ms a popped message stays hidden', here: refused(NO_POP) },
  { name: 'popBatchNums', classes: U, type: 'integer', default: '32', meaning: 'messages of one pop', here: refused(NO_POP) },
  { name: 'pullInterval', classes: U, type: 'integer', default: '0', maximum: 65535, meaning: 'ms between two pulls', here: inListening('consume --group') },
  { name: 'pullBatchSize', classes: UL, type: 'integer', default: '32', unset: 'as much as is fast', minimum: 1, maximum: 1024, meaning: 'messages of one pull (10 is the default of lite pull)', here: inListening('consume --group; when it is not set as much as is fast is read at a time') },
  { name: 'pullBatchSizeInBytes', classes: U, type: 'integer', default: '262144', minimum: 1, meaning: 'bytes of one pull', here: inListening('consume --group') },
  { name: 'consumeMessageBatchMaxSize', classes: U, type: 'integer', default: '1', meaning: 'messages handed to a listener together', here: refused('messages are consumed one by one') },
  { name: 'postSubscriptionWhenPull', classes: U, type: 'boolean', default: 'false', meaning: 'send the filter with each pull', here: refused('the filter goes with each pull') },
  { name: 'maxReconsumeTimes', classes: U, type: 'integer', default: '-1', unset: 'what the group says', minimum: 0, meaning: 'deliveries before a message is dead', here: inConsume('consume --exec, where --max-reconsume is not given') },
  { name: 'suspendCurrentQueueTimeMillis', classes: U, type: 'integer', default: '1000', meaning: 'ms an ordered queue rests after a failure', here: inConsume('consume --exec --orderly; from 10 to 30000') },
  { name: 'consumeTimeout', classes: U, type: 'integer', default: '15', minimum: 1, meaning: 'minutes a listener may take', here: inConsume('consume --exec: what takes longer is sent back') },
  { name: 'awaitTerminationMillisWhenShutdown', classes: U, type: 'integer', default: '0', meaning: 'ms to wait for listeners at the end', here: refused('what is being consumed is waited for, 10 s after a signal at most') },
  { name: 'clientRebalance', classes: U, type: 'boolean', default: 'true', meaning: 'clients, not the broker, share out the queues', here: refused('members share out the queues among themselves') },
  { name: 'autoCommit', classes: L, type: 'boolean', default: 'true', meaning: 'commit consumed offsets', here: inConsume('consume --group; false commits nothing') },
  { name: 'autoCommitIntervalMillis', classes: L, type: 'integer', default: '5000', meaning: 'ms between commits', here: refused('persistConsumerOffsetInterval is the one interval of commits') },
  { name: 'pullThreadNums', classes: L, type: 'integer', default: '20', meaning: 'threads that pull', here: refused(NO_THREADS) },
  { name: 'brokerSuspendMaxTimeMillis', classes: L, type: 'integer', default: '20000', minimum: 1, meaning: 'ms a pull waits for a first message', here: inReading('consume and tail') },
  { name: 'consumerTimeoutMillisWhenSuspend', classes: L, type: 'integer', default: '30000', meaning: 'ms a connection allows a waiting pull', here: refused('a long poll may take as long as by default') },
  { name: 'consumerPullTimeoutMillis', classes: L, type: 'integer', default: '10000', meaning: 'ms a connection allows a pull', here: refused('a pull may take as long as by default') },
  { name: 'pollTimeoutMillis', classes: L, type: 'integer', default: '5000', meaning: 'ms a poll of the program waits', here: refused('--timeout says how long to wait for messages') },
  { name: 'topicMetadataCheckIntervalMillis', classes: L, type: 'integer', default: '30000', meaning: 'ms between looks for new queues', here: refused('a directory is looked at all the time; on a cluster pollNameServerInterval is the one interval') },
  { name: 'defaultBrokerId', classes: L, type: 'integer', default: '0', meaning: 'broker read from when the user chooses it', here: refused('it is read where the broker suggests') },
  { name: 'connectBrokerByUser', classes: L, type: 'boolean', default: 'false', meaning: 'the user chooses the broker read from', here: refused('it is read where the broker suggests') },
  { name: 'enableMsgTrace', classes: L, type: 'boolean', default: 'false', meaning: 'send trace messages', here: refused(NO_TRACE) },
  { name: 'customizedTraceTopic', classes: L, type: 'text', default: '', meaning: 'topic of trace messages', here: refused(NO_TRACE) },
] as const satisfies readonly Setting[];

const ALL = [...CLIENT_SETTINGS, ...PRODUCER_SETTINGS, ...CONSUMER_SETTINGS] as const;

/**
 * Every setting of the Java clients [ClientConfig, DefaultMQProducer, DefaultMQPushConsumer, DefaultLitePullConsumer, their setters]:
 * its default, what it means, and what mqlite does with it: applied where it says, or refused with the reason. None is accepted and ignored.
 */
export const SETTINGS: readonly Setting[] = ALL;

/** Names with an effect: the only ones that code can ask for. */
export type AppliedName = Extract<(typeof ALL)[number], { readonly here: { readonly applied: string } }>['name'];
