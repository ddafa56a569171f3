import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/base/codec-error.ts';
import { decodeBatch, encodeBatch } from '../../src/record/batch.ts';
import { checkRecord } from '../../src/record/check.ts';
import { decodeRecord } from '../../src/record/decode.ts';
import { createDispatchView, readDispatchView } from '../../src/record/dispatch-view.ts';
import { encodeRecord, maxRecordSize } from '../../src/record/encode.ts';
import type { RecordFields } from '../../src/record/encode.ts';
import { encodeHost, formatHost } from '../../src/record/host.ts';
import { messageJson } from '../../src/record/message-json.ts';
import { offsetMsgIdOf, parseOffsetMsgId } from '../../src/record/message-id.ts';
import { PropertyReader } from '../../src/record/property-reader.ts';
import { joinProperties, parseProperties, propertyOf } from '../../src/record/properties.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.maxSafeInteger();
const name = fc.oneof(fc.constantFrom('TAGS', 'KEYS', 'UNIQ_KEY', 'AGS', 'TAG', '__proto__', 'constructor', '中'), fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }));
const text = (minLength: number) => fc.string({ minLength, maxLength: 40, unit: 'binary' });
const withoutSeparators = (value: string): boolean => !/[\u0001\u0002]/.test(value);
const properties = fc
  .array(fc.tuple(name.filter(withoutSeparators), text(1).filter(withoutSeparators)), { maxLength: 8 })
  .map((entries) => Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(entries)));
