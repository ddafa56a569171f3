import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../../src/record/decode.ts';
import { encodeRecord, maxRecordSize } from '../../../src/record/encode.ts';
import type { RecordFields } from '../../../src/record/encode.ts';
import { encodeHost } from '../../../src/record/host.ts';
import { MAGIC_V1, MAGIC_V2, MAX_BODY_BYTES } from '../../../src/record/layout.ts';

const HOST = encodeHost('127.0.0.1:10911');

const encode = (changes: Partial<RecordFields>): Buffer => {
  const fields = {
    topic: 'T', queueId: 0, flag: 0, queueOffset: 0, commitLogOffset: 0, sysFlag: 0, bornTimestamp: 0, bornHost: HOST, storeTimestamp: 0, storeHost: HOST,
    reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.from('b'), properties: '', propertyCrc: false, ...changes,
  };
  const target = Buffer.alloc(maxRecordSize(fields));
  return target.subarray(0, encodeRecord(fields, target, 0));
};

const illegal = expect.objectContaining({ code: 'MESSAGE_ILLEGAL' });
const errorOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
};

describe('encodeRecord', () => {
  it('writes version 2 only for a topic of more than 127 characters', () => {
    expect(encode({ topic: 'x'.repeat(127) }).readInt32BE(4)).toBe(MAGIC_V1);
    const long = encode({ topic: '%RETRY%' + 'g'.repeat(121) });
    expect(long.readInt32BE(4)).toBe(MAGIC_V2);
    expect(decodeRecord(long, 0, 'b').topic).toBe('%RETRY%' + 'g'.repeat(121));
    expect(decodeRecord(encode({ topic: '%RETRY%' + 'g'.repeat(248) }), 0, 'b').topic).toHaveLength(255);
  });

  it('refuses what a broker refuses', () => {
    expect(errorOf(() => encode({ topic: 'x'.repeat(128) }))).toEqual(illegal);
    expect(errorOf(() => encode({ topic: '%RETRY%' + 'g'.repeat(249) }))).toEqual(illegal);
    expect(errorOf(() => encode({ topic: '中'.repeat(43) }))).toEqual(illegal);
    expect(errorOf(() => encode({ body: Buffer.alloc(MAX_BODY_BYTES + 1) }))).toEqual(illegal);
    expect(errorOf(() => encode({ properties: 'a\u0001' + 'v'.repeat(32_765) + '\u0002' }))).toEqual(illegal);
    expect(errorOf(() => encode({ properties: 'a\u0001' + 'v'.repeat(32_750) + '\u0002', propertyCrc: true }))).toEqual(illegal);
  });

  it('accepts the largest of each', () => {
    expect(encode({ body: Buffer.alloc(MAX_BODY_BYTES) })).toHaveLength(MAX_BODY_BYTES + 92);
    expect(encode({ properties: 'a\u0001' + 'v'.repeat(32_764) + '\u0002' })).toHaveLength(32_767 + 93);
    expect(encode({ body: Buffer.alloc(0) }).readInt32BE(8)).toBe(0);
  });

  it('never needs more room than announced', () => {
    const changes = { topic: '中'.repeat(42), properties: 'a\u0001' + '中'.repeat(99) + '\u0002', propertyCrc: true, bornHost: encodeHost('[::1]:1'), storeHost: encodeHost('[::2]:2') };
    expect(decodeRecord(encode(changes), 0, 'b').properties.a).toBe('中'.repeat(99));
  });

  it('overrides IPv6 bits that do not fit the hosts', () => {
    expect(encode({ sysFlag: 0x31 }).readInt32BE(36)).toBe(0x1);
    expect(encode({ storeHost: encodeHost('[::1]:1') }).readInt32BE(36)).toBe(0x20);
  });
});
