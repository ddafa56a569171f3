import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HeaderCodec } from '../../../src/wire/fields.ts';
import { RPC, TOPIC_RPC } from '../../../src/wire/fields.ts';
import { allDefinitions } from '../../../src/wire/requests/all.ts';

/** Said once for all requests. */
const COMMON = Object.keys({ ...RPC, ...TOPIC_RPC });

const fieldsOf = (codec: HeaderCodec<unknown>): string =>
  codec.fields.filter(({ key }) => !COMMON.includes(key)).map(({ name, key, isRequired }) => `${key.length === 1 ? `${key} ${name}` : key}${isRequired ? '' : '?'}`).join(', ');

it('docs/format/remoting.md lists every request with its fields', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/format/remoting.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| ([A-Z_0-9]+) \| ([^|]*)\|[^|]*\| ([^|]*)\|/gm)].map(([, code, name, request, answer]) => `${code} ${name}: ${request!.trim()} → ${answer!.trim()}`);
  const definitions = [...allDefinitions().values()].sort((one, other) => one.code - other.code);
  expect(rows).toEqual(definitions.map(({ code, name, requestHeader, responseHeader }) => `${code} ${name}: ${fieldsOf(requestHeader)} → ${fieldsOf(responseHeader)}`));
});
