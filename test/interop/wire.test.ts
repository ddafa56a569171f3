import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { PROPERTIES_REQUEST_BODY } from '../../src/wire/body/properties-text.ts';
import { OUR_VERSION } from '../../src/wire/codes.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import type { HeaderCodec } from '../../src/wire/fields.ts';
import { allDefinitions } from '../../src/wire/requests/all.ts';
import { SEND_BATCH_MESSAGE } from '../../src/wire/requests/send-message.ts';
import { readNdjson } from '../support/ndjson.ts';
import { BODY_CODECS, comparable, onlyFieldsOf, plain } from '../support/wire-bodies.ts';
import type { BodyRow } from '../support/wire-bodies.ts';
import { javaArguments, ROCKETMQ_VERSION } from './support/jvm.ts';

interface HeaderRow {
  code: number;
  isResponse: boolean;
  header: string;
  serializeType: 'JSON' | 'ROCKETMQ';
  fields: Record<string, string>;
}

/** What RocketMQ's own classes read in our bytes; a line is kind, class and bytes. */
const readByJava = (lines: readonly string[]): unknown[] => {
  const home = mkdtempSync(join(process.env['MQLITE_INTEROP_TMP'] ?? tmpdir(), 'wire-'));
  const { stdout, stderr, status } = spawnSync('java', javaArguments({ mainClass: 'mqlite.interop.WireRead', heap: '256m', home }), {
    input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8', maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new Error(stderr);
  const read = stdout.split('\n').filter((line) => line.startsWith('{"read":')).map((line) => (JSON.parse(line) as { read: unknown }).read);
  expect(read).toHaveLength(lines.length);
  return read;
};

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

/**
 * What Java should read: fields that a release before 5.5.0 has not are not in what it reads; and its own reader of the short send header leaves out what
 * the classes above it declare.
 */
const readable = ({ header, fields }: HeaderRow, read: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name in read).map(([name, value]) => [name, header === 'SendMessageRequestHeaderV2' && name.length > 1 ? 'null' : value]));

/** Older releases have not all classes and constants. */
const IS_NEWEST = ROCKETMQ_VERSION === '5.5.0';
const isMissingClass = (read: object): boolean => !IS_NEWEST && 'error' in read && String(read.error).includes('ClassNotFoundException');

/** Values that Java compares with what it knows, and refuses others. */
const CHECKED_BY_JAVA: Readonly<Record<string, string>> = { commitOrRollback: '8', topicFilterType: 'SINGLE_TAG' };

describe.skipIf(inject('interopSkipReason') !== null)('what mqlite writes on the wire, read by Java', () => {
  it('headers of every request and answer, in both forms', () => {
    const rows = readNdjson<HeaderRow>('golden', 'wire', 'headers-5.5.0.ndjson').filter(({ serializeType }) => serializeType === 'JSON')
      .map((row) => ({ ...row, fields: Object.fromEntries(Object.entries(row.fields).map(([name, value]) => [name, CHECKED_BY_JAVA[name] ?? value])) }));
    const definitions = allDefinitions();
    const sent = rows.flatMap((row) => (['JSON', 'ROCKETMQ'] as const).map((serializeType) => {
      const definition = definitions.get(row.code)!;
      const codec = (row.isResponse ? definition.responseHeader : definition.requestHeader) as HeaderCodec<unknown>;
      const extFields = codec.encode(codec.decode(row.fields));
      const body = row.isResponse ? null : Buffer.from('bödy');
      const command = { code: row.code, language: 'NODE_JS', version: OUR_VERSION, opaque: -row.code, flag: row.isResponse ? 1 : 2, remark: row.isResponse ? 'wörds "q"' : null, extFields, body, serializeType };
      return { row, command, line: `header ${row.header} ${hex(encodeFrame(command))}` };
    }));
    const read = readByJava(sent.map(({ line }) => line)) as { fields: Record<string, string> }[];
    expect(read.filter((one) => 'error' in one && !isMissingClass(one))).toEqual([]);
    sent.forEach(({ row, command }, index) => {
      if (isMissingClass(read[index]!)) return;
      const { code, opaque, flag, version, language, remark, body } = command;
      expect(read[index]).toEqual({ code, opaque, flag, version, language, remark, body: body === null ? null : hex(body), fields: readable(row, read[index]!.fields) });
    });
  });

  it('bodies of every kind', () => {
    const rows = readNdjson<BodyRow>('golden', 'wire', `bodies-${IS_NEWEST ? '5.5.0' : '5.3.3'}.ndjson`).filter(({ name }) => !name.includes(' ') && name !== 'ResetOffsetBodyForC');
    const decoded = rows.map(({ name, hex: bytes }) => BODY_CODECS[name]!.decode(Buffer.from(bytes, 'hex')));
    const read = readByJava(rows.map(({ name }, index) => `body ${name} ${hex(BODY_CODECS[name]!.encode(decoded[index]))}`));
    rows.forEach(({ name }, index) => {
      expect({ name, value: comparable(read[index]) }).toMatchObject({ name, value: comparable(onlyFieldsOf(plain(decoded[index]), read[index])) as object });
    });
  });

  it('batches and configuration', () => {
    const units = [{ flag: -1, body: Buffer.from('ä'), properties: 'KEYS\u0001k 中\u0002TAGS\u0001t\u0002' }, { flag: 7, body: Buffer.alloc(100, 1), properties: '' }];
    const config = { 'a b': ' x', 'c=d': 'e\\f', 'g:h': 'i\nj', '#k': '中😀', l: '', m: 'a=b:c # d', 'n\\': '\t' };
    expect(readByJava([`batch - ${hex(SEND_BATCH_MESSAGE.requestBody.encode(units))}`, `properties - ${hex(PROPERTIES_REQUEST_BODY.encode(config))}`])).toEqual([
      [{ flag: -1, body: hex(units[0]!.body), properties: { KEYS: 'k 中', TAGS: 't' } }, { flag: 7, body: hex(units[1]!.body), properties: {} }],
      config,
    ]);
  });
});
