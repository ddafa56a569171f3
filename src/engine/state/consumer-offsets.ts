import type { Clock } from '../../base/clock.ts';
import { bumpDataVersion, cloneJson, countOf, isJsonObject, objectAt, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import type { ConfigFile } from './config-file.ts';

/**
 * consumerOffset.json: `offsetTable` maps `topic@group` to queue id to *next offset to consume* [ConsumerOffsetManager].
 * `pullOffsetTable` (5.5.0) has the same shape. `groupTopicMap` is a by-product that no one reads; it is kept as it is.
 */
const TABLE = 'offsetTable';
const PULL_TABLE = 'pullOffsetTable';

export interface QueueOffset {
  readonly topic: string;
  readonly queueId: number;
  /** Next offset to consume. */
  readonly offset: number;
}

/** Neither topics nor groups can contain `@`. */
const keyOf = (topic: string, group: string): string => `${topic}@${group}`;

/** null for keys that are not exactly `topic@group`; a broker's scans skip those too [ConsumerOffsetManager#whichTopicByConsumer]. */
const splitKey = (key: string): readonly [topic: string, group: string] | null => {
  const parts = key.split('@');
  return parts.length === 2 && parts[0] !== '' && parts[1] !== '' ? [parts[0]!, parts[1]!] : null;
};

const isQueueId = (text: string): boolean => /^\d{1,10}$/.test(text);

/** The group's next offset on a queue; null when nothing was ever committed. */
export const committedOffset = (root: JsonObject, group: string, topic: string, queueId: number): number | null =>
  countOf(objectOrEmpty(objectOrEmpty(root, TABLE), keyOf(topic, group))[queueId]);

/** Every committed offset that `keep` lets through. */
const offsetsWhere = (root: JsonObject, keep: (topic: string, group: string) => boolean): (QueueOffset & { readonly group: string })[] => {
  const found: (QueueOffset & { readonly group: string })[] = [];
  for (const [key, queues] of Object.entries(objectOrEmpty(root, TABLE))) {
    const split = splitKey(key);
    if (split === null || !isJsonObject(queues) || !keep(...split)) continue;
    for (const [queueId, value] of Object.entries(queues)) {
      const offset = countOf(value);
      if (offset !== null && isQueueId(queueId)) found.push({ topic: split[0], group: split[1], queueId: Number(queueId), offset });
    }
  }
  return found;
};

export const offsetsOfGroup = (root: JsonObject, group: string): QueueOffset[] => offsetsWhere(root, (_, candidate) => candidate === group);
export const offsetsOfTopic = (root: JsonObject, topic: string): (QueueOffset & { readonly group: string })[] =>
  offsetsWhere(root, (candidate) => candidate === topic);

/** Groups with offsets on `topic`, or on any topic, by name. */
export const groupsWithOffsets = (root: JsonObject, topic?: string): string[] => {
  const groups = new Set<string>();
  for (const key of Object.keys(objectOrEmpty(root, TABLE))) {
    const split = splitKey(key);
    if (split !== null && (topic === undefined || split[0] === topic)) groups.add(split[1]);
  }
  return [...groups].sort();
};

/** Sets the given queues' offsets and leaves all others alone. Forwards and backwards: whether that is right, the caller knows. */
export const commitOffsets = (root: JsonObject, group: string, commits: readonly QueueOffset[], nowMs: number): void => {
  let changed = false;
  for (const { topic, queueId, offset } of commits) {
    const queues = objectAt(objectAt(root, TABLE), keyOf(topic, group));
    if (queues[queueId] === offset) continue;
    queues[queueId] = offset;
    changed = true;
  }
  if (changed) bumpDataVersion(root, nowMs);
};

const removeWhere = (root: JsonObject, remove: (topic: string, group: string) => boolean, nowMs: number): void => {
  let changed = false;
  for (const name of [TABLE, PULL_TABLE]) {
    const table = root[name];
    if (!isJsonObject(table)) continue;
    for (const key of Object.keys(table)) {
      const split = splitKey(key);
      if (split === null || !remove(...split)) continue;
      delete table[key];
      changed = true;
    }
  }
  if (changed) bumpDataVersion(root, nowMs);
};

export const removeGroupOffsets = (root: JsonObject, group: string, nowMs: number): void =>
  removeWhere(root, (_, candidate) => candidate === group, nowMs);
export const removeTopicOffsets = (root: JsonObject, topic: string, nowMs: number): void =>
  removeWhere(root, (candidate) => candidate === topic, nowMs);

/** Says whether what we know of a queue is obsolete: reset, or its topic or group deleted, by another process since we saw it. */
export type IsObsolete = (topic: string, group: string, queueId: number) => boolean;

/**
 * What to go on with after somebody else rewrote the file, perhaps a refused broker from older memory: the file, except that
 * no offset we know is lost or taken back unless it is obsolete. A queue whose offset on disk is further than ours keeps that.
 */
export const mergeOffsets = (ours: JsonObject, onDisk: JsonObject, isObsolete: IsObsolete): JsonObject => {
  const merged = cloneJson(onDisk);
  for (const [key, queues] of Object.entries(objectOrEmpty(ours, TABLE))) {
    const split = splitKey(key);
    if (split === null || !isJsonObject(queues)) continue;
    for (const [queueId, value] of Object.entries(queues)) {
      const known = countOf(value);
      if (known === null || !isQueueId(queueId) || isObsolete(split[0], split[1], Number(queueId))) continue;
      const there = countOf(objectOrEmpty(objectOrEmpty(merged, TABLE), key)[queueId]);
      if (there === null || there < known) objectAt(objectAt(merged, TABLE), key)[queueId] = known;
    }
  }
  return merged;
};

/** consumerOffset.json of a store. Writing methods are called under the write lock. */
export class ConsumerOffsets {
  readonly #file: ConfigFile;
  readonly #clock: Clock;

  constructor(file: ConfigFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  committed(group: string, topic: string, queueId: number): number | null {
    return committedOffset(this.#file.value, group, topic, queueId);
  }

  ofGroup(group: string): QueueOffset[] {
    return offsetsOfGroup(this.#file.value, group);
  }

  ofTopic(topic: string): (QueueOffset & { readonly group: string })[] {
    return offsetsOfTopic(this.#file.value, topic);
  }

  groups(topic?: string): string[] {
    return groupsWithOffsets(this.#file.value, topic);
  }

  /** Merges the given queues into the file as it is now. */
  commit(group: string, commits: readonly QueueOffset[], options: { readonly sync?: boolean | undefined } = {}): void {
    this.#file.update((root) => commitOffsets(root, group, commits, this.#clock.nowMs()), options);
  }

  removeGroup(group: string): void {
    this.#file.update((root) => removeGroupOffsets(root, group, this.#clock.nowMs()));
  }

  removeTopic(topic: string): void {
    this.#file.update((root) => removeTopicOffsets(root, topic, this.#clock.nowMs()));
  }
}
