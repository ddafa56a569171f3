import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeTrace } from '../../../src/record/trace.ts';

/** What the Java client's encoder of 5.5.0 wrote: one trace of each kind that went well, and one that did not. */
const golden = readFileSync(new URL('../../fixtures/trace-5.5.0.ndjson', import.meta.url), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { kind: string; body: string });
const bodies = (kind: string): string[] => golden.filter((row) => row.kind === kind).map(({ body }) => body);

const common = { timestamp: 1_795_418_257_748, group: 'payers', msgId: 'AC1100020B5D30946E09000000000001' };
const requestId = 'AC11000200002A9F0000000000000007';

describe('decodeTrace', () => {
  it.each([
    ['Pub', [
      { ...common, topic: 'Orders', tags: 'paid', keys: ['order-17', '客户'], storeHost: '127.0.0.2:10911', bodySizeBytes: 12, costMs: 86, messageType: 'half', offsetMsgId: '7F00000100002A9F0000000000000000', success: true },
      { ...common, topic: 'Orders', tags: null, keys: [], storeHost: '127.0.0.2:10911', bodySizeBytes: 12, costMs: 86, messageType: 'delay', offsetMsgId: null, success: false },
    ]],
    ['SubBefore', [{ ...common, requestId, retryTimes: 0, keys: ['order-17', '客户'] }, { ...common, requestId, retryTimes: 3, keys: [] }]],
    ['SubAfter', [{ ...common, requestId, costMs: 86, success: true, keys: ['order-17', '客户'], result: 'success' }, { ...common, requestId, costMs: 86, success: false, keys: [], result: 'failed' }]],
    ['EndTransaction', [
      { ...common, topic: 'Orders', transactionId: common.msgId, state: 'COMMIT_MESSAGE', fromTransactionCheck: false },
      { ...common, topic: 'Orders', transactionId: common.msgId, state: 'UNKNOW', fromTransactionCheck: true },
    ]],
    ['Recall', [{ ...common, topic: 'Orders', success: true }, { ...common, topic: 'Orders', success: false }]],
  ])('reads a %s of the Java client', (kind, expected) => {
    expect(bodies(kind).flatMap(decodeTrace)).toEqual(expected.map((record) => ({ kind, ...record })));
  });

  it('reads all of them in one body, and every one that is whole of a body that is cut off', () => {
    const all = golden.map(({ body }) => body).join('');
    const records = decodeTrace(all);
    expect(records).toHaveLength(golden.length);
    for (let end = 0; end < all.length; end += 7) {
      const found = decodeTrace(all.slice(0, end));
      const whole = all.slice(0, end).split('\u0002').length - 1;
      expect(found.slice(0, whole)).toEqual(records.slice(0, whole));
      expect(found.length - whole).toBeLessThanOrEqual(1);
    }
  });

  it('reads the records of older clients, which are shorter', () => {
    const [pub] = bodies('Pub');
    const fields = pub!.replace('\u0002', '').split('\u0001');
    expect(decodeTrace([...fields.slice(0, 12), 'true'].join('\u0001'))).toMatchObject([{ offsetMsgId: null, success: true }]);
    expect(decodeTrace([...fields, '10.0.0.1'].join('\u0001'))).toMatchObject([{ offsetMsgId: '7F00000100002A9F0000000000000000', success: true }]);
    const after = bodies('SubAfter')[0]!.replace('\u0002', '').split('\u0001');
    expect(decodeTrace(after.slice(0, 6).join('\u0001'))).toMatchObject([{ result: null, timestamp: null, group: null, success: true }]);
    expect(decodeTrace(after.slice(0, 7).join('\u0001'))).toMatchObject([{ result: 'success', timestamp: null, group: null }]);
  });

  it('passes over what is no record', () => {
    expect(decodeTrace('')).toEqual([]);
    expect(decodeTrace('hello')).toEqual([]);
    expect(decodeTrace('Pub\u0001soon\u0001r\u0001g\u0001t\u0001m\u0001\u0001\u0001h\u00011\u00011\u00010\u0001o\u0001true\u0002Nothing\u00011\u0002')).toEqual([]);
    expect(decodeTrace(`Pub\u0001${'9'.repeat(40)}\u0001\u0002`)).toEqual([]);
  });
});
