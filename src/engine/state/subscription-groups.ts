import type { Clock } from '../../base/clock.ts';
import { MqliteError } from '../../broker/errors.ts';
import type { GroupConfig } from '../../broker/types.ts';
import { bumpDataVersion, countOf, isJsonObject, newJsonObject, objectAt, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import type { ConfigFile } from './config-file.ts';
import { BUILT_IN_GROUPS, isSystemGroup, validateGroupName } from '../../broker/names.ts';
import { mergeConfigTable } from './topics.ts';

const TABLE = 'subscriptionGroupTable';

export type GroupPatch = Partial<Omit<GroupConfig, 'group' | 'system' | 'configured'>>;

/** [SubscriptionGroupConfig] defaults. */
const DEFAULTS = {
  consumeEnable: true, consumeBroadcastEnable: true, consumeMessageOrderly: false, retryQueueNums: 1, retryMaxTimes: 16,
} as const;

const flag = (entry: JsonObject, name: 'consumeEnable' | 'consumeBroadcastEnable' | 'consumeMessageOrderly'): boolean => {
  const value = entry[name];
  return typeof value === 'boolean' ? value : DEFAULTS[name];
};

const toGroupConfig = (group: string, entry: JsonObject): GroupConfig => ({
  group,
  consumeEnable: flag(entry, 'consumeEnable'),
  consumeBroadcastEnable: flag(entry, 'consumeBroadcastEnable'),
  consumeMessageOrderly: flag(entry, 'consumeMessageOrderly'),
  retryQueueNums: countOf(entry['retryQueueNums']) ?? DEFAULTS.retryQueueNums,
  // -1 means without end; anything that is no whole number is the default.
  retryMaxTimes: Number.isSafeInteger(entry['retryMaxTimes']) ? (entry['retryMaxTimes'] as number) : DEFAULTS.retryMaxTimes,
  system: isSystemGroup(group),
  configured: true,
});

/** The group's configuration, built-in groups included; null when it has none. */
export const getGroup = (root: JsonObject, group: string): GroupConfig | null => {
  const entry = objectOrEmpty(root, TABLE)[group];
  if (isJsonObject(entry)) return toGroupConfig(group, entry);
  return BUILT_IN_GROUPS.includes(group) ? toGroupConfig(group, newJsonObject()) : null;
};

/** All configured groups by name, built-in ones included. */
export const listGroups = (root: JsonObject): GroupConfig[] => {
  const table = objectOrEmpty(root, TABLE);
  const all = new Set([...BUILT_IN_GROUPS, ...Object.keys(table).filter((name) => isJsonObject(table[name]))]);
  return [...all].sort().map((group) => getGroup(root, group)!);
};

/** Adds a group with RocketMQ's defaults, changed by `patch`. */
export const createGroup = (root: JsonObject, group: string, patch: GroupPatch, nowMs: number): GroupConfig => {
  validateGroupName(group);
  if (getGroup(root, group) !== null) {
    throw new MqliteError('REFUSED', `group ${group} exists already`, { hint: `see it with "mqlite groups show ${group}"` });
  }
  const wanted = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as GroupPatch;
  const config: Required<GroupPatch> = { ...DEFAULTS, ...wanted };
  for (const [field, min] of [['retryQueueNums', 0], ['retryMaxTimes', -1]] as const) {
    const value: number = config[field];
    if (!Number.isInteger(value) || value < min || value > 0x7fffffff) {
      throw new MqliteError('INVALID_INPUT', `${field} cannot be ${value}`, { hint: `give a whole number from ${min}` });
    }
  }
  const entry: JsonObject = Object.assign(newJsonObject(), {
    attributes: newJsonObject(),
    brokerId: 0,
    consumeBroadcastEnable: config.consumeBroadcastEnable,
    consumeEnable: config.consumeEnable,
    consumeFromMinEnable: true,
    consumeMessageOrderly: config.consumeMessageOrderly,
    consumeTimeoutMinute: 15,
    groupName: group,
    groupRetryPolicy: Object.assign(newJsonObject(), { type: 'CUSTOMIZED' }),
    groupSysFlag: 0,
    notifyConsumerIdsChangedEnable: true,
    retryMaxTimes: config.retryMaxTimes,
    retryQueueNums: config.retryQueueNums,
    whichBrokerWhenConsumeSlowly: 1,
  });
  objectAt(root, TABLE)[group] = entry;
  bumpDataVersion(root, nowMs);
  return toGroupConfig(group, entry);
};

/** Removes a group's configuration and its forbidden topics. Built-in groups are REFUSED: a broker would bring them back. */
export const removeGroup = (root: JsonObject, group: string, nowMs: number): void => {
  if (getGroup(root, group) === null) {
    throw new MqliteError('GROUP_NOT_FOUND', `group ${group} does not exist`, { hint: 'list groups with "mqlite groups list"' });
  }
  if (isSystemGroup(group)) {
    throw new MqliteError('REFUSED', `${group} is one of RocketMQ's own groups`, { hint: 'system groups cannot be deleted' });
  }
  delete objectAt(root, TABLE)[group];
  if (isJsonObject(root['forbiddenTable'])) delete root['forbiddenTable'][group];
  bumpDataVersion(root, nowMs);
};

/** A newer file wins: nobody but an mqlite deletes groups, and one that a broker forgot is made again on use. */
export const mergeGroups = (ours: JsonObject, onDisk: JsonObject): JsonObject => mergeConfigTable(ours, onDisk, TABLE, () => true);

/** subscriptionGroup.json of a store. Writing methods are called under the write lock. */
export class SubscriptionGroups {
  readonly #file: ConfigFile;
  readonly #clock: Clock;

  constructor(file: ConfigFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  get(group: string): GroupConfig | null {
    return getGroup(this.#file.value, group);
  }

  list(): GroupConfig[] {
    return listGroups(this.#file.value);
  }

  create(group: string, patch: GroupPatch = {}): GroupConfig {
    let created: GroupConfig | undefined;
    this.#file.update((root) => {
      created = createGroup(root, group, patch, this.#clock.nowMs());
    });
    return created!;
  }

  remove(group: string): void {
    this.#file.update((root) => removeGroup(root, group, this.#clock.nowMs()));
  }
}
