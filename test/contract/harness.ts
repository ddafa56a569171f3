import { expect } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { ErrorCode } from '../../src/broker/errors.ts';
import { MqliteError } from '../../src/broker/errors.ts';
import type { MessageQueue, OutgoingMessage, SendResult } from '../../src/broker/types.ts';
import type { Message } from '../../src/record/message.ts';

/** A target as the suite needs it: fresh and empty. */
export interface OpenedBroker {
  readonly broker: Broker;
  /** Closes the broker and opens the same target again; absent where nothing outlives the broker. */
  readonly reopen?: (() => Promise<Broker>) | undefined;
  readonly dispose: () => Promise<void>;
}

/** What every part of the suite is given. `broker` is the one opened for the running test. */
export interface ContractContext {
  readonly broker: Broker;
  /** undefined where the adapter keeps nothing. */
  readonly reopen: (() => Promise<Broker>) | undefined;
}

export function text(topic: string, body: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { topic, body: Buffer.from(body), ...more };
}

export async function queueOf(broker: Broker, topic: string, queueId: number): Promise<MessageQueue> {
  const queue = (await broker.queues(topic)).find((candidate) => candidate.queueId === queueId);
  if (queue === undefined) throw new Error(`topic ${topic} has no queue ${queueId}`);
  return queue;
}

/** A topic of one queue with a message per body; answers its queue. */
export async function filled(broker: Broker, topic: string, bodies: readonly string[], more: Partial<OutgoingMessage> = {}): Promise<MessageQueue> {
  await broker.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  for (const body of bodies) await broker.send(text(topic, body, more));
  return queueOf(broker, topic, 0);
}

export async function pullAll(broker: Broker, queue: MessageQueue): Promise<Message[]> {
  const messages: Message[] = [];
  let offset = await broker.minOffset(queue);
  const end = await broker.maxOffset(queue);
  while (offset < end) {
    const result = await broker.pull({ queue, offset, maxMessages: 32 });
    messages.push(...result.messages);
    if (result.nextOffset <= offset) throw new Error(`a pull of ${queue.topic}-${queue.queueId} at ${offset} does not move on`);
    offset = result.nextOffset;
  }
  return messages;
}

export const bodies = (messages: readonly Message[]): string[] => messages.map((message) => message.body.toString());

/** The message that a send stored. */
export async function readBack(broker: Broker, sent: SendResult): Promise<Message> {
  const queue = await queueOf(broker, sent.topic, sent.queueId);
  const { messages } = await broker.pull({ queue, offset: sent.queueOffset, maxMessages: 1 });
  return messages[0]!;
}

/** Rejects with a MqliteError of one of the codes; says in one line what is wrong. */
export async function expectRefusal(promise: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<MqliteError> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  expect(error, 'it should be refused').toBeInstanceOf(MqliteError);
  const refusal = error as MqliteError;
  expect(codes, refusal.message).toContain(refusal.code);
  expect(refusal.message).not.toMatch(/\n/);
  expect(refusal.message.length).toBeGreaterThan(5);
  return refusal;
}

/** Waits until the wall clock has moved on by at least `ms` ms beyond now, so that store times differ. */
export async function tick(ms = 3): Promise<number> {
  const start = Date.now();
  while (Date.now() < start + ms) await new Promise((resolve) => setTimeout(resolve, 1));
  return start;
}
