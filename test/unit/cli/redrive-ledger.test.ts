import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LedgerFile, ledgerPath, ledgerReader, readLedger } from '../../../src/cli/redrive-ledger.ts';
import { temporaryDirectory } from '../../support/fixtures.ts';

const clock = { nowMs: () => 1000, elapsedMs: () => 1000, repeat: () => ({ within: () => {} }), sleep: async () => {} };
const fresh = (): string => ledgerPath({ kind: 'local', directory: temporaryDirectory('ledger'), commitLogDirectory: undefined, source: '' }, '/data', 'a|b%c');

describe('the redrive ledger', () => {
  it('lies in the store, or for a cluster in the data directory, under a name that any file system takes', () => {
    expect(ledgerPath({ kind: 'local', directory: '/s', commitLogDirectory: undefined, source: '' }, '/data', 'a|b%c')).toBe('/s/mqlite/redrive/617c622563.ndjson');
    const remote = (...addresses: string[]) => ledgerPath({ kind: 'remote', addresses, source: '', tls: null, credentials: null }, '/data', 'g');
    expect(remote('b:1', 'a:1')).toBe(remote('a:1', 'b:1'));
    expect(remote('a:1')).toMatch(/^\/data\/redrive\/[0-9a-f]+\/67\.ndjson$/);
  });

  it('keeps the last word of each letter and topic, for the next process', async () => {
    const file = fresh();
    expect(readLedger(file).size).toBe(0);
    const ledger = await LedgerFile.open(file, 'g', clock);
    ledger.record([{ event: 'intent', offsetMsgId: 'A', topic: 'T' }, { event: 'intent', offsetMsgId: 'A', topic: 'U' }], true);
    ledger.record([{ event: 'sent', offsetMsgId: 'A', topic: 'T', newOffsetMsgId: 'B' }], false);
    ledger.close();
    const again = await LedgerFile.open(file, 'g', clock);
    expect(again.last('A', 'T')).toEqual({ event: 'sent', offsetMsgId: 'A', topic: 'T', newOffsetMsgId: 'B', timestamp: 1000 });
    expect(again.last('A', 'U')).toMatchObject({ event: 'intent' });
    expect(again.last('B', 'T')).toBeUndefined();
    again.close();
  });

  it('is read again only when it has changed', async () => {
    const file = fresh();
    const read = ledgerReader(() => file);
    expect(read('g').size).toBe(0);
    const ledger = await LedgerFile.open(file, 'g', clock);
    ledger.record([{ event: 'intent', offsetMsgId: 'A', topic: 'T' }], false);
    const first = read('g');
    expect(first.get('A')).toMatchObject([{ event: 'intent' }]);
    expect(read('g')).toBe(first);
    ledger.record([{ event: 'sent', offsetMsgId: 'A', topic: 'T', newOffsetMsgId: 'B' }], false);
    expect(read('g').get('A')).toMatchObject([{ event: 'sent' }]);
    ledger.close();
  });

  it('has one writer at a time', async () => {
    const file = fresh();
    const ledger = await LedgerFile.open(file, 'g', clock);
    await expect(LedgerFile.open(file, 'g', clock)).rejects.toMatchObject({ code: 'LOCKED' });
    ledger.close();
    (await LedgerFile.open(file, 'g', clock)).close();
  });

  it('cuts off a last line that was not finished, and writes behind what is whole', async () => {
    const file = fresh();
    const ledger = await LedgerFile.open(file, 'g', clock);
    ledger.record([{ event: 'intent', offsetMsgId: 'A', topic: 'T' }], true);
    ledger.close();
    appendFileSync(file, '{"event":"sent","offs');
    expect(readLedger(file).get('A T')).toMatchObject({ event: 'intent' });
    const again = await LedgerFile.open(file, 'g', clock);
    again.record([{ event: 'failed', offsetMsgId: 'A', topic: 'T', reason: 'why' }], false);
    again.close();
    expect(readFileSync(file, 'utf8').split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as { event: string }).event))).toEqual(['intent', 'failed', '']);
  });

  it.each(['{}', 'null', 'x', '{"event":"sent","offsetMsgId":"A","topic":"T","timestamp":1}', '{"event":"lost","offsetMsgId":"A","topic":"T","timestamp":1}'])('refuses what it does not understand: %s', (line) => {
    const file = join(temporaryDirectory('ledger'), 'x.ndjson');
    appendFileSync(file, `${line}\n`);
    expect(() => readLedger(file)).toThrow(/line 1: not an entry/);
  });
});
