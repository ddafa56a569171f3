import { describe, expect, it } from 'vitest';
import type { MqliteError } from '../../../src/broker/errors.ts';
import { parseSettings } from '../../../src/cli/settings.ts';
import { SETTINGS } from '../../../src/cli/settings-table.ts';

/** Setters of the four classes of rocketmq-client 5.5.0, but the two that only adjust another value from inside. */
const SETTERS = {
  ClientConfig: `traceMsgBatchNum clientIP instanceName namesrvAddr clientCallbackExecutorThreads pollNameServerInterval heartbeatBrokerInterval
    persistConsumerOffsetInterval pullTimeDelayMillsWhenException unitName unitMode vipChannelEnabled useTLS socksProxyConfig language decodeReadBody
    decodeDecompressBody namespace namespaceV2 accessChannel mqClientApiTimeout enableStreamRequestType sendLatencyEnable startDetectorEnable
    enableHeartbeatChannelEventListener detectTimeout detectInterval useHeartbeatV2 enableTrace traceTopic maxPageSizeInGetMetadata`,
  DefaultMQProducer: `callbackExecutor asyncSenderExecutor autoBatch producerGroup createTopicKey sendMsgTimeout sendMsgMaxTimeoutPerRequest
    compressMsgBodyOverHowmuch retryAnotherBrokerWhenNotStoreOK maxMessageSize defaultTopicQueueNums retryTimesWhenSendFailed sendMessageWithVIPChannel
    notAvailableDuration latencyMax sendLatencyFaultEnable retryTimesWhenSendAsyncFailed enableBackpressureForAsyncMode backPressureForAsyncSendNum
    backPressureForAsyncSendSize topics startDetectorEnable compressLevel compressType batchMaxDelayMs batchMaxBytes totalBatchMaxBytes`,
  DefaultMQPushConsumer: `useTLS allocateMessageQueueStrategy consumeConcurrentlyMaxSpan consumeFromWhere consumeMessageBatchMaxSize consumerGroup
    consumeThreadMax consumeThreadMin messageListener messageModel pullBatchSize pullInterval pullThresholdForQueue popThresholdForQueue
    pullThresholdForTopic pullThresholdSizeForQueue pullThresholdSizeForTopic subscription offsetStore consumeTimestamp postSubscriptionWhenPull unitMode
    adjustThreadPoolNumsThreshold maxReconsumeTimes suspendCurrentQueueTimeMillis consumeTimeout popInvisibleTime awaitTerminationMillisWhenShutdown
    pullBatchSizeInBytes popBatchNums clientRebalance messageQueueListener`,
  DefaultLitePullConsumer: `autoCommit connectBrokerByUser defaultBrokerId pullThreadNums autoCommitIntervalMillis pullBatchSize pullThresholdForAll
    consumeMaxSpan pullThresholdForQueue pullThresholdSizeForQueue allocateMessageQueueStrategy pollTimeoutMillis offsetStore unitMode messageModel
    messageQueueListener consumerPullTimeoutMillis consumerTimeoutMillisWhenSuspend topicMetadataCheckIntervalMillis consumerGroup consumeFromWhere
    consumeTimestamp customizedTraceTopic enableMsgTrace brokerSuspendMaxTimeMillis`,
};

const failure = (...pairs: string[]): MqliteError => {
  try {
    parseSettings(pairs);
  } catch (error) {
    return error as MqliteError;
  }
  throw new Error('accepted');
};

describe('settings', () => {
  it.each(Object.entries(SETTERS))('every setting of %s is known', (className, names) => {
    const known = SETTINGS.filter((setting) => (setting.classes as readonly string[]).includes(className)).map((setting) => setting.name);
    expect([...known].sort()).toEqual([...new Set(names.split(/\s+/))].sort());
  });

  it('no name is there twice', () => {
    expect(new Set(SETTINGS.map((setting) => setting.name)).size).toBe(SETTINGS.length);
  });

  it.each(SETTINGS.map((setting) => [setting.name, setting] as const))('%s is applied somewhere or refused with a reason', (name, setting) => {
    if ('applied' in setting.here) {
      expect(setting.here.applied).toMatch(/produce|consume|tail|^clusters: /);
      expect(() => parseSettings([`${name}=${setting.default}`])).not.toThrow();
    } else {
      const error = failure(`${name}=${setting.default}`);
      expect(error).toMatchObject({ code: 'USAGE', message: `-X ${name} has no effect here: ${setting.here.refused}` });
    }
  });

  it('gives the default or the last value given', () => {
    const values = parseSettings(['sendMsgTimeout=1', 'sendMsgTimeout=2', 'autoCommit=false']);
    expect([values.integer('sendMsgTimeout'), values.boolean('autoCommit'), values.integer('maxMessageSize')]).toEqual([2, false, 4_194_304]);
    expect([values.isGiven('sendMsgTimeout'), values.isGiven('maxMessageSize')]).toEqual([true, false]);
  });

  it('refuses what it does not know, with the nearest name', () => {
    expect(failure('sendMsgTimeuot=1')).toMatchObject({ code: 'USAGE', message: '-X sendMsgTimeuot: no such setting', hint: 'Did you mean "sendMsgTimeout"?' });
    expect(failure('sendMsgTimeout').message).toContain('NAME=VALUE expected');
    expect(failure('=1').message).toContain('NAME=VALUE expected');
    expect(failure('toString=1').message).toContain('no such setting');
  });

  it.each(['sendMsgTimeout=', 'sendMsgTimeout=-1', 'sendMsgTimeout=0', 'sendMsgTimeout=1.5', 'sendMsgTimeout=2147483648', 'autoCommit=yes', 'compressType=GZIP'])('refuses %s', (pair) => {
    expect(failure(pair).message).toContain(`-X ${pair}: `);
  });
});
