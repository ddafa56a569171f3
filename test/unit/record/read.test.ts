import { describe, expect, it } from 'vitest';
import { encodeBatch, expandInnerBatch, decodeBatch, isInnerBatch } from '../../../src/record/batch.ts';
import { compressBody, prepareCompression } from '../../../src/record/compress.ts';
import { decodeRecord } from '../../../src/record/decode.ts';
import type { StoredMessage } from '../../../src/record/decode.ts';
import { createDispatchView, readDispatchView } from '../../../src/record/dispatch-view.ts';
import { encodeRecord } from '../../../src/record/encode.ts';
import type { RecordFields } from '../../../src/record/encode.ts';
import { encodeHost } from '../../../src/record/host.ts';
import { messageJson } from '../../../src/record/message-json.ts';
import { joinProperties } from '../../../src/record/properties.ts';
import { compressionFlags, INNER_BATCH, NEED_UNWRAP } from '../../../src/record/sys-flag.ts';
import { TopicCache } from '../../../src/record/topic-cache.ts';

const HOST = encodeHost('127.0.0.1:10911');

const record = (changes: Partial<RecordFields>): Buffer => {
  const target = Buffer.alloc(8192);
  const fields = {
    topic: 'T', queueId: 1, flag: 2, queueOffset: 30, commitLogOffset: 1000, sysFlag: 0, bornTimestamp: 4, bornHost: HOST, storeTimestamp: 5, storeHost: HOST,
    reconsumeTimes: 6, preparedTransactionOffset: 7, body: Buffer.from('body'), properties: '', propertyCrc: false, ...changes,
  };
  return Buffer.from(target.subarray(0, encodeRecord(fields, target, 0)));
};

const read = (changes: Partial<RecordFields>): StoredMessage => decodeRecord(record(changes), 0, 'broker-a');

describe('StoredMessage', () => {
  it('has no tags, no keys and its offset as id without properties', () => {
    expect(read({})).toMatchObject({ tags: null, keys: [], originTopic: null, msgId: '7F00000100002A9F00000000000003E8' });
  });

  it('RETRY_TOPIC comes before REAL_TOPIC; keys are what stands between spaces', () => {
    expect(read({ properties: joinProperties({ REAL_TOPIC: 'a', RETRY_TOPIC: 'b', KEYS: ' x  y ' }) })).toMatchObject({ originTopic: 'b', keys: ['x', 'y'] });
    expect(read({ properties: joinProperties({ REAL_TOPIC: 'a' }) }).originTopic).toBe('a');
  });

  it('decompresses once, and shows the sysFlag without the bit', async () => {
    await prepareCompression('lz4');
    const message = read({ body: compressBody('lz4', Buffer.from('hello')), sysFlag: compressionFlags('lz4') });
    expect(message.body.toString()).toBe('hello');
    expect(message.body).toBe(message.body);
    expect([message.sysFlag, message.storedSysFlag]).toEqual([0x100, 0x101]);
    expect(message.crcOk()).toBe(true);
  });

  it.each([0x401, 0x301])('sysFlag 0x%s over bytes that are not so compressed is DAMAGED', (sysFlag) => {
    expect(() => read({ sysFlag }).body).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });
});

describe('message JSON', () => {
  it('has the fields and the order that scripts see', () => {
    const line = JSON.stringify(messageJson(read({ properties: joinProperties({ TAGS: 'a"b', KEYS: 'k', __proto: '1' }) }), true));
    expect(line).toBe(
      '{"topic":"T","originTopic":null,"brokerName":"broker-a","queueId":1,"queueOffset":30,"commitLogOffset":1000,"storeSize":122,' +
        '"msgId":"7F00000100002A9F00000000000003E8","offsetMsgId":"7F00000100002A9F00000000000003E8","tags":"a\\"b","keys":["k"],' +
        '"body":"body","bodyEncoding":"utf8","properties":{"TAGS":"a\\"b","KEYS":"k","__proto":"1"},"flag":2,"sysFlag":0,"bodyCRC":1537739698,' +
        '"bornTimestamp":4,"bornHost":"127.0.0.1:10911","storeTimestamp":5,"storeHost":"127.0.0.1:10911","reconsumeTimes":6,"preparedTransactionOffset":7}',
    );
  });

  it('keeps every byte: a byte order mark stays, what is no UTF-8 becomes base64', () => {
    expect(messageJson(read({ body: Buffer.from('\ufeffx') }), true)).toMatchObject({ body: '\ufeffx', bodyEncoding: 'utf8' });
    expect(messageJson(read({ body: Buffer.from([0xff, 0]) }), true)).toMatchObject({ body: '/wA=', bodyEncoding: 'base64' });
  });
});

