import { MqliteError } from '../broker/errors.ts';
import type { AllocateStrategy } from '../broker/types.ts';
import type { FlowLimits } from '../client/flow-control.ts';
import type { GroupOptions } from '../client/group-options.ts';
import type { Position } from '../client/positions.ts';
import type { PushOptions } from '../client/push-consumer.ts';
import type { AppliedName } from './settings-table.ts';
import type { SettingValues } from './settings.ts';

export interface GroupFlagValues {
  readonly group?: string | undefined;
  readonly mode: string;
  readonly broadcast: boolean;
  readonly instance?: string | undefined;
  readonly orderly: boolean;
  readonly concurrency?: number | undefined;
}

/** Errors: USAGE for flags that do not go together. */
export function refuseGroupFlags(flags: GroupFlagValues): void {
  const { mode, broadcast, instance, orderly, concurrency } = flags;
  const refuse = (message: string, hint: string): never => {
    throw new MqliteError('USAGE', message, { hint });
  };
  const given = [mode === 'pull' && '--mode', broadcast && '--broadcast', instance !== undefined && '--instance', orderly && '--orderly', concurrency !== undefined && '--concurrency'].filter((flag) => flag !== false);
  if (flags.group === undefined && given.length > 0) refuse(`${given[0]} belongs to a group`, 'Name the group with --group.');
  if (orderly && broadcast) refuse('--orderly and --broadcast exclude each other', 'Order is kept by locking queues, and a broadcasting group shares them; leave one of them out.');
  if (instance !== undefined && !broadcast) refuse('--instance needs --broadcast', 'Members that share the queues have no offsets of their own.');
  if (mode === 'pull' && (orderly || concurrency !== undefined)) refuse(`--mode pull and ${orderly ? '--orderly' : '--concurrency'} exclude each other`, 'Leave out --mode pull.');
}

const STRATEGIES: Readonly<Record<string, AllocateStrategy>> = {
  AllocateMessageQueueAveragely: 'average', AllocateMessageQueueAveragelyByCircle: 'circle', AllocateMessageQueueConsistentHash: 'consistent-hash',
};

/** What the flags and settings of a run say of its group. Errors: USAGE. */
export function groupOptions({ flags, settings, clock }: {
  readonly flags: GroupFlagValues & { readonly group: string };
  readonly settings: SettingValues;
  readonly clock: { nowMs(): number };
}): Pick<GroupOptions, 'group' | 'messageModel' | 'allocate' | 'instance' | 'orderly' | 'fallbackFrom' | 'commitIntervalMs' | 'autoCommit'> {
  const isBroadcast = flags.broadcast || settings.text('messageModel') === 'BROADCASTING';
  if (isBroadcast && !flags.broadcast) refuseGroupFlags({ ...flags, broadcast: true });
  return {
    group: flags.group,
    messageModel: isBroadcast ? 'broadcasting' : 'clustering',
    allocate: STRATEGIES[settings.text('allocateMessageQueueStrategy')]!,
    instance: isBroadcast ? flags.instance ?? settings.text('instanceName') : undefined,
    orderly: flags.orderly,
    fallbackFrom: settings.isGiven('consumeFromWhere') ? whereToStart(settings, clock.nowMs()) : undefined,
    commitIntervalMs: settings.integer('persistConsumerOffsetInterval'),
    autoCommit: settings.boolean('autoCommit'),
  };
}

const HALF_AN_HOUR_MS = 1_800_000;

function whereToStart(settings: SettingValues, nowMs: number): Position {
  switch (settings.text('consumeFromWhere')) {
    case 'CONSUME_FROM_LAST_OFFSET': return { at: 'last' };
    case 'CONSUME_FROM_TIMESTAMP': return { at: 'time', timestamp: settings.isGiven('consumeTimestamp') ? parseConsumeTimestamp(settings.text('consumeTimestamp')) : nowMs - HALF_AN_HOUR_MS };
    default: return { at: 'first' };
  }
}

/** yyyyMMddHHmmss in local time. [UtilAll#parseDate] */
function parseConsumeTimestamp(text: string): number {
  const [, year, month, day, hour, minute, second] = (/^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text) ?? []).map(Number);
  const time = year === undefined ? Number.NaN : new Date(year, month! - 1, day, hour, minute, second).getTime();
  if (Number.isNaN(time)) throw new MqliteError('USAGE', `-X consumeTimestamp=${text}: yyyyMMddHHmmss expected`, { hint: 'For example 20260102030405.' });
  return time;
}

