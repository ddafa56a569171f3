import { describe, expect, it } from 'vitest';
import { ACL_FIELD, signedContent, signFields } from '../../src/wire/acl.ts';
import { decodeMessageStream } from '../../src/wire/message-stream.ts';
import { SEND_BATCH_MESSAGE } from '../../src/wire/requests/send-message.ts';
import { readNdjson } from '../support/ndjson.ts';

interface Batch {
  kind: 'batch';
  units: { flag: number; body: string; properties: string }[];
  hex: string;
}
interface Stream {
  kind: 'stream';
  records: { sysFlag: number; body: string; [field: string]: string | number }[];
  hex: string;
}
interface Signed {
  fields: Record<string, string>;
  token: string | null;
  body: string;
  content: string;
  signed: Record<string, string>;
}

const rows = readNdjson<Batch | Stream>('golden', 'wire', 'messages-5.5.0.ndjson');
const batch = rows.find((row) => row.kind === 'batch')!;
const stream = rows.find((row) => row.kind === 'stream')!;
const COMPRESSED = 1;

describe('messages that Java wrote', () => {
  it('a batch', () => {
    const bytes = Buffer.from(batch.hex, 'hex');
    const units = SEND_BATCH_MESSAGE.requestBody.decode(bytes);
    expect(units.map(({ flag, body, properties }) => ({ flag, body: body.toString('hex'), properties }))).toEqual(batch.units);
    expect(SEND_BATCH_MESSAGE.requestBody.encode(units)!.equals(bytes)).toBe(true);
  });

  it('the records of a pull, with each compression, over IPv4 and IPv6', () => {
    const { messages, problems } = decodeMessageStream(Buffer.from(stream.hex, 'hex'), 'broker-a', true);
    expect(problems).toEqual([]);
    expect(messages).toHaveLength(8);
    expect(messages.map((message) => ({
      topic: message.topic, queueId: message.queueId, flag: message.flag, queueOffset: message.queueOffset, commitLogOffset: message.commitLogOffset, sysFlag: message.sysFlag,
      reconsumeTimes: message.reconsumeTimes, preparedTransactionOffset: message.preparedTransactionOffset, msgId: message.msgId, tags: message.tags, body: message.body.toString('hex'),
    }))).toEqual(stream.records.map((record) => ({ ...record, sysFlag: record.sysFlag & ~COMPRESSED })));
    expect(messages.map(({ brokerName, bornHost }) => `${brokerName} ${bornHost}`)).toEqual(
      Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 'broker-a 10.0.0.1:4711' : 'broker-a [fe80::1]:4711')));
  });
});

describe('requests that Java signed', () => {
  it.each(readNdjson<Signed>('golden', 'wire', 'signatures-5.5.0.ndjson').map((row) => [JSON.stringify(row.fields), row] as const))('%s', (_, row) => {
    const credentials = { accessKey: 'useré', secretKey: 'secret 中', ...(row.token === null ? {} : { securityToken: row.token }) };
    const body = row.body === '' ? null : Buffer.from(row.body);
    expect(signFields(row.fields, body, credentials)).toEqual(row.signed);
    expect(signedContent(row.signed, body).toString('hex')).toBe(row.content);
    // What a server computes again: whatever it received, the signature left out.
    const { [ACL_FIELD.SIGNATURE]: __, ...unsigned } = row.signed;
    expect(signedContent(unsigned, body).toString('hex')).toBe(row.content);
  });

  it('senders older than 4.9.4 leave one field out', () => {
    const fields = { _UNIQUE_KEY_QUERY: 'true', key: 'k' };
    expect(signedContent(fields, null).toString()).toBe('truek');
    expect(signedContent(fields, null, 401).toString()).toBe('truek');
    expect(signedContent(fields, null, 399).toString()).toBe('k');
  });
});