const host = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 65_535 })).map(([ip, port]) => `${ip}:${port}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 65_535 })).map(([ip, port]) => `[${ip}]:${port}`),
);
const topic = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_%|-]{1,127}$/),
  fc.stringMatching(/^%RETRY%[a-z]{121,248}$/),
  fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }).filter((value) => Buffer.byteLength(value) < 128 && !/[/\\\0]|^\.\.?$/.test(value)),
);
const fields: fc.Arbitrary<RecordFields> = fc.record({
  topic,
  queueId: int32,
  flag: int32,
  queueOffset: int64,
  commitLogOffset: fc.maxSafeNat(),
  sysFlag: int32.map((bits) => bits & ~0x1),
  bornTimestamp: int64,
  bornHost: host.map(encodeHost),
  storeTimestamp: int64,
  storeHost: host.map(encodeHost),
  reconsumeTimes: int32,
  preparedTransactionOffset: int64,
  body: fc.uint8Array({ maxLength: 400 }),
  properties: properties.map(joinProperties),
  propertyCrc: fc.boolean(),
});

const encode = (record: RecordFields): Buffer => {
  const target = Buffer.alloc(maxRecordSize(record) + 8);
  return target.subarray(5, 5 + encodeRecord(record, target, 5));
};

/** Everything that anyone can ask of a record that was found sound. */
const readAll = (bytes: Buffer): void => {
  JSON.stringify(messageJson(decodeRecord(bytes, 0, 'broker-a'), true));
  readDispatchView(bytes, 0, createDispatchView());
};

const onlyCodecErrors = (action: () => void): void => {
  try {
    action();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
};

describe('records', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fields, (record) => {
        const bytes = encode(record);
        expect(checkRecord(bytes, 0, bytes.length, record.commitLogOffset, { crc: true })).toEqual({ kind: 'record', sizeBytes: bytes.length });
        const message = decodeRecord(bytes, 0, 'broker-a');
        const { bornHost, storeHost, body, properties: joined, propertyCrc, sysFlag, ...same } = record;
        expect(message).toMatchObject(same);
        expect(message.sysFlag & ~0x30).toBe(sysFlag & ~0x30);
        expect(message.bornHost).toBe(formatHost(bornHost, 0, bornHost.length === 20));
        expect(message.storeHost).toBe(formatHost(storeHost, 0, storeHost.length === 20));
        expect(message.storedBody.equals(body)).toBe(true);
        expect(message.crcOk()).toBe(true);
        const { '__CRC32#': crc, ...others } = message.properties;
        expect(others).toEqual({ ...parseProperties(joined) });
        expect(crc !== undefined).toBe(propertyCrc);
        const view = createDispatchView();
        readDispatchView(bytes, 0, view);
        expect(view).toMatchObject({ topic: message.topic, queueOffset: message.queueOffset, tags: message.tags, sizeBytes: bytes.length, commitLogOffset: message.commitLogOffset });
        expect(view.uniqKey).toBe(message.properties.UNIQ_KEY ?? null);
        expect(view.keys).toBe(message.properties.KEYS ?? null);
      }),
      { numRuns: 300 },
    );
  });

  it('cut anywhere are partial, never an exception', () => {
    fc.assert(
      fc.property(fields, fc.double({ min: 0, max: 1, noNaN: true }), (record, share) => {
        const bytes = encode(record);
        const available = Math.floor(share * (bytes.length - 1));
        expect(checkRecord(Buffer.from(bytes.subarray(0, available)), 0, available, -1, { crc: true }).kind).toBe('partial');
      }),
    );
  });

  it('with bits flipped: whatever is still found sound can be read, or says CodecError', () => {
    fc.assert(
      fc.property(fields, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.boolean(), (record, flips, crc) => {
        const bytes = Buffer.from(encode(record));
        for (const [at, bits] of flips) bytes[at % Math.min(bytes.length, 130)]! ^= bits;
        const check = checkRecord(bytes, 0, bytes.length, -1, { crc });
        if (check.kind === 'record') onlyCodecErrors(() => readAll(bytes.subarray(0, check.sizeBytes)));
      }),
      { numRuns: 2000 },
    );
  });

  it('any one flipped bit of the body is found', () => {
    fc.assert(
      fc.property(fields.filter((record) => record.body.length > 0), fc.nat(), (record, bit) => {
        const bytes = encode(record);
        const message = decodeRecord(bytes, 0, 'broker-a');
        message.storedBody[(bit >> 3) % record.body.length]! ^= 1 << (bit & 7);
        expect(checkRecord(bytes, 0, bytes.length, -1, { crc: true })).toMatchObject({ kind: 'invalid' });
        expect(message.crcOk()).toBe(false);
      }),
    );
  });

  it('of random bytes behind a true magic are judged, not believed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), fc.constantFrom('daa320a7', 'daa320ab', 'cbd43194'), int32, (random, magic, size) => {
        const bytes = Buffer.from(random);
        bytes.write(magic, 4, 'hex');
        bytes.writeInt32BE(size, 0);
        const check = checkRecord(bytes, 0, bytes.length, -1, { crc: false });
        if (check.kind === 'record') onlyCodecErrors(() => readAll(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('properties', () => {
  it('join and parse are inverse, and one is found as among all', () => {
    fc.assert(
      fc.property(properties, (map) => {
        const joined = joinProperties(map);
        expect({ ...parseProperties(joined) }).toEqual({ ...map });
        for (const key of [...Object.keys(map), 'TAGS', 'AGS', 'KEYS']) expect(propertyOf(joined, key)).toBe(map[key] ?? null);
      }),
      { numRuns: 300 },
    );
  });

  it('of any text: finding one agrees with parsing all', () => {
    const soup = fc.array(fc.constantFrom('TAGS', 'KEYS', 'AGS', 'a', '\u0001', '\u0002'), { maxLength: 16 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (joined) => {
        const parsed = parseProperties(joined);
        for (const key of ['TAGS', 'KEYS', 'AGS', 'a', 'aTAGS']) expect(propertyOf(joined, key)).toBe(parsed[key] ?? null);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('properties of one record after the other', () => {
  const item = fc.tuple(fc.constantFrom('TAGS', 'KEYS', 'a', '', 'TA', '中', '\u00ff'), fc.constantFrom('\u0001', ''), fc.constantFrom('x', 'yy', '', 'x\u0001', 'TagA', '中文', 'longer than one word'), fc.constantFrom('\u0002', '\u0002', '\u0002', ''));
  const record = fc.array(item, { maxLength: 4 }).map((items) => Buffer.from(items.flat().join('')));
  const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));

  it('are what each alone has, in the same order', () => {
    fc.assert(
      // Repeated, so that most records meet a layout that was learnt.
      fc.property(fc.array(fc.oneof(record, bytes), { minLength: 1, maxLength: 3 }), fc.array(fc.nat(2), { maxLength: 24 }), (records, picks) => {
        const reader = new PropertyReader();
        for (const one of [...picks.map((pick) => records[pick % records.length]!), ...records]) {
          const padded = Buffer.concat([Buffer.from('\u0002KEYS\u0001'), one, Buffer.from('\u0002a\u0001b\u0002')]);
          const read = reader.read(padded, 6, 6 + one.length);
          expect(Object.entries(read)).toEqual(Object.entries(parseProperties(one.utf8Slice(0, one.length))));
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('batches and ids', () => {
  const unit = fc.record({ flag: int32, body: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)), properties: properties.map(joinProperties) });

  it('a batch is read as it was written; cut or flipped it says DAMAGED or gives units', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 5 }), fc.nat(), fc.nat(255), (units, at, bits) => {
        const bytes = encodeBatch(units);
        expect(decodeBatch(bytes)).toEqual(units);
        if (bytes.length === 0) return;
        expect(decodeBatch(bytes.subarray(0, 0))).toEqual([]);
        onlyCodecErrors(() => decodeBatch(bytes.subarray(0, at % bytes.length)));
        bytes[at % bytes.length]! ^= bits;
        onlyCodecErrors(() => decodeBatch(bytes));
      }),
    );
  });

  it('an offsetMsgId gives host and offset back', () => {
    fc.assert(
      fc.property(host.map(encodeHost), fc.maxSafeNat(), (bytes, commitLogOffset) => {
        expect(parseOffsetMsgId(offsetMsgIdOf(bytes, commitLogOffset))).toEqual({ host: formatHost(bytes, 0, bytes.length === 20), commitLogOffset });
        expect(encodeHost(formatHost(bytes, 0, bytes.length === 20)).equals(bytes)).toBe(true);
      }),
    );
  });
});
