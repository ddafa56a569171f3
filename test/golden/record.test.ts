import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRecord } from '../../src/record/check.ts';
import { decodeRecord } from '../../src/record/decode.ts';
import { encodeRecord } from '../../src/record/encode.ts';
import { encodeHost } from '../../src/record/host.ts';
import type { StoredMessage } from '../../src/record/decode.ts';
import { readTruth, unpackFixture } from '../support/fixtures.ts';
import type { TruthRow } from '../support/fixtures.ts';

const readLog = (store: string): StoredMessage[] => {
  const log = fs.readFileSync(path.join(store, 'commitlog', '00000000000000000000'));
  const messages: StoredMessage[] = [];
  for (let at = 0; ; ) {
    const check = checkRecord(log, at, log.length - at, at, { crc: true });
    if (check.kind !== 'record') {
      expect(check.kind).toBe('empty');
      return messages;
    }
    messages.push(decodeRecord(log, at, 'broker-a'));
    at += check.sizeBytes;
  }
};

const toRow = (message: StoredMessage): TruthRow => ({
  topic: message.topic,
  queueId: message.queueId,
  queueOffset: message.queueOffset,
  commitLogOffset: message.commitLogOffset,
  storeSize: message.storeSize,
  sysFlag: message.sysFlag,
  flag: message.flag,
  bodyCRC: message.bodyCRC,
  bornTimestamp: message.bornTimestamp,
  storeTimestamp: message.storeTimestamp,
  reconsumeTimes: message.reconsumeTimes,
  preparedTransactionOffset: message.preparedTransactionOffset,
  offsetMsgId: message.offsetMsgId,
  msgId: message.msgId,
  bodyLength: message.body.length,
  bodySha256_8: crypto.createHash('sha256').update(message.body).digest('hex').slice(0, 16),
  properties: { ...message.properties },
});

describe.each(['clean', 'killed'] as const)('the log of a real broker, %s', (name) => {
  const messages = readLog(unpackFixture(name));
  const byOffset = new Map(messages.map((message) => [message.commitLogOffset, message]));

  it('decodes to what the official client saw', () => {
    const truth = readTruth();
    expect(truth.length).toBeGreaterThan(100);
    for (const row of truth) {
      expect(toRow(byOffset.get(row.commitLogOffset)!)).toEqual(row);
    }
  });

  it('encodes again to the same bytes', () => {
    for (const message of messages) {
      const original = message.recordBytes;
      const properties = original.subarray(propertiesStart(message)).toString('utf8');
      const target = Buffer.alloc(original.length + 4096);
      const size = encodeRecord(
        {
          ...fieldsOf(message),
          bornHost: encodeHost(message.bornHost),
          storeHost: encodeHost(message.storeHost),
          body: message.storedBody,
          properties,
          propertyCrc: false,
        },
        target,
        7,
      );
      expect(target.subarray(7, 7 + size).equals(original)).toBe(true);
    }
  });
});

const propertiesStart = (message: StoredMessage): number => {
  const topicBytes = Buffer.byteLength(message.topic);
  const hosts = 88 + ((message.sysFlag & 0x10) === 0 ? 0 : 12) + ((message.sysFlag & 0x20) === 0 ? 0 : 12);
  return hosts + message.storedBody.length + (message.topic.length > 127 ? 2 : 1) + topicBytes + 2;
};

const fieldsOf = (message: StoredMessage) => {
  const { topic, queueId, flag, queueOffset, commitLogOffset, bornTimestamp, storeTimestamp, reconsumeTimes, preparedTransactionOffset } = message;
  return { topic, queueId, flag, queueOffset, commitLogOffset, sysFlag: message.storedSysFlag, bornTimestamp, storeTimestamp, reconsumeTimes, preparedTransactionOffset };
};
