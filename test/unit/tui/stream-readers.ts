import { systemClock } from '../../../src/base/clock.ts';
import { parseViewFilter } from '../../../src/tui/filter.ts';
import type { MessageRow } from '../../../src/tui/rows.ts';
import { MessageReader } from '../../../src/tui/sources/message-reader.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

export async function brokerWith(count: number): Promise<FakeBroker> {
  const broker = new FakeBroker();
  await broker.createTopic('T', { readQueueNums: 3, writeQueueNums: 3 });
  await send(broker, 0, count);
  return broker;
}

export async function send(broker: FakeBroker, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index++) {
    await broker.send({ topic: 'T', body: Buffer.from(`m${index}`), queueId: (index * 7) % 3, tags: index % 10 === 0 ? 'ten' : 'other' });
  }
}

export const never = new AbortController().signal;
export const bodies = (rows: readonly unknown[]): string[] => (rows as MessageRow[]).map(({ body }) => body);
export const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `m${from + index}`);

export function messageReader(broker: FakeBroker, filter = ''): MessageReader {
  return new MessageReader({ broker, clock: systemClock, topics: ['T'], queueId: undefined, filter: parseViewFilter(filter), onDamage: () => undefined });
}
