import type { Broker } from '../../../src/broker/broker.ts';
import { verifyStore } from '../../../src/engine/inspect/store-tools.ts';
import type { Message } from '../../../src/record/message.ts';
import { Machine, STORE } from './machine.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { GROUP, openBroker } from './workload.ts';
import type { Deed, Flush, Journal, Port, SentMessage } from './workload.ts';

export interface Expectation {
  /** What was acknowledged must be there: all of it, or only the messages (a power cut under flush sync), or nothing (under async). */
  readonly promised: 'everything' | 'messages' | 'nothing';
}

/** What a fault run has found wrong; empty when all oracles hold. */
export type Problems = string[];

/** The journal as it was when the machine stopped at operation `at`: later promises do not count. */
export const journalUntil = (journal: Journal, at: number): Journal => ({
  messages: journal.messages.filter((message) => message.startedAt < at).map((message) =>
    message.acknowledged !== null && message.acknowledged.at >= at ? { ...message, acknowledged: null } : message),
  deeds: journal.deeds.filter((deed) => deed.startedAt < at).map((deed) => (deed.acknowledgedAt !== null && deed.acknowledgedAt >= at ? { ...deed, acknowledgedAt: null } : deed)),
  errors: journal.errors.filter((error) => error.at < at),
});

/**
 * Opens the store that a fault has left, as the next writer would, holds what it finds against the journal, writes a
 * little more, closes it, verifies it, and opens it once again.
 */
export const checkStore = async (disk: MemoryDisk, journal: Journal, expected: Expectation, port?: Port, flush: Flush = 'sync'): Promise<Problems> => {
  const problems: Problems = [];
  const machine = new Machine(disk, 5000);
  try {
    const broker = await openBroker(machine, machine.start('checker'), flush, port);
    await checkBroker(broker, journal, expected, problems);
    const more = await writeMore(broker);
    await broker.close();
    await verify(machine, problems);
    const again = await openBroker(machine, machine.start('second-checker'), flush, port);
    if (again.notices().length > 0) problems.push(`after a clean close: ${again.notices().join('; ')}`);
    await checkBroker(again, { ...journal, messages: [...journal.messages, ...more] }, expected, problems);
    await again.close();
  } catch (error) {
    problems.push(`it could not be opened, read or closed: ${(error as Error).message} ${(error as Error).stack ?? ''}${causeOf(error)}`);
  }
  return problems;
};

const causeOf = (error: unknown): string => {
  const { cause } = error as Error;
  return cause instanceof Error ? `\n  caused by ${cause.stack}` : '';
};

export const checkBroker = async (broker: Broker, journal: Journal, expected: Expectation, problems: Problems): Promise<void> => {
  const found = await readEverything(broker, problems);
  checkMessages(found, journal, expected, problems);
  await checkDeletions(broker, found, journal, expected, problems);
  if (expected.promised === 'everything') await checkDeeds(broker, journal, problems);
  await checkKeys(broker, found, problems);
};

const place = (topic: string, queueId: number, queueOffset: number): string => `${topic}/${queueId}/${queueOffset}`;

/** All messages of all user topics by place; queue offsets must be continuous and every body intact. */
const readEverything = async (broker: Broker, problems: Problems): Promise<Map<string, Message>> => {
  const found = new Map<string, Message>();
  for (const { topic, system } of await broker.listTopics()) {
    if (system) continue;
    for (const queue of await broker.queues(topic)) {
      const end = await broker.maxOffset(queue);
      let next = await broker.minOffset(queue);
      if (next !== 0) problems.push(`${topic}/${queue.queueId} begins at ${next}`);
      while (next < end) {
        const { messages, nextOffset, damaged, status } = await broker.pull({ queue, offset: next, maxMessages: 32 });
        for (const damage of damaged) problems.push(`${topic}/${queue.queueId}/${damage.queueOffset} is damaged: ${damage.reason}`);
        if (messages.length === 0) {
          problems.push(`${topic}/${queue.queueId} has nothing at ${next} of ${end} (${status})`);
          break;
        }
        for (const message of messages) {
          if (message.queueOffset !== next) problems.push(`${topic}/${queue.queueId}: ${message.queueOffset} stands where ${next} should`);
          if (message.topic !== topic || message.queueId !== queue.queueId) problems.push(`${place(topic, queue.queueId, next)} is of ${message.topic}/${message.queueId}`);
          found.set(place(topic, queue.queueId, next), message);
          next++;
        }
        if (nextOffset !== next) {
          problems.push(`${topic}/${queue.queueId}: the pull ended at ${nextOffset} instead of ${next}`);
          break;
        }
      }
    }
  }
  return found;
};

