import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/broker/types.ts';
import type { Message } from '../../../src/record/message.ts';
import { asItComes, mergeByStoreTime } from '../../../src/remote/log-merge.ts';

type Batch = LogRecord<Message>[];
const message = (brokerName: string, commitLogOffset: number, storeTimestamp: number): LogRecord<Message> =>
  ({ recordType: 'message', commitLogOffset, sizeBytes: 100, tagsCode: 0n, crcOk: true, message: { brokerName, storeTimestamp } as Message });
const blank = (brokerName: string, commitLogOffset: number): LogRecord<Message> => ({ recordType: 'blank', commitLogOffset, sizeBytes: 100, brokerName });
const place = (record: LogRecord<Message>): string => `${record.recordType === 'message' ? record.message.brokerName : record.brokerName}${record.commitLogOffset}`;

async function* log(...batches: Batch[]): AsyncGenerator<Batch> {
  for (const batch of batches) {
    await Promise.resolve();
    yield batch;
  }
}

async function places(stream: AsyncIterable<readonly LogRecord<Message>[]>): Promise<string[][]> {
  const all: string[][] = [];
  for await (const batch of stream) all.push(batch.map(place));
  return all;
}

describe('logs of several brokers', () => {
  it('are one by store time, each in its own order, in batches', async () => {
    const a = log([message('a', 0, 10), message('a', 100, 30)], [blank('a', 200), message('a', 300, 25), message('a', 400, 60)]);
    const b = log([message('b', 0, 20)], [message('b', 100, 28)], [message('b', 200, 50)]);
    // a300 was stored by a clock that had gone back: it comes behind what is before it in its log all the same.
    expect(await places(mergeByStoreTime([a, b, log()], 3))).toEqual([['a0', 'b0', 'b100'], ['a100', 'a200', 'a300'], ['b200', 'a400']]);
    expect(await places(mergeByStoreTime([log(), log()], 3))).toEqual([]);
  });

  it('are followed as they come; one that waits keeps no other, and all are left at the end', async () => {
    const ended: string[] = [];
    async function* waiting(name: string, batches: Batch[], wait: Promise<void>): AsyncGenerator<Batch> {
      try {
        yield* batches;
        await wait;
        yield [message(name, 900, 0)];
      } finally {
        ended.push(name);
      }
    }
    let release = (): void => undefined;
    const wait = new Promise<void>((resolve) => { release = resolve; });
    const seen: string[] = [];
    for await (const batch of asItComes([waiting('a', [], wait), waiting('b', [[message('b', 0, 0)], [message('b', 100, 0)]], wait)])) {
      seen.push(...batch.map(place));
      if (seen.length === 2) {
        expect(seen).toEqual(['b0', 'b100']);
        release();
      }
      if (seen.length === 3) break;
    }
    expect(seen[2]).toMatch(/^[ab]900$/);
    await expect.poll(() => ended.length).toBe(2);
  });

  it('a log that always has something keeps no other waiting', async () => {
    async function* endless(name: string): AsyncGenerator<Batch> {
      for (let offset = 0; ; offset++) yield [message(name, offset, 0)];
    }
    const seen: string[] = [];
    for await (const batch of asItComes([endless('a'), endless('b')])) {
      seen.push(...batch.map((record) => place(record)[0]!));
      if (seen.length === 20) break;
    }
    expect(seen.filter((name) => name === 'b').length).toBeGreaterThan(5);
  });

  it('a log that fails while what another gave is being shown is heard when its turn comes, and nobody else hears of it', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    async function* failing(): AsyncGenerator<Batch> {
      yield [message('a', 0, 1)];
      throw new Error('gone');
    }
    const slow = async (): Promise<void> => {
      for await (const batch of asItComes([failing()])) {
        expect(batch).toHaveLength(1);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await expect(slow()).rejects.toThrow('gone');
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });

  it('a log that fails ends the whole', async () => {
    async function* failing(): AsyncGenerator<Batch> {
      yield [message('a', 0, 1)];
      throw new Error('gone');
    }
    await expect(places(mergeByStoreTime([failing(), log([message('b', 0, 5)])], 10))).rejects.toThrow('gone');
    await expect(places(asItComes([failing()]))).rejects.toThrow('gone');
  });
});
