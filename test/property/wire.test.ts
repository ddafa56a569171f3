import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/base/codec-error.ts';
import { encodeHost } from '../../src/record/host.ts';
import { encodeRecord, maxRecordSize } from '../../src/record/encode.ts';
import { LANGUAGES } from '../../src/wire/codes.ts';
import type { HeaderCodec } from '../../src/wire/fields.ts';
import { encodeFrame, FrameReader } from '../../src/wire/frame.ts';
import type { RemotingCommand } from '../../src/wire/frame.ts';
import { parseJson } from '../../src/wire/json/parse.ts';
import { JsonPairs } from '../../src/wire/json/value.ts';
import type { JsonValue } from '../../src/wire/json/value.ts';
import { writeJson } from '../../src/wire/json/write.ts';
import { decodeMessageStream } from '../../src/wire/message-stream.ts';
import { allDefinitions } from '../../src/wire/requests/all.ts';
import { readNdjson } from '../support/ndjson.ts';

const int16 = fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20, unit: 'binary' }));
const key = fc.oneof(fc.constantFrom('a', 'bname', '__proto__', 'constructor', 'Signature', ''), text);
const command: fc.Arbitrary<RemotingCommand> = fc.record({
  code: fc.oneof(int16, fc.constantFrom(0, 1, 11, 310)),
  language: fc.oneof(fc.constantFrom(...LANGUAGES), fc.integer({ min: 14, max: 127 }).map(String)),
  version: int16,
  opaque: int32,
  flag: fc.oneof(fc.constantFrom(0, 1, 2, 3), int32),
  remark: fc.option(text.filter((remark) => remark !== '')),
  extFields: fc.dictionary(key, text, { maxKeys: 12, noNullPrototype: true }),
  body: fc.option(fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes))),
  serializeType: fc.constantFrom('JSON', 'ROCKETMQ'),
});

/** `constructor`-free and with one kind of object, so that equality is that of contents. */
const same = ({ extFields, body, ...rest }: RemotingCommand): unknown => ({ ...rest, extFields: Object.entries(extFields).sort(([one], [other]) => (one < other ? -1 : 1)), body: body?.toString('hex') ?? null });

const read = (chunks: readonly Buffer[]): RemotingCommand[] => {
  const commands: RemotingCommand[] = [];
  const reader = new FrameReader();
  for (const chunk of chunks) reader.push(chunk, (one) => commands.push(one));
  return commands;
};

const cut = (stream: Buffer, places: readonly number[]): Buffer[] => {
  const at = [...places.map((place) => place % (stream.length + 1)), 0, stream.length].sort((one, other) => one - other);
  return at.slice(1).map((end, index) => stream.subarray(at[index], end));
};

/** Whatever `act` does, it returns or throws CodecError. */
const onlyCodecErrors = (act: () => unknown): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
};

const frames = readNdjson<{ hex: string }>('golden', 'wire', 'headers-5.5.0.ndjson').map(({ hex }) => Buffer.from(hex, 'hex'));
const bodies = readNdjson<{ hex: string }>('golden', 'wire', 'bodies-5.3.3.ndjson').map(({ hex }) => Buffer.from(hex, 'hex'));

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(fc.property(fc.array(command, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (commands, places) => {
      const stream = Buffer.concat(commands.map(encodeFrame));
      expect(read(cut(stream, places)).map(same)).toEqual(commands.map(same));
    }), { numRuns: 500 });
  });

  it('of Java, cut and joined at random', () => {
    const whole = read([Buffer.concat(frames)]).map(same);
    expect(whole).toHaveLength(frames.length);
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 300 }), (places) => {
      expect(read(cut(Buffer.concat(frames), places)).map(same)).toEqual(whole);
    }), { numRuns: 20 });
  });

  it('of random bytes: an error or nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 5 }), (bytes, places) => onlyCodecErrors(() => read(cut(Buffer.from(bytes), places)))), { numRuns: 3000 });
  });

  it('with bytes changed: an error, nothing, or a command', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(fc.property(fc.constantFrom(...frames), fc.array(change, { minLength: 1, maxLength: 8 }), (frame, changes) => {
      const bytes = Buffer.from(frame);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      onlyCodecErrors(() => {
        for (const { extFields, code } of read([bytes])) {
          const definition = allDefinitions().get(code);
          if (definition !== undefined) (definition.requestHeader as HeaderCodec<unknown>).decode(extFields);
          for (const value of Object.values(extFields)) expect(typeof value).toBe('string');
        }
      });
    }), { numRuns: 3000 });
  });

  it('cut off anywhere: nothing', () => {
    fc.assert(fc.property(fc.constantFrom(...frames), fc.nat(), (frame, length) => {
      expect(read([frame.subarray(0, length % frame.length)])).toEqual([]);
    }));
  });
});

describe('header fields', () => {
  const codecs = [...allDefinitions().values()].flatMap(({ requestHeader, responseHeader }) => [requestHeader, responseHeader] as HeaderCodec<Record<string, unknown>>[]);

  it('are values or an error, whatever they hold', () => {
    const value = fc.oneof(text, int32.map(String), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String), fc.constantFrom('', 'true', 'TRUE', '1e3', '0x10', ' 1', '1.0', '-', '+5', 'NaN'));
    fc.assert(fc.property(fc.constantFrom(...codecs), fc.array(value, { minLength: 30, maxLength: 30 }), (codec, values) => {
      const extFields = Object.fromEntries(codec.fields.map(({ key: name }, index) => [name, values[index]!]));
      onlyCodecErrors(() => {
        const header = codec.decode(extFields);
        expect(codec.decode(codec.encode(header))).toEqual(header);
      });
    }), { numRuns: 3000 });
  });
});

