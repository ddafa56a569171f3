import { describe, expect, it } from 'vitest';
import { checkRecord } from '../../../src/record/check.ts';
import { encodeRecord } from '../../../src/record/encode.ts';
import { encodeHost } from '../../../src/record/host.ts';
import * as layout from '../../../src/record/layout.ts';

const HOST = encodeHost('127.0.0.1:10911');
const TOPIC_AT = 88 + 4;

/** topic T, body "body", properties "a=b", at commit-log offset 1000. */
const record = (): Buffer => {
  const target = Buffer.alloc(256);
  const size = encodeRecord(
    {
      topic: 'T', queueId: 1, flag: 2, queueOffset: 3, commitLogOffset: 1000, sysFlag: 0, bornTimestamp: 4, bornHost: HOST, storeTimestamp: 5, storeHost: HOST,
      reconsumeTimes: 6, preparedTransactionOffset: 7, body: Buffer.from('body'), properties: 'a\u0001b\u0002', propertyCrc: false,
    },
    target,
    0,
  );
  return Buffer.from(target.subarray(0, size));
};

const reasonOf = (change: (bytes: Buffer) => void, crc = true): string => {
  const bytes = record();
  change(bytes);
  const check = checkRecord(bytes, 0, bytes.length, 1000, { crc });
  return check.kind === 'invalid' ? check.reason : check.kind;
};

describe('layout', () => {
  it('adds up to the fixed sizes RocketMQ computes', () => {
    expect(layout.STORE_TIMESTAMP_BYTES + layout.BORN_HOST + layout.AFTER_STORE_HOST_BYTES + 2 * layout.IPV4_HOST_BYTES + 1 + 2).toBe(layout.MIN_RECORD_BYTES);
    expect([layout.QUEUE_OFFSET, layout.PHYSICAL_OFFSET, layout.SYS_FLAG, layout.BORN_TIMESTAMP]).toEqual([20, 28, 36, 40]);
    expect(layout.MAX_RECORD_BYTES).toBe(4_259_840);
  });
});

describe('checkRecord', () => {
  it('finds a sound record, wherever it should be when that is not asked', () => {
    const bytes = record();
    expect(checkRecord(bytes, 0, bytes.length, 1000, { crc: true })).toEqual({ kind: 'record', sizeBytes: bytes.length });
    expect(checkRecord(bytes, 0, bytes.length, -1, { crc: true })).toEqual({ kind: 'record', sizeBytes: bytes.length });
  });

  it('tells zeros, an end of file, and what runs past the bytes there are', () => {
    expect(checkRecord(Buffer.alloc(100), 0, 100, 0, { crc: true })).toEqual({ kind: 'empty' });
    expect(checkRecord(Buffer.alloc(7), 0, 7, 0, { crc: true })).toEqual({ kind: 'partial', sizeBytes: 8 });
    const bytes = record();
    expect(checkRecord(bytes, 0, bytes.length - 1, 1000, { crc: true })).toEqual({ kind: 'partial', sizeBytes: bytes.length });
    bytes.writeInt32BE(layout.MAGIC_BLANK, 4);
    expect(checkRecord(bytes, 0, bytes.length, 1000, { crc: true })).toEqual({ kind: 'blank', sizeBytes: bytes.length });
    bytes.writeInt32BE(7, 0);
    expect(checkRecord(bytes, 0, bytes.length, 1000, { crc: true })).toMatchObject({ kind: 'invalid' });
  });

  it.each([
    ['TOTALSIZE 0 with a magic', (bytes: Buffer) => bytes.writeInt32BE(0, 0), /TOTALSIZE 0/],
    ['TOTALSIZE negative', (bytes: Buffer) => bytes.writeInt32BE(-1, 0), /TOTALSIZE -1/],
    ['TOTALSIZE 2^31-1', (bytes: Buffer) => bytes.writeInt32BE(0x7fff_ffff, 0), /partial/],
    ['TOTALSIZE one less', (bytes: Buffer) => bytes.writeInt32BE(bytes.length - 1, 0), /PROPLEN 4 does not fit/],
    ['a strange magic', (bytes: Buffer) => bytes.writeInt32BE(1, 4), /MAGICCODE 0x1 /],
    ['BODYLEN negative', (bytes: Buffer) => bytes.writeInt32BE(-5, 84), /BODYLEN -5/],
    ['BODYLEN 2^31-1', (bytes: Buffer) => bytes.writeInt32BE(0x7fff_ffff, 84), /BODYLEN 2147483647/],
    ['TOPICLEN negative', (bytes: Buffer) => bytes.writeInt8(-1, TOPIC_AT), /TOPICLEN -1/],
    ['TOPICLEN too long', (bytes: Buffer) => bytes.writeInt8(127, TOPIC_AT), /TOPICLEN 127/],
    ['PROPLEN negative', (bytes: Buffer) => bytes.writeInt16BE(-1, TOPIC_AT + 2), /PROPLEN -1/],
    ['PROPLEN longer than the record', (bytes: Buffer) => bytes.writeInt16BE(32_767, TOPIC_AT + 2), /PROPLEN 32767/],
    ['hosts that claim to be IPv6', (bytes: Buffer) => bytes.writeInt32BE(0x30, 36), /does not fit|too small/],
    ['a wrong PHYSICALOFFSET (P10)', (bytes: Buffer) => bytes.writeInt32BE(1001, 32), /PHYSICALOFFSET 1001 is not/],
    ['a changed body', (bytes: Buffer) => bytes.writeUInt8(0, 88), /BODYCRC/],
  ])('%s', (_name, change, reason) => {
    expect(reasonOf(change)).toMatch(reason);
  });

  it.each(['', '.', '..', '../x', 'a/b', 'a\\b', 'a\u0000'])('the topic "%s", which would lead out of the store', (topic) => {
    const target = Buffer.alloc(256);
    const size = encodeRecord(
      {
        topic, queueId: 0, flag: 0, queueOffset: 0, commitLogOffset: 0, sysFlag: 0, bornTimestamp: 0, bornHost: HOST, storeTimestamp: 0, storeHost: HOST,
        reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.from('b'), properties: '', propertyCrc: false,
      },
      target,
      0,
    );
    expect(checkRecord(target, 0, size, 0, { crc: true })).toMatchObject({ kind: 'invalid', reason: expect.stringMatching(/topic/) });
  });

  it('looks at the body only when asked', () => {
    expect(reasonOf((bytes) => bytes.writeUInt8(0, 88), false)).toBe('record');
  });
});
