import { describe, expect, it } from 'vitest';
import { REQUEST_CODE } from '../../src/wire/codes.ts';
import type { AnyRequestDefinition } from '../../src/wire/definition.ts';
import { encodeFrame, FrameReader } from '../../src/wire/frame.ts';
import type { RemotingCommand } from '../../src/wire/frame.ts';
import type { HeaderCodec } from '../../src/wire/fields.ts';
import { allDefinitions } from '../../src/wire/requests/all.ts';
import { readNdjson } from '../support/ndjson.ts';

interface Row {
  code: number;
  isResponse: boolean;
  header: string;
  serializeType: 'JSON' | 'ROCKETMQ';
  required: string[];
  fields: Record<string, string>;
  body: string | null;
  hex: string;
}

/** Java's own binary writer of this header leaves out what the classes above it declare. */
const withoutInherited = (row: Row): Row => {
  if (row.header !== 'SendMessageRequestHeaderV2' || row.serializeType !== 'ROCKETMQ') return row;
  return { ...row, fields: Object.fromEntries(Object.entries(row.fields).filter(([name]) => name.length === 1)) };
};

const rows = readNdjson<Row>('golden', 'wire', 'headers-5.5.0.ndjson').map(withoutInherited);
const definitions = allDefinitions();

const read = (hex: string): RemotingCommand => {
  const commands: RemotingCommand[] = [];
  new FrameReader().push(Buffer.from(hex, 'hex'), (command) => commands.push(command));
  expect(commands).toHaveLength(1);
  return commands[0]!;
};
const codecOf = (row: Row): HeaderCodec<Record<string, unknown>> => {
  const definition = definitions.get(row.code) as unknown as AnyRequestDefinition;
  return (row.isResponse ? definition.responseHeader : definition.requestHeader) as unknown as HeaderCodec<Record<string, unknown>>;
};

/** Required in Java and not here, and why. */
const LENIENT: Readonly<Record<string, string>> = {
  'GetAllTopicConfigRequestHeader.topicSeq': 'brokers take its absence for "all"',
  'GetAllSubscriptionGroupRequestHeader.groupSeq': 'brokers take its absence for "all"',
  'GetAllSubscriptionGroupResponseHeader.totalGroupNum': 'brokers before 5.3.4 have none',
};
/** Required here and not in Java: primitives, which are always sent. */
const STRICTER = new Set(['QueryConsumeQueueRequestHeader.queueId', 'QueryConsumeQueueRequestHeader.index', 'QueryConsumeQueueRequestHeader.count']);
/** Put in beside the header classes. */
const BESIDE = new Set(['MSG_REGION', 'TRACE_ON', '_UNIQUE_KEY_QUERY', 'IS_SUPPORT_HEART_BEAT_V2', 'IS_SUB_CHANGE']);

describe('headers that Java wrote', () => {
  it('are of every request that has fields, in both forms', () => {
    const covered = new Set(rows.map(({ code, isResponse }) => `${code} ${isResponse}`));
    for (const [code, definition] of definitions) {
      const sides = [[definition.requestHeader, false], [definition.responseHeader, true]] as const;
      for (const [codec, isResponse] of sides) {
        const isExpected = codec.fields.some(({ key }) => !BESIDE.has(key));
        expect({ code, isResponse, covered: covered.has(`${code} ${isResponse}`) }).toEqual({ code, isResponse, covered: isExpected });
      }
    }
    expect(new Set(rows.map(({ serializeType }) => serializeType)).size).toBe(2);
  });

  it.each(rows.map((row) => [`${row.code} ${row.header} ${row.serializeType}`, row] as const))('%s', (_, row) => {
    const command = read(row.hex);
    expect(command).toMatchObject({
      code: row.isResponse ? 0 : row.code,
      language: 'JAVA',
      version: 513,
      opaque: row.isResponse ? -7 : 1_000_000 + row.code,
      flag: row.isResponse ? 1 : 0,
      remark: row.isResponse ? 'FOUND é中 "q"' : null,
      serializeType: row.serializeType,
    });
    expect(command.body?.toString('hex') ?? null).toBe(row.body);
    expect({ ...command.extFields }).toEqual(row.fields);

    const codec = codecOf(row);
    const known = codec.fields.filter(({ key }) => !BESIDE.has(key));
    if (row.serializeType === 'JSON') expect(known.map(({ key }) => key).sort()).toEqual(Object.keys(row.fields).sort());
    for (const { key, isRequired } of known) {
      const name = `${row.header}.${key}`;
      expect({ name, isRequired }).toEqual({ name, isRequired: STRICTER.has(name) || (row.required.includes(key) && !(name in LENIENT)) });
    }
    const header = codec.decode(command.extFields);
    for (const { name, key } of known) if (key in row.fields) expect(String(header[name]).toLowerCase()).toBe(row.fields[key]!.toLowerCase());
    expect({ ...codec.encode(header) }).toEqual(row.fields);
    expect(read(encodeFrame(command).toString('hex'))).toEqual(command);
  });

  it('binary frames are the same bytes when they are written again', () => {
    for (const { hex } of rows.filter(({ serializeType }) => serializeType === 'ROCKETMQ')) expect(encodeFrame(read(hex)).toString('hex')).toBe(hex);
  });

  it('say which fields they need', () => {
    for (const row of rows) {
      const codec = codecOf(row);
      for (const { name, key, isRequired } of codec.fields) {
        const { [key]: _, ...others } = row.fields;
        if (isRequired) {
          expect(() => codec.decode(others)).toThrow(`has no ${key}`);
          expect(() => codec.encode({ ...codec.decode(row.fields), [name]: undefined })).toThrow(`needs ${name}`);
        } else expect(codec.decode(others)).not.toHaveProperty(name);
      }
    }
  });

  it('every request code has a definition', () => {
    expect([...definitions.keys()].sort((one, other) => one - other)).toEqual(Object.values(REQUEST_CODE).sort((one, other) => one - other));
  });
});
