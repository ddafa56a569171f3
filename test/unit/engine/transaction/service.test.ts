import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { EndTransactionRequest, SendResult } from '../../../../src/broker/types.ts';
import { nativeFileLocks } from '../../../../src/engine/files/file-locks.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { openLocalBroker } from '../../../../src/engine/open.ts';
import { StoreReader } from '../../../../src/engine/read/store-reader.ts';
import { resolveIdentity } from '../../../../src/engine/store-context.ts';
import { storePaths } from '../../../../src/engine/store-paths.ts';
import { committedCopy, realQueueOf, renewedCopy } from '../../../../src/engine/transaction/half-copies.ts';
import type { PreparedMessage } from '../../../../src/broker/prepared-message.ts';
import { StoreWriter } from '../../../../src/engine/write/store-writer.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { endRequest, listTransactions } from '../../../../src/client/transactions.ts';
import type { StoredMessage } from '../../../../src/record/decode.ts';
import { parseOffsetMsgId } from '../../../../src/record/message-id.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const GROUP = 'payers';
const decisions = (store: string): string[] => (existsSync(path.join(store, 'mqlite/transactions')) ? readdirSync(path.join(store, 'mqlite/transactions')) : []);

const open = (storeDirectory: string, notices: string[] = []): Promise<Broker> =>
  openLocalBroker({ storeDirectory, mode: 'write', create: true, onNotice: (notice) => notices.push(notice) });

const sendHalves = async (broker: Broker, count: number): Promise<SendResult[]> => {
  const sent: SendResult[] = [];
  for (let index = 0; index < count; index++) sent.push(await broker.send({ topic: 'T', body: Buffer.from(`m${index}`), queueId: 0, transactional: true, producerGroup: GROUP }));
  return sent;
};

const ending = (sent: SendResult, decision: 'commit' | 'rollback'): EndTransactionRequest => ({
  topic: 'T', transactionId: sent.transactionId!, offsetMsgId: sent.offsetMsgId, queueOffset: sent.queueOffset, producerGroup: GROUP, decision,
});

const commitLogOffset = (sent: SendResult): number => parseOffsetMsgId(sent.offsetMsgId)!.commitLogOffset;

/** What a producer leaves that died after its decision. */
const leaveDecision = (store: string, sent: readonly SendResult[], decision: 'commit' | 'rollback'): void => {
  mkdirSync(path.join(store, 'mqlite/transactions'), { recursive: true });
  const halves = sent.map((one) => [one.queueOffset, commitLogOffset(one)]);
  writeFileSync(path.join(store, 'mqlite/transactions/1.json'), JSON.stringify({ producerGroup: GROUP, decision, halves }));
};

const read = async (store: string): Promise<{ visible: string[]; progress: (number | null)[] }> => {
  const broker = await openLocalBroker({ storeDirectory: store, mode: 'read' });
  const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
  const visible: string[] = [];
  for (let offset = 0, end = await broker.maxOffset(queue); offset < end;) {
    const { messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: 1024 });
    visible.push(...messages.map(({ body }) => body.toString()));
    offset = nextOffset;
  }
  const offsets = await broker.committedOffsets('CID_RMQ_SYS_TRANS').catch(() => []);
  await broker.close();
  return { visible, progress: offsets.map(({ committedOffset }) => committedOffset) };
};

/** Opens the store for writing until its service has nothing to do at once. */
const visit = async (store: string): Promise<string[]> => {
  const notices: string[] = [];
  await (await open(store, notices)).close();
  return notices;
};