describe('dispatch view', () => {
  it('keeps nothing of the record before', () => {
    const view = createDispatchView();
    const full = record({ topic: 'SCHEDULE_TOPIC_XXXX', properties: joinProperties({ TAGS: 'T0', KEYS: 'a b', UNIQ_KEY: 'U', DELAY: '3' }) });
    readDispatchView(full, 0, view);
    expect(view).toMatchObject({ topic: 'SCHEDULE_TOPIC_XXXX', tags: 'T0', tagsHash: 2652, keys: 'a b', uniqKey: 'U', delayLevel: 3, sizeBytes: full.length, queueOffset: 30, storeTimestamp: 5 });
    readDispatchView(record({}), 0, view);
    expect(view).toMatchObject({ topic: 'T', tags: null, tagsHash: 0, keys: null, uniqKey: null, delayLevel: 0 });
  });
});

describe('TopicCache', () => {
  it('never mistakes one topic for another, however many share a slot', () => {
    const cache = new TopicCache();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5000; index++) {
        const topic = `topic-${index}`;
        expect(cache.read(Buffer.from(topic), 0, topic.length)).toBe(topic);
      }
    }
    expect(cache.read(Buffer.from('中文'), 0, 6)).toBe('中文');
  });
});

describe('inner batch', () => {
  const units = [
    { flag: 8, body: Buffer.from('one'), properties: joinProperties({ UNIQ_KEY: 'U1', TAGS: 'A', KEYS: 'k1 k2' }) },
    { flag: 9, body: Buffer.from('two'), properties: '' },
  ];

  it('becomes messages with consecutive queue offsets, own flags, bodies and properties', () => {
    const message = read({ body: encodeBatch(units), sysFlag: INNER_BATCH | NEED_UNWRAP, properties: joinProperties({ INNER_NUM: '2', INNER_BASE: '30' }) });
    expect([isInnerBatch(message.sysFlag), isInnerBatch(INNER_BATCH), isInnerBatch(0)]).toEqual([true, false, false]);
    const [one, two] = expandInnerBatch(message);
    expect(one).toMatchObject({ queueOffset: 30, flag: 8, msgId: 'U1', tags: 'A', keys: ['k1', 'k2'], commitLogOffset: 1000, topic: 'T', bornTimestamp: 4, storeSize: message.storeSize });
    expect(two).toMatchObject({ queueOffset: 31, flag: 9, msgId: message.offsetMsgId, tags: null, keys: [] });
    expect([one!.body.toString(), two!.body.toString(), { ...two!.properties }]).toEqual(['one', 'two', {}]);
  });

  it.each([
    ['BODYLEN', 16, 4, -1],
    ['BODYLEN', 16, 4, 0x7fff_ffff],
    ['PROPLEN', 23, 2, -1],
    ['PROPLEN', 23, 2, 0x7fff],
    ['TOTALSIZE', 0, 4, 0],
  ])('a hostile %s at %d is DAMAGED, never a loop', (_field, at, length, value) => {
    const bytes = encodeBatch(units);
    bytes.writeIntBE(value, at, length);
    expect(() => decodeBatch(bytes)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  it('a PROPLEN that leads back to the start, with a TOTALSIZE that agrees, is no loop either', () => {
    const bytes = Buffer.alloc(25);
    bytes.writeInt32BE(3, 16);
    bytes.writeInt16BE(-25, 23);
    expect(() => decodeBatch(bytes)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  it('is refused beyond what a broker takes', () => {
    const big = { flag: 0, body: Buffer.alloc(2 * 1024 * 1024), properties: '' };
    expect(() => encodeBatch([big, big])).toThrow(expect.objectContaining({ code: 'MESSAGE_ILLEGAL' }));
    expect(() => encodeBatch([{ flag: 0, body: Buffer.alloc(1), properties: 'x'.repeat(32_768) }])).toThrow(expect.objectContaining({ code: 'MESSAGE_ILLEGAL' }));
  });
});