describe('JSON', () => {
  const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
    fc.constant(null), fc.boolean(), fc.maxSafeInteger(), text, fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((value) => !Number.isSafeInteger(Number(value))),
  );
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: false }),
      fc.array(fc.tuple(fc.dictionary(key, scalar, { minKeys: 1, maxKeys: 3, noNullPrototype: false }), tie('value')), { minLength: 1, maxLength: 3 }).map((entries) => new JsonPairs(entries))),
  }));
  /** In a form that compares, keys in order, numbers by value. */
  const shown = (one: JsonValue | undefined): unknown => {
    if (one instanceof JsonPairs) return { pairs: one.entries.map(([name, item]) => [shown(name), shown(item)]) };
    if (Array.isArray(one)) return (one as readonly JsonValue[]).map(shown);
    if (typeof one === 'object' && one !== null) return { object: Object.entries(one).map(([name, item]) => [name, shown(item as JsonValue)]) };
    // A double beyond 2^53 that is whole prints like an integer, and is read as one.
    return typeof one === 'bigint' || typeof one === 'number' ? { number: String(one) } : one;
  };

  it('written is read as it was', () => {
    fc.assert(fc.property(value, (one) => {
      expect(shown(parseJson(writeJson(one)))).toEqual(shown(one));
    }), { numRuns: 1000 });
  });

  it('that V8 reads is read the same', () => {
    fc.assert(fc.property(fc.json(), (one) => {
      expect(JSON.stringify(shown(parseJson(one)))).toBe(JSON.stringify(shown(JSON.parse(one) as JsonValue)));
    }), { numRuns: 1000 });
  });

  it('of anything: a value or an error', () => {
    const fragment = fc.constantFrom('{', '}', '[', ']', ':', ',', '"', "'", '\\', '0', '-1', '1e9', 'null', 'true', '"a"', '{"$ref":"$.a"}', '$ref', '\\u00', ' ', 'L', '\ufeff');
    fc.assert(fc.property(fc.oneof(text, fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join(''))), (one) => onlyCodecErrors(() => parseJson(one))), { numRuns: 5000 });
  });
});

describe('bodies', () => {
  it('with bytes changed: a value or an error, of every codec', () => {
    const codecs = [...allDefinitions().values()].flatMap((definition) => [definition.requestBody, definition.responseBody] as { decode(body: Buffer | null): unknown }[]);
    const change = fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0x22, 0x2c, 0x30, 0x3a, 0x5b, 0x7b, 0x7d), fc.integer({ min: 0, max: 255 })));
    fc.assert(fc.property(fc.constantFrom(...bodies), fc.constantFrom(...codecs), fc.array(change, { maxLength: 4 }), (body, codec, changes) => {
      const bytes = Buffer.from(body);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      onlyCodecErrors(() => codec.decode(bytes));
      onlyCodecErrors(() => codec.decode(null));
    }), { numRuns: 3000 });
  });
});

const record = (body: Uint8Array, sysFlag: number): Buffer => {
  const fields = {
    topic: 'T', queueId: 0, flag: 0, queueOffset: 1, commitLogOffset: 2, sysFlag, bornTimestamp: 3, bornHost: encodeHost('1.2.3.4:5'), storeTimestamp: 4, storeHost: encodeHost('1.2.3.4:6'),
    reconsumeTimes: 0, preparedTransactionOffset: 0, body, properties: '', propertyCrc: false,
  };
  const target = Buffer.alloc(maxRecordSize(fields));
  return target.subarray(0, encodeRecord(fields, target, 0));
};

describe('message streams', () => {
  const stream = Buffer.from(readNdjson<{ kind: string; hex: string }>('golden', 'wire', 'messages-5.5.0.ndjson').find(({ kind }) => kind === 'stream')!.hex, 'hex');

  it('account for every byte, whatever was changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(fc.property(fc.array(change, { maxLength: 10 }), fc.nat(), fc.boolean(), (changes, length, isCut) => {
      const bytes = Buffer.from(isCut ? stream.subarray(0, length % stream.length) : stream);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      const { messages, problems } = decodeMessageStream(bytes, 'b');
      const read = messages.reduce((sum, { storeSize }) => sum + storeSize, 0) + problems.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      expect(read).toBe(bytes.length);
      for (const message of messages) onlyCodecErrors(() => [message.body, message.properties, message.msgId, message.bornHost]);
    }), { numRuns: 2000 });
  });

  it('name a decompression bomb, and read what is beside it', () => {
    const bomb = zlib.deflateSync(Buffer.alloc(300 * 1024 * 1024), { level: 9 });
    const inner = record(bomb, 0x301);
    const { messages, problems } = decodeMessageStream(Buffer.concat([record(Buffer.from('a'), 0), inner, record(Buffer.from('b'), 0)]), 'b', true);
    expect(problems).toEqual([]);
    expect([messages[0]!.body, messages[2]!.body].map(String)).toEqual(['a', 'b']);
    expect(() => messages[1]!.body).toThrow(CodecError);
    // An inner batch is unpacked at once: there the bomb is a problem of the stream.
    const packed = decodeMessageStream(Buffer.concat([record(bomb, 0x3c1), record(Buffer.from('b'), 0)]), 'b', true);
    expect(packed.messages).toHaveLength(1);
    expect(packed.problems).toEqual([{ position: 0, sizeBytes: inner.length, reason: expect.stringContaining('no valid zlib data') as string }]);
  });
});
