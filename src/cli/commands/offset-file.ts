import { MqliteError } from '../../broker/errors.ts';
import type { Broker } from '../../broker/broker.ts';
import type { MessageQueue } from '../../broker/types.ts';
import type { PlannedReset } from './offset-reset.ts';
import { planQueue } from './offset-reset.ts';
import { sameQueue } from './offsets.ts';

/** One committed offset as `offsets export` writes it and `offsets import` reads it. */
export interface ExportedOffset {
  readonly group: string;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly committedOffset: number;
}

export interface OffsetFile {
  readonly offsets: readonly ExportedOffset[];
  readonly truncated: boolean;
}

/** Queues without a committed offset are left out: there is nothing to bring back. */
export async function exportOffsets(broker: Broker, groups: readonly string[], topic: string | undefined): Promise<ExportedOffset[]> {
  const exported: ExportedOffset[] = [];
  for (const group of groups) {
    for (const { queue, committedOffset } of await broker.committedOffsets(group)) {
      if (committedOffset === null || (topic !== undefined && queue.topic !== topic)) continue;
      exported.push({ group, topic: queue.topic, brokerName: queue.brokerName, queueId: queue.queueId, committedOffset });
    }
  }
  return exported;
}

/** Error: INVALID_INPUT naming the entry and the field. */
export function parseOffsetFile(text: string, name: string): ExportedOffset[] {
  const refuse = (what: string): never => {
    throw new MqliteError('INVALID_INPUT', `${name}: ${what}`, { hint: 'Make such a file with "mqlite offsets export".' });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return refuse(`not JSON (${(error as Error).message})`);
  }
  const list = (parsed as { offsets?: unknown } | null)?.offsets;
  if (!Array.isArray(list)) return refuse('{"offsets":[…]} expected');
  const seen = new Set<string>();
  return list.map((item: unknown, index) => {
    const entry = (typeof item === 'object' && item !== null ? item : {}) as Partial<Record<keyof ExportedOffset, unknown>>;
    const { group, topic, brokerName, queueId, committedOffset } = entry;
    const where = `offsets[${index}]`;
    if (typeof group !== 'string' || group === '') return refuse(`${where}.group is not a name`);
    if (typeof topic !== 'string' || topic === '') return refuse(`${where}.topic is not a name`);
    if (typeof brokerName !== 'string') return refuse(`${where}.brokerName is not a name`);
    if (!isCount(queueId)) return refuse(`${where}.queueId is not a whole number from 0`);
    if (!isCount(committedOffset)) return refuse(`${where}.committedOffset is not a whole number from 0`);
    const key = JSON.stringify([group, topic, brokerName, queueId]);
    if (seen.has(key)) return refuse(`${where} names queue ${queueId} of ${topic} on ${brokerName} for group ${group} a second time`);
    seen.add(key);
    return { group, topic, brokerName, queueId, committedOffset };
  });
}

export interface ImportPlan {
  readonly resets: readonly PlannedReset[];
  /** Groups that the target does not have yet. */
  readonly newGroups: readonly string[];
}

/** Errors: TOPIC_NOT_FOUND, NOT_FOUND for a queue that is none, INVALID_INPUT where two offsets would go to one queue. */
export async function planImport(broker: Broker, offsets: readonly ExportedOffset[]): Promise<ImportPlan> {
  const known = new Set((await broker.listGroups()).map(({ group }) => group));
  const resets: PlannedReset[] = [];
  for (const entry of offsets) {
    const { group, topic, queueId, committedOffset } = entry;
    const queue = queueFor(entry, await broker.queues(topic));
    if (resets.some((other) => other.group === group && sameQueue(other.queue, queue))) {
      throw new MqliteError('INVALID_INPUT', `two offsets of group ${group} would go to queue ${queueId} of ${topic} on ${queue.brokerName}`, { hint: 'They are of brokers that are not in the target: leave one of them out.' });
    }
    const now = known.has(group) ? (await broker.committedOffsets(group, topic)).find((offset) => sameQueue(offset.queue, queue))?.committedOffset : undefined;
    const [minOffset, maxOffset] = [await broker.minOffset(queue), await broker.maxOffset(queue)];
    const current = { queue, committedOffset: now ?? null, minOffset, maxOffset, lag: null, nextStoreTimestamp: null };
    resets.push(await planQueue(group, current, { at: 'offset', offset: committedOffset }, async () => minOffset));
  }
  return { resets, newGroups: [...new Set(offsets.map(({ group }) => group))].filter((group) => !known.has(group)) };
}

/** The queue of that broker; where the topic is on one broker only, which has another name, the one of that number there. Error: NOT_FOUND. */
function queueFor({ topic, brokerName, queueId }: ExportedOffset, queues: readonly MessageQueue[]): MessageQueue {
  const brokerNames = [...new Set(queues.map((queue) => queue.brokerName))];
  const wantedName = brokerNames.length === 1 ? brokerNames[0] : brokerName;
  const found = queues.find((queue) => queue.queueId === queueId && queue.brokerName === wantedName);
  if (found !== undefined) return found;
  if (wantedName !== undefined && !brokerNames.includes(wantedName)) {
    throw new MqliteError('NOT_FOUND', `topic "${topic}" has no queues on a broker ${brokerName}`, { hint: `It has some on ${brokerNames.join(', ')}: change brokerName in the file, or leave the entry out.` });
  }
  throw new MqliteError('NOT_FOUND', `topic "${topic}" has no queue ${queueId}${brokerNames.length > 1 ? ` on ${brokerName}` : ''}`, { hint: `Give it more with "mqlite topics alter ${topic} --queues N", or leave the entry out.` });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
