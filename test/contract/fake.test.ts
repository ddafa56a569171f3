import { describe, expect, it } from 'vitest';
import { FakeBroker } from '../support/fake-broker.ts';
import { describeBrokerContract } from './broker-contract.ts';
import { expectRefusal, filled, text } from './harness.ts';

describeBrokerContract('the in-memory fake', async () => {
  let broker = new FakeBroker();
  return {
    broker,
    reopen: async () => {
      await broker.close();
      return (broker = new FakeBroker({ store: broker.store }));
    },
    dispose: async () => undefined,
  };
});

describe('the fake beyond the contract', () => {
  it('sends a reader below the minimum forward to it, and counts lag from there', async () => {
    const broker = new FakeBroker();
    const queue = await filled(broker, 'T', ['a', 'b', 'c', 'd']);
    await broker.createGroup('readers', {});
    await broker.resetOffsets('readers', [{ queue, offset: 1 }]);
    broker.store.expire('T', 0, 2);
    expect(await broker.pull({ queue, offset: 1, maxMessages: 1 })).toMatchObject({ status: 'OFFSET_ILLEGAL', nextOffset: 2, minOffset: 2, maxOffset: 4 });
    expect(await broker.minOffset(queue)).toBe(2);
    expect(await broker.offsetByTime(queue, 0, 'upper')).toBe(2);
    expect(await broker.committedOffsets('readers')).toMatchObject([{ committedOffset: 1, lag: 2 }]);
  });

  it('writes nothing when it was opened for reading', async () => {
    const writer = new FakeBroker();
    await writer.send(text('T', 'x'));
    const reader = new FakeBroker({ store: writer.store, mode: 'read' });
    await expectRefusal(reader.send(text('T', 'x')), 'READ_ONLY');
    await expectRefusal(reader.deleteTopic('T'), 'READ_ONLY');
    expect(await reader.queues('T')).toHaveLength(4);
  });
});
