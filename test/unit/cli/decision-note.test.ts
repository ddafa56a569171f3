import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../../src/broker/errors.ts';
import type { EndTransactionRequest, SendOutcome } from '../../../src/broker/types.ts';
import { resumeTransactions } from '../../../src/cli/commands/resume-transactions.ts';
import { DecisionNote } from '../../../src/cli/decision-note.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { temporaryDirectory } from '../../support/fixtures.ts';

const request = (id: string): EndTransactionRequest => ({ topic: 'T', transactionId: id, offsetMsgId: '7F00000100002A9F0000000000000000', queueOffset: 1, producerGroup: 'g', decision: 'commit' });

describe('a decision on disk', () => {
  it('is its process\'s while that is at it, then whoever\'s comes, and gone when it is carried out', async () => {
    const directory = join(temporaryDirectory('decisions'), 'a', 'b');
    expect(await DecisionNote.left(directory)).toEqual([]);
    const note = await DecisionNote.write(directory, [request('1'), request('2')]);
    expect(await DecisionNote.left(directory)).toEqual([]);
    note.leave();
    const [left, ...more] = await DecisionNote.left(directory);
    expect(more).toEqual([]);
    expect(left!.requests).toEqual([request('1'), request('2')]);
    // Two that resume at once.
    expect(await DecisionNote.left(directory)).toEqual([]);
    left!.done();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('one that was cut off while it was written counts for nothing; one that is no decision is named', async () => {
    const directory = temporaryDirectory('decisions');
    writeFileSync(join(directory, 'x.json.new'), '{"requests":[{"to');
    expect(await DecisionNote.left(directory)).toEqual([]);
    for (const text of ['{"requests":[{"topic":"T"}]}', '{}', 'nonsense']) {
      writeFileSync(join(directory, 'y.json'), text);
      await expect(DecisionNote.left(directory), text).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('y.json') as string });
    }
  });
});

describe('resuming', () => {
  const resume = async (outcomes: readonly (SendOutcome | null)[]) => {
    const directory = temporaryDirectory('decisions');
    (await DecisionNote.write(directory, outcomes.map((_, index) => request(String(index))))).leave();
    const broker = new FakeBroker();
    broker.endTransactions = async () => [...outcomes];
    const result = await resumeTransactions(broker, directory);
    return { ...result, left: readdirSync(directory).length };
  };
  const stored: SendOutcome = { status: 'SEND_OK', topic: 'T', brokerName: 'a', queueId: 0, queueOffset: 0, msgId: 'M', offsetMsgId: 'O' };
  const failed = (code: 'REFUSED' | 'NOT_FOUND' | 'UNREACHABLE' | 'TIMED_OUT'): SendOutcome => ({ error: new MqliteError(code, 'why') });

  it('counts what was committed now and what was ended before', async () => {
    expect(await resume([stored, failed('REFUSED'), failed('NOT_FOUND'), stored])).toEqual({ data: { resumed: [{ producerGroup: 'g', messages: 4, committed: 2, ended: 2, open: 0 }], truncated: false }, failure: null, left: 0 });
  });

  it('keeps what could not be reached for the next time', async () => {
    const { data, failure, left } = await resume([stored, failed('UNREACHABLE'), failed('TIMED_OUT')]);
    expect([data.resumed, (failure as MqliteError).code, left]).toEqual([[{ producerGroup: 'g', messages: 3, committed: 1, ended: 0, open: 2 }], 'UNREACHABLE', 1]);
  });
});