describe('the transaction service', () => {
  it('moves the offsets over what is decided, and not over what is pending', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 5);
    await broker.endTransaction(ending(sent[1]!, 'commit'));
    await broker.close();
    await visit(store);
    // The first half is pending: neither offset moves, the op record is still needed.
    expect(await read(store)).toEqual({ visible: ['m1'], progress: [] });
    const again = await open(store);
    await again.endTransaction(ending(sent[0]!, 'rollback'));
    await again.endTransaction(ending(sent[3]!, 'commit'));
    await again.close();
    await visit(store);
    expect(await read(store)).toEqual({ visible: ['m1', 'm3'], progress: [2, 2] });
  });

  it('writes offsets down at most every 5 s, and once the time has come', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    for (const one of await sendHalves(broker, 3)) {
      await broker.endTransaction(ending(one, 'commit'));
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    expect((await read(store)).progress).toEqual([1, 1]);
    await broker.close();
  });

  it.each(['commit', 'rollback'] as const)('carries out what a dead producer decided: %s', async (decision) => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 600);
    await broker.endTransaction(ending(sent[7]!, 'rollback'));
    await broker.close();
    leaveDecision(store, sent, decision);
    expect((await visit(store)).join()).toMatch(/finished a transaction of producer group payers/);
    const all = sent.map((_, index) => `m${index}`).filter((_, index) => index !== 7);
    expect(await read(store)).toMatchObject({ visible: decision === 'commit' ? all : [], progress: [600, expect.any(Number)] });
    expect(decisions(store)).toEqual([]);
    expect(await visit(store)).toEqual([]);
  });

  it('does not store a message a second time whose commit was stored without its op record', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 4);
    await broker.close();
    await commitWithoutOp(store, commitLogOffset(sent[1]!));
    expect((await read(store)).visible).toEqual(['m1']);
    leaveDecision(store, sent, 'commit');
    await visit(store);
    expect((await read(store)).visible).toEqual(['m1', 'm0', 'm2', 'm3']);
  });

  it('nor does one who ends it by hand', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const [first, second] = await sendHalves(broker, 2);
    await broker.close();
    await commitWithoutOp(store, commitLogOffset(first!));
    await commitWithoutOp(store, commitLogOffset(second!));
    const again = await open(store);
    expect(await again.endTransaction(ending(first!, 'commit'))).toMatchObject({ topic: 'T', queueOffset: 0, msgId: first!.msgId });
    await expect(again.endTransaction(ending(second!, 'rollback'))).rejects.toThrow('already committed');
    await again.close();
    await visit(store);
    expect(await read(store)).toEqual({ visible: ['m0', 'm1'], progress: [2, 2] });
  });

  it('clears away a decision of which nothing is left to do', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 3);
    await broker.endTransactions(sent.map((one) => ending(one, 'commit')));
    await broker.close();
    leaveDecision(store, sent, 'commit');
    await visit(store);
    expect(decisions(store)).toEqual([]);
    expect((await read(store)).visible).toEqual(['m0', 'm1', 'm2']);
  });

  it('leaves a decision alone whose producer lives', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 2);
    leaveDecision(store, sent, 'commit');
    const fd = nodeFileSystem.open(path.join(store, 'mqlite/transactions/1.json'), 'write');
    nativeFileLocks.tryLock(fd, 0, 'exclusive');
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect((await read(store)).visible).toEqual([]);
    nodeFileSystem.close(fd);
    for (let waited = 0; decisions(store).length > 0 && waited < 5000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await read(store)).visible).toEqual(['m0', 'm1']);
    await broker.close();
  });

  it('rolls back, and says so, what can no longer be committed', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 2);
    await broker.deleteTopic('T');
    await broker.close();
    leaveDecision(store, sent, 'commit');
    expect((await visit(store)).join()).toMatch(/rolled back instead of committed: topic T/);
    expect(decisions(store)).toEqual([]);
  });

  it('puts away a file that is no decision', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    await sendHalves(broker, 1);
    await broker.close();
    mkdirSync(path.join(store, 'mqlite/transactions'));
    for (const text of ['', '{"halves":[[1]]}', 'null']) {
      writeFileSync(path.join(store, 'mqlite/transactions/x.json'), text);
      expect((await visit(store)).join()).toMatch(/is no decision about transactions and was moved to .*quarantine/);
      expect(decisions(store)).toEqual([]);
    }
  });

  it('passes over halves of a decision that are not where it says', async () => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 1);
    await broker.close();
    leaveDecision(store, [{ ...sent[0]!, offsetMsgId: sent[0]!.offsetMsgId, queueOffset: 9 }], 'commit');
    await visit(store);
    expect(decisions(store)).toEqual([]);
    expect((await read(store)).visible).toEqual([]);
  });
});

describe('a half that a broker has stored again, and was killed before it wrote that down', () => {
  it.each(['commit', 'rollback'] as const)('is one transaction, ended with all its copies: %s', async (decision) => {
    const store = temporaryDirectory('tx');
    const broker = await open(store);
    const sent = await sendHalves(broker, 2);
    await broker.close();
    await storeCopy(store, commitLogOffset(sent[0]!), (half) => renewedCopy(half)!);
    const again = await open(store);
    const listed = await listTransactions(again, { withEnded: false });
    expect(listed.map(({ half, checkTimes }) => [half.body.toString(), half.queueOffset, checkTimes])).toEqual([['m0', 2, 1], ['m1', 1, 0]]);
    const asked: number[] = [];
    await again.checkTransactions(GROUP, async (half) => {
      asked.push(half.queueOffset);
      return 'unknown';
    }, AbortSignal.abort(), { once: true, timeoutMs: -1 });
    expect(asked).toEqual([]);
    await again.endTransaction(endRequest(listed[0]!, decision));
    await again.endTransaction(ending(sent[1]!, decision));
    await again.close();
    await visit(store);
    expect(await read(store)).toEqual({ visible: decision === 'commit' ? ['m0', 'm1'] : [], progress: [3, 2] });
  });
});

/** What a writer leaves that died between the two records: the commit alone. */
const commitWithoutOp = (store: string, halfAt: number): Promise<void> => storeCopy(store, halfAt, (half) => committedCopy(half, realQueueOf(half)!, false));

const storeCopy = async (store: string, halfAt: number, copy: (half: StoredMessage) => PreparedMessage): Promise<void> => {
  const paths = storePaths(store);
  const context = { fs: nodeFileSystem, locks: nativeFileLocks, clock: systemClock, paths, identity: resolveIdentity(nodeFileSystem, paths).identity };
  const writer = await StoreWriter.attach(context, { lockTimeoutMs: 1000, onNotice: () => {} });
  const reader = new StoreReader(context);
  const half = reader.messageAt(halfAt)!;
  await writer.locked(() => writer.append([copy(half)]));
  reader.close();
  await writer.detach();
};
