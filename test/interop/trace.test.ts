import { expect, it } from 'vitest';
import type { MessageTraceJson } from '../../src/cli/commands/message-trace.ts';
import { runMqlite } from './support/mqlite.ts';
import { temporaryDirectory } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

/** A client gathers its traces for some seconds, and sends what is left when it is shut down. */
describeInterop('message trace', (world) => {
  it('shows what the official clients told of a message: sent, failed, retried, consumed; half and committed', async () => {
    const { broker, client } = await world.broker({ storeDirectory: temporaryDirectory('trace'), config: { mappedFileSizeCommitLog: 1_048_576, traceTopicEnable: true } });
    const [sent] = await client.send([{ topic: 'Traced', body: 'hello', tags: 'paid', keys: 'order-17 other' }], { trace: true });
    const [half] = await client.transaction('commit', [{ topic: 'TracedTx', body: 'tx', keys: 'tx-1' }], { trace: true });
    await client.consume({ group: 'tracing-readers', topic: 'Traced', count: 1, fail: true, trace: true });
    await client.consume({ group: 'tracing-readers', topic: 'Traced', count: 1, trace: true });
    await client.close();
    await broker.stop();

    const trace = async (id: string): Promise<MessageTraceJson> => JSON.parse(await runMqlite(broker.storeDirectory, ['message', 'trace', id, '--json'])) as MessageTraceJson;
    const { events } = await trace(sent!.msgId);
    expect(events).toMatchObject([
      { event: 'published', group: 'interop-tracing', topic: 'Traced', msgId: sent!.msgId, tags: 'paid', keys: ['order-17', 'other'], bodySizeBytes: 5, messageType: 'normal', offsetMsgId: sent!.offsetMsgId, success: true },
      { event: 'consumed', group: 'tracing-readers', retryTimes: 0, result: 'failed' },
      { event: 'consumed', group: 'tracing-readers', retryTimes: 1, result: 'success' },
    ]);
    expect((await trace('order-17')).events).toEqual(events);
    expect((await trace(sent!.offsetMsgId)).events).toEqual(events);
    expect((await trace(half!.msgId)).events).toMatchObject([
      { event: 'published', messageType: 'half', topic: 'TracedTx' },
      { event: 'transactionEnded', state: 'COMMIT_MESSAGE', fromTransactionCheck: false },
    ]);
    await runMqlite(broker.storeDirectory, ['message', 'trace', 'no-such-id'], { expect: 3 });
  });
});
