import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch } from '../../src/record/batch.ts';
import { checkRecord } from '../../src/record/check.ts';
import { decodeRecord } from '../../src/record/decode.ts';
import { encodeBlank, encodeRecord } from '../../src/record/encode.ts';
import type { RecordFields } from '../../src/record/encode.ts';
import { encodeHost } from '../../src/record/host.ts';
import { offsetMsgIdOf, parseOffsetMsgId } from '../../src/record/message-id.ts';
import { tagsCode, tagsHash } from '../../src/record/tags.ts';

// Bytes that RocketMQ's own code wrote (store modules driven directly, 5.4.0 dependencies).
const V1_IPV4 =
  '0000006edaa320a7375337b900000000000000000000000000000000000000000000000000000000000001a2072de6e67f000001000004d2000001a2072de7857f000001' +
  '00002a9f000000000000000000000000000000026d30014100104b455953016b30025441475301543002';
const V1_IPV6 =
  '00000086daa320a7375337b900000000000000000000000000000000000000000000000000000030000001a20733941400000000000000000000000000000001000004d2' +
  '000001a2073395c9fe80000000000000000000000000000100002a9f000000000000000000000000000000026d30014100104b455953016b30025441475301543002';
const WITH_CRC =
  '00000082daa320a7375337b900000000000000000000000000000000000000000000000000000000000001a2073345777f000001000004d2000001a2073345b47f000001' +
  '00002a9f000000000000000000000000000000026d30014100244b455953016b300254414753015430025f5f435243333223013237393132353232343002';
const CLIENT_BATCH_UNIT = '0000003200000000000000000000000000000002' + '6230' + '001a' + '4b455953016b3002574149540174727565025441475301543002';

const fields = (changes: Partial<RecordFields>): RecordFields => ({
  topic: 'A',
  queueId: 0,
  flag: 0,
  queueOffset: 0,
  commitLogOffset: 0,
  sysFlag: 0,
  bornTimestamp: 0x1a2072de6e6,
  bornHost: encodeHost('127.0.0.1:1234'),
  storeTimestamp: 0x1a2072de785,
  storeHost: encodeHost('127.0.0.1:10911'),
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('m0'),
  properties: 'KEYS\u0001k0\u0002TAGS\u0001T0\u0002',
  propertyCrc: false,
  ...changes,
});

const encode = (changes: Partial<RecordFields>): string => {
  const target = Buffer.alloc(1024, 0xee);
  return target.subarray(3, 3 + encodeRecord(fields(changes), target, 3)).toString('hex');
};

describe('records as RocketMQ wrote them', () => {
  const ipv6 = { bornTimestamp: 0x1a207339414, bornHost: encodeHost('[::1]:1234'), storeTimestamp: 0x1a2073395c9, storeHost: encodeHost('[fe80::1]:10911') };
  const withCrc = { bornTimestamp: 0x1a207334577, storeTimestamp: 0x1a2073345b4, propertyCrc: true };

  it('version 1 over IPv4', () => {
    expect(encode({})).toBe(V1_IPV4);
    const message = decodeRecord(Buffer.from(V1_IPV4, 'hex'), 0, 'broker-a');
    expect(message).toMatchObject({ topic: 'A', bodyCRC: 0x375337b9, tags: 'T0', keys: ['k0'], bornHost: '127.0.0.1:1234', storeHost: '127.0.0.1:10911', storeSize: 110 });
    expect(message.msgId).toBe('7F00000100002A9F0000000000000000');
    expect(message.crcOk()).toBe(true);
  });

  it('version 1 over IPv6, the bits set from the hosts', () => {
    expect(encode(ipv6)).toBe(V1_IPV6);
    const message = decodeRecord(Buffer.from(V1_IPV6, 'hex'), 0, 'broker-a');
    expect(message).toMatchObject({ sysFlag: 0x30, bornHost: '[::1]:1234', storeHost: '[fe80::1]:10911', topic: 'A', tags: 'T0' });
    expect(message.offsetMsgId).toBe('FE80000000000000000000000000000100002A9F0000000000000000');
  });

  it('with a property CRC, whose digits stand least significant first', () => {
    expect(encode(withCrc)).toBe(WITH_CRC);
  });

  it('a property CRC that came along is replaced', () => {
    expect(encode({ ...withCrc, properties: 'KEYS\u0001k0\u0002__CRC32#\u00011234567890\u0002TAGS\u0001T0\u0002' })).toBe(WITH_CRC);
    expect(encode({ ...withCrc, properties: 'KEYS\u0001k0\u0002TAGS\u0001T0' })).toBe(WITH_CRC);
  });

  it.each([V1_IPV4, V1_IPV6, WITH_CRC])('they are sound', (hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(checkRecord(bytes, 0, bytes.length, 0, { crc: true })).toEqual({ kind: 'record', sizeBytes: bytes.length });
  });

  it('the end-of-file record', () => {
    const target = Buffer.alloc(10);
    expect(encodeBlank(target, 1, 2772)).toBe(8);
    expect(target.toString('hex')).toBe('0000000ad4cbd4319400');
    expect(checkRecord(target, 1, 8, 1_045_804, { crc: true })).toEqual({ kind: 'blank', sizeBytes: 2772 });
  });

  it('a client batch', () => {
    const unit = { flag: 0, body: Buffer.from('b0'), properties: 'KEYS\u0001k0\u0002WAIT\u0001true\u0002TAGS\u0001T0\u0002' };
    expect(encodeBatch([unit]).toString('hex')).toBe(CLIENT_BATCH_UNIT);
    expect(decodeBatch(Buffer.from(CLIENT_BATCH_UNIT.repeat(3), 'hex'))).toEqual([unit, unit, unit]);
  });

  it('ids and tags codes', () => {
    expect(offsetMsgIdOf(encodeHost('127.0.0.1:10911'), 0)).toBe('7F00000100002A9F0000000000000000');
    expect(parseOffsetMsgId('7F000001000051AF000000000001B104')).toEqual({ host: '127.0.0.1:20911', commitLogOffset: 110_852 });
    expect(parseOffsetMsgId('FE80000000000000000000000000000100002A9F0000000000000000')).toEqual({ host: '[fe80::1]:10911', commitLogOffset: 0 });
    expect(tagsHash('T2')).toBe(2654);
    expect(tagsCode(tagsHash('Delayed'))).toBe(-1_079_965_374n);
  });
});