/** Settings that only the runtime with listeners has an effect for: giving one of them chooses it. */
const PUSH_SETTINGS: readonly AppliedName[] = [
  'consumeThreadMin', 'consumeThreadMax', 'consumeConcurrentlyMaxSpan', 'pullThresholdForQueue', 'pullThresholdSizeForQueue', 'pullThresholdForTopic',
  'pullThresholdSizeForTopic', 'pullThresholdForAll', 'pullInterval', 'pullBatchSize', 'pullBatchSizeInBytes',
];

/** Those that reading on demand has a use for. */
const PULL_SETTINGS: readonly AppliedName[] = ['pullBatchSize', 'pullThresholdForQueue'];

/** Error: USAGE for a setting of reading ahead where nothing is read ahead. */
export function refuseSettingsOfPush(flags: GroupFlagValues, settings: SettingValues): void {
  if (flags.mode !== 'pull') return;
  const given = PUSH_SETTINGS.find((name) => settings.isGiven(name) && !PULL_SETTINGS.includes(name));
  if (given !== undefined) throw new MqliteError('USAGE', `-X ${given} has no effect with --mode pull, which reads when what was read before is printed`, { hint: 'Leave one of them out.' });
}

/** Whether messages go through a listener; otherwise they are printed batch by batch, which is faster. */
export function wantsListener(flags: GroupFlagValues, settings: SettingValues): boolean {
  return flags.mode === 'push' && (flags.orderly || flags.concurrency !== undefined || PUSH_SETTINGS.some((name) => settings.isGiven(name)));
}

/** Messages of one pull where nobody set a number: a read of a store directory costs the same for 32 of them. */
const FAST_PULL_MESSAGES = 256;

export type PushSettings = Pick<PushOptions, 'concurrency' | 'limits' | 'pullBatchSize' | 'pullBatchBytes' | 'pullIntervalMs' | 'orderlySuspendMs' | 'maxReconsumeTimes' | 'consumeTimeoutMs'>;

/** The Java push consumer's settings. Error: USAGE. */
export function pushSettings(flags: Pick<GroupFlagValues, 'concurrency'>, settings: SettingValues): PushSettings {
  const maxReconsumeTimes = settings.integer('maxReconsumeTimes');
  return {
    concurrency: flags.concurrency ?? threads(settings),
    limits: flowLimits(settings),
    pullBatchSize: settings.isGiven('pullBatchSize') ? settings.integer('pullBatchSize') : FAST_PULL_MESSAGES,
    pullBatchBytes: settings.integer('pullBatchSizeInBytes'),
    pullIntervalMs: settings.integer('pullInterval'),
    orderlySuspendMs: settings.integer('suspendCurrentQueueTimeMillis'),
    maxReconsumeTimes: maxReconsumeTimes < 0 ? undefined : maxReconsumeTimes,
    consumeTimeoutMs: settings.integer('consumeTimeout') * 60_000,
  };
}

function threads(settings: SettingValues): number {
  const [min, max] = (['consumeThreadMin', 'consumeThreadMax'] as const).map((name) => (settings.isGiven(name) ? settings.integer(name) : undefined));
  if (min !== undefined && max !== undefined && min > max) {
    throw new MqliteError('USAGE', `-X consumeThreadMin=${min} is above consumeThreadMax=${max}`, { hint: 'Give --concurrency instead.' });
  }
  return min ?? max ?? 1;
}

function flowLimits(settings: SettingValues): FlowLimits {
  const limit = (name: AppliedName, unit = 1): number | null => (settings.isGiven(name) && settings.integer(name) > 0 ? settings.integer(name) * unit : null);
  return {
    queueMessages: settings.integer('pullThresholdForQueue'),
    queueBytes: settings.integer('pullThresholdSizeForQueue') * 2 ** 20,
    span: settings.integer('consumeConcurrentlyMaxSpan'),
    topicMessages: limit('pullThresholdForTopic'),
    topicBytes: limit('pullThresholdSizeForTopic', 2 ** 20),
    allMessages: limit('pullThresholdForAll'),
  };
}
