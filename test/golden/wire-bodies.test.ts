import { describe, expect, it } from 'vitest';
import { parseJsonBytes } from '../../src/wire/json/parse.ts';
import { JsonPairs } from '../../src/wire/json/value.ts';
import { readNdjson } from '../support/ndjson.ts';
import { BODY_CODECS, comparable, IGNORED_FIELDS, onlyFieldsOf, plain } from '../support/wire-bodies.ts';
import type { BodyRow } from '../support/wire-bodies.ts';

/** Fields that Java computes for printing, which readers of ours do without. */
const PRINTED_ONLY = new Set(['consumeTimeStampStr', 'maxTimeStampStr', 'minTimeStampStr', ...IGNORED_FIELDS]);

/** A parsed text without those fields and with one form for what has several. */
const canonical = (value: unknown): unknown => {
  if (value instanceof JsonPairs) return { $pairs: value.entries.map(([key, item]) => [canonical(key), canonical(item)]) };
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !PRINTED_ONLY.has(name)).map(([name, item]) => [name, canonical(item)]));
};

for (const version of ['5.5.0', '5.3.3']) {
  const rows = readNdjson<BodyRow>('golden', 'wire', `bodies-${version}.ndjson`);
  const full = rows.filter(({ name }) => !name.includes(' '));

  describe(`bodies that Java ${version} wrote`, () => {
    it('are of every kind', () => {
      expect(full.map(({ name }) => name).sort()).toEqual(Object.keys(BODY_CODECS).sort());
    });

    it.each(full.map((row) => [row.name, row] as const))('%s is read field by field', (name, row) => {
      const decoded = plain(BODY_CODECS[name]!.decode(Buffer.from(row.hex, 'hex')));
      if (name === 'ResetOffsetBodyForC') {
        const offsets = (row.expect as { offsetTable: { offset: number }[] }).offsetTable.map(({ offset, ...queue }) => [queue, offset]);
        expect(decoded).toEqual({ offsetTable: offsets });
        return;
      }
      // Fields that only the newer release has are null or empty in what is read from the older one.
      const ofThisRelease = version === '5.5.0' ? decoded : onlyFieldsOf(decoded, row.expect);
      if (name === 'GetConsumerStatusBody') expect(Object.keys(decoded as object).sort()).toEqual(['consumerTable', 'messageQueueTable']);
      expect(comparable(ofThisRelease)).toEqual(comparable(row.expect));
    });

    it.each(full.filter(({ name }) => name !== 'ResetOffsetBodyForC').map((row) => [row.name, row] as const))('%s is written so that it reads the same', (name, row) => {
      const bytes = Buffer.from(row.hex, 'hex');
      const codec = BODY_CODECS[name]!;
      const decoded = codec.decode(bytes);
      const written = codec.encode(decoded)!;
      expect(codec.decode(written)).toEqual(decoded);
      if (version === '5.5.0') expect(canonical(parseJsonBytes(written))).toEqual(canonical(parseJsonBytes(bytes)));
    });

    it('an object printed a second time, by reference or not, is read', () => {
      const stats = rows.find(({ name }) => name === 'shared ConsumeStats')!;
      const route = rows.find(({ name }) => name === 'shared TopicRouteData')!;
      expect(Buffer.from(stats.hex, 'hex').includes('$ref')).toBe(version === '5.3.3');
      expect(Buffer.from(route.hex, 'hex').includes('$ref')).toBe(version === '5.3.3');
      for (const [row, codec] of [[stats, BODY_CODECS['ConsumeStats']], [route, BODY_CODECS['TopicRouteData']]] as const) {
        expect(comparable(plain(codec!.decode(Buffer.from(row.hex, 'hex'))))).toMatchObject(comparable(row.expect) as object);
      }
    });

    it('empty ones are read', () => {
      const empty = (name: string): unknown => BODY_CODECS[name]!.decode(Buffer.from(rows.find((row) => row.name === `empty ${name}`)!.hex, 'hex'));
      expect(empty('TopicRouteData')).toMatchObject({ brokerDatas: [], queueDatas: [], orderTopicConf: null });
      expect(empty('ConsumeStats')).toEqual({ consumeTps: 0, offsetTable: [] });
    });
  });
}