/** Deletions of a topic: what was sent before the last acknowledged one must be gone, what came after it must be there. */
const deletedBefore = (journal: Journal, topic: string): { certain: number; possible: number } => {
  const deletions = journal.deeds.filter((deed) => deed.kind === 'delete' && deed.topic === topic);
  const certain = Math.max(-1, ...deletions.filter((deed) => deed.acknowledgedAt !== null).map((deed) => deed.startedAt));
  return { certain, possible: Math.max(certain, ...deletions.map((deed) => deed.startedAt)) };
};

const checkMessages = (found: ReadonlyMap<string, Message>, journal: Journal, expected: Expectation, problems: Problems): void => {
  const byBody = new Map<string, SentMessage>(journal.messages.map((message) => [message.body, message]));
  const seen = new Set<string>();
  const lastOrder = new Map<string, number>();
  const order = new Map<string, number>(journal.messages.map((message, index) => [message.body, index]));
  for (const [where, message] of found) {
    const body = message.body.toString('latin1');
    const sent = byBody.get(body);
    if (sent === undefined || sent.topic !== message.topic || sent.queueId !== message.queueId) problems.push(`phantom at ${where}: ${body.trim().slice(0, 30)}`);
    else if (!message.keys.includes(sent.key)) problems.push(`${where} has keys ${message.keys.join(' ')} instead of ${sent.key}`);
    if (seen.has(body)) problems.push(`${body.slice(0, 30)} is there twice, once at ${where}`);
    seen.add(body);
    const queue = `${message.topic}/${message.queueId}`;
    if ((order.get(body) ?? 0) < (lastOrder.get(queue) ?? -1)) problems.push(`${where} comes out of order`);
    lastOrder.set(queue, order.get(body) ?? 0);
  }
  if (expected.promised === 'nothing') return;
  for (const sent of journal.messages) {
    if (sent.acknowledged === null || sent.startedAt <= deletedBefore(journal, sent.topic).possible) continue;
    const where = place(sent.topic, sent.queueId, sent.acknowledged.queueOffset);
    const message = found.get(where);
    if (message === undefined) problems.push(`acknowledged ${where} (${sent.key}) is lost`);
    else if (message.body.toString('latin1') !== sent.body) problems.push(`acknowledged ${where} (${sent.key}) has another body: ${message.body.toString('latin1').slice(0, 20)}`);
  }
};

const checkDeletions = async (broker: Broker, found: ReadonlyMap<string, Message>, journal: Journal, expected: Expectation, problems: Problems): Promise<void> => {
  for (const topic of new Set(journal.deeds.filter((deed) => deed.kind === 'delete').map((deed) => deed.topic))) {
    const { certain, possible } = deletedBefore(journal, topic);
    const there = new Set([...found.values()].filter((message) => message.topic === topic).map((message) => message.body.toString('latin1')));
    const before = journal.messages.filter((message) => message.topic === topic && message.startedAt <= possible);
    const left = before.filter((message) => there.has(message.body));
    for (const message of left) if (message.startedAt <= certain) problems.push(`${message.key} of the deleted topic ${topic} is back`);
    const acknowledged = before.filter((message) => message.acknowledged !== null);
    if (expected.promised === 'everything' && left.length > 0 && left.length < acknowledged.length) {
      problems.push(`${left.length} of ${acknowledged.length} messages of ${topic} are left by a deletion that was interrupted`);
    }
    if (certain < 0) continue;
    const isRemade = journal.deeds.some((deed) => deed.kind === 'create' && deed.topic === topic && deed.startedAt > certain) ||
      journal.messages.some((message) => message.topic === topic && message.startedAt > certain);
    if (!isRemade && (await broker.listTopics()).some((config) => config.topic === topic)) problems.push(`the deleted topic ${topic} exists`);
  }
};

