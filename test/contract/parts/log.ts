import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../src/broker/broker.ts';
import type { LogQuery, LogRecord } from '../../../src/broker/types.ts';
import { javaHashCode } from '../../../src/base/java-hash.ts';
import type { Message } from '../../../src/record/message.ts';
import type { ContractContext } from '../harness.ts';
import { text, tick } from '../harness.ts';

type MessageRecord = Extract<LogRecord<Message>, { recordType: 'message' }>;

async function read(broker: Broker, from: LogQuery['from']): Promise<MessageRecord[]> {
  const records: MessageRecord[] = [];
  for await (const batch of broker.readLog({ from, follow: false })) {
    for (const record of batch) if (record.recordType === 'message') records.push(record);
  }
  return records;
}

const bodiesOf = (records: readonly MessageRecord[]): string[] => records.map(({ message }) => message.body.toString());

export function logContract(context: ContractContext): void {
  describe('readLog', () => {
    it('walks every record of every topic, in the order of the log', async () => {
      const { broker } = context;
      for (const [index, topic] of ['One', 'Two', 'One', 'Three'].entries()) await broker.send(text(topic, `m${index}`, { tags: index === 2 ? undefined : 'TagA' }));
      const records = await read(broker, { at: 'first' });
      expect(bodiesOf(records)).toEqual(['m0', 'm1', 'm2', 'm3']);
      for (const [index, record] of records.entries()) {
        expect(record).toMatchObject({ commitLogOffset: record.message.commitLogOffset, sizeBytes: record.message.storeSize, crcOk: true });
        expect(record.tagsCode).toBe(index === 2 ? 0n : BigInt(javaHashCode('TagA')));
        if (index > 0) expect(record.commitLogOffset).toBe(records[index - 1]!.commitLogOffset + records[index - 1]!.sizeBytes);
      }
    });

    it('starts at the end, at an offset, at the last ones, at a time', async () => {
      const { broker } = context;
      for (const body of ['a', 'b', 'c', 'd']) {
        await broker.send(text('T', body));
        await tick(4);
      }
      const all = await read(broker, { at: 'first' });
      expect(await read(broker, { at: 'last' })).toEqual([]);
      expect(bodiesOf(await read(broker, { at: 'offset', commitLogOffset: all[2]!.commitLogOffset }))).toEqual(['c', 'd']);
      const end = all[3]!.commitLogOffset + all[3]!.sizeBytes;
      expect(await read(broker, { at: 'offset', commitLogOffset: end })).toEqual([]);
      expect(bodiesOf(await read(broker, { at: 'lastN', count: 1 }))).toEqual(['d']);
      expect(bodiesOf(await read(broker, { at: 'lastN', count: 3 }))).toEqual(['b', 'c', 'd']);
      expect(bodiesOf(await read(broker, { at: 'lastN', count: 99 }))).toEqual(['a', 'b', 'c', 'd']);
      expect(await read(broker, { at: 'lastN', count: 0 })).toEqual([]);
      const time = (index: number) => all[index]!.message.storeTimestamp;
      expect(bodiesOf(await read(broker, { at: 'time', timestamp: time(1) }))).toEqual(['b', 'c', 'd']);
      expect(bodiesOf(await read(broker, { at: 'time', timestamp: time(1) + 1 }))).toEqual(['c', 'd']);
      expect(bodiesOf(await read(broker, { at: 'time', timestamp: 0 }))).toEqual(['a', 'b', 'c', 'd']);
      expect(await read(broker, { at: 'time', timestamp: Date.now() + 60_000 })).toEqual([]);
    });

    it('ends at once on an empty log', async () => {
      expect(await read(context.broker, { at: 'first' })).toEqual([]);
      expect(await read(context.broker, { at: 'lastN', count: 5 })).toEqual([]);
    });

    it('follows until the signal aborts', async () => {
      const { broker } = context;
      await broker.send(text('T', 'old'));
      const stop = new AbortController();
      const seen: string[] = [];
      const reading = (async () => {
        for await (const batch of broker.readLog({ from: { at: 'last' }, follow: true }, stop.signal)) {
          for (const record of batch) if (record.recordType === 'message') seen.push(record.message.body.toString());
          if (seen.length >= 2) stop.abort();
        }
      })();
      await tick(20);
      await broker.send(text('T', 'new'));
      await broker.send(text('T', 'newer'));
      await reading;
      expect(seen).toEqual(['new', 'newer']);
    }, 10_000);
  });
}