const last = (deeds: readonly Deed[], filter: (deed: Deed) => boolean): Deed | undefined => deeds.filter(filter).at(-1);

const checkDeeds = async (broker: Broker, journal: Journal, problems: Problems): Promise<void> => {
  const topics = await broker.listTopics();
  for (const topic of new Set(journal.deeds.map((deed) => deed.topic))) {
    const made = last(journal.deeds, (deed) => deed.topic === topic && (deed.kind === 'create' || deed.kind === 'alter') && deed.acknowledgedAt !== null);
    const undone = journal.deeds.some((deed) => deed.topic === topic && deed.kind === 'delete');
    const config = topics.find((candidate) => candidate.topic === topic);
    if (made !== undefined && !undone) {
      const tried = last(journal.deeds, (deed) => deed.topic === topic && deed.kind === 'alter');
      const allowed = [made.offsets[0], ...(tried === undefined || tried.startedAt < made.startedAt ? [] : [tried.offsets[0]])];
      if (config === undefined) problems.push(`topic ${topic} is lost`);
      else if (!allowed.includes(config.readQueueNums)) problems.push(`topic ${topic} has ${config.readQueueNums} queues instead of ${allowed.join(' or ')}`);
    }
  }
  const commit = last(journal.deeds, (deed) => deed.kind === 'commit' && deed.acknowledgedAt !== null);
  if (commit === undefined) return;
  const committed = await broker.committedOffsets(GROUP, commit.topic);
  commit.offsets.forEach((offset, queueId) => {
    const now = committed.find(({ queue }) => queue.queueId === queueId)?.committedOffset ?? null;
    if (now === null || now < offset) problems.push(`the committed offset of ${commit.topic}/${queueId} is ${now} instead of at least ${offset}`);
  });
};

/** Everything readable is found by its key, once, and by its id. */
const checkKeys = async (broker: Broker, found: ReadonlyMap<string, Message>, problems: Problems): Promise<void> => {
  for (const [where, message] of found) {
    for (const key of message.keys) {
      const { messages } = await broker.queryByKey({ topic: message.topic, key, maxMessages: 4 });
      if (messages.length !== 1 || messages[0]!.commitLogOffset !== message.commitLogOffset) problems.push(`${where}: ${messages.length} messages are found by its key ${key}`);
    }
  }
};

/** The store goes on: a message to every queue of a topic, and to a new topic. */
const writeMore = async (broker: Broker): Promise<SentMessage[]> => {
  const more: SentMessage[] = [];
  for (const topic of ['alpha', 'later']) {
    for (let count = 0; count < 2; count++) {
      const key = `more-${topic}-${count}`;
      const result = await broker.send({ topic, queueId: count, body: Buffer.from(key), keys: [key] });
      more.push({ topic, queueId: count, body: key, key, startedAt: Number.MAX_SAFE_INTEGER, acknowledged: { at: 0, queueOffset: result.queueOffset } });
    }
  }
  return more;
};

const verify = async (machine: Machine, problems: Problems): Promise<void> => {
  const report = await verifyStore({ storeDirectory: STORE, fs: machine.start('verifier').fs });
  for (const damage of report.damage) problems.push(`verify: ${damage.file} at ${damage.position}: ${damage.reason}`);
  if (!report.cleanlyClosed) problems.push('verify: not cleanly closed');
  for (const note of report.notes) if (!/a topic that was deleted|earlier|deleted/.test(note)) problems.push(`verify notes: ${note}`);
};
