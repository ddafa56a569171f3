import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { compileFilter } from '../../../src/filter/message-filter.ts';
import { compileSql } from '../../../src/filter/sql/compile.ts';
import { parseSql } from '../../../src/filter/sql/parser.ts';
import { EvaluationFailed } from '../../../src/filter/sql/values.ts';
import { joinProperties } from '../../../src/record/properties.ts';
import { encodeRecord, maxRecordSize } from '../../../src/record/encode.ts';
import type { RecordFields } from '../../../src/record/encode.ts';
import { encodeHost } from '../../../src/record/host.ts';
import { mapProperties, RecordProperties } from '../../../src/record/property-source.ts';
import type { PropertySource } from '../../../src/record/property-source.ts';

interface TruthRow {
  readonly expr: string;
  readonly compile: 'ok' | 'error';
  readonly results?: readonly (boolean | null | 'error')[] | string;
  /** RocketMQ's parser stopped before the end and ignored the rest. */
  readonly trailing?: true;
}

const rowsOf = <T>(name: string): T[] =>
  readFileSync(join(import.meta.dirname, '../../fixtures', `${name}.ndjson`), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as T);

const LETTERS = { t: true, f: false, '-': null, e: 'error' } as const;
const resultsOf = ({ results }: TruthRow): unknown => (typeof results === 'string' ? [...results].map((letter) => LETTERS[letter as 't']) : results);

/** A comment that ends with the expression is ignored as RocketMQ ignores it. */
const ENDS_IN_COMMENT = new Set(['a = 5 -- end']);

const evaluate = (expression: string, sources: readonly PropertySource[]): unknown[] => {
  const condition = compileSql(parseSql(expression));
  return sources.map((source) => {
    try {
      return condition(source);
    } catch (error) {
      if (error instanceof EvaluationFailed) return 'error';
      throw error;
    }
  });
};

const refusalOf = (expression: string): CodecError => {
  try {
    parseSql(expression);
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error(`${expression} was understood`);
};

const recordOf = (properties: Readonly<Record<string, string>>, propertyCrc: boolean): Buffer => {
  const stored = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== ''));
  const fields: RecordFields = {
    topic: 'T', queueId: 0, flag: 0, queueOffset: 0, commitLogOffset: 0, sysFlag: 0, bornTimestamp: 0, bornHost: encodeHost('127.0.0.1:1'), storeTimestamp: 0,
    storeHost: encodeHost('127.0.0.1:1'), reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.from('a\u00015\u0002'), properties: joinProperties(stored), propertyCrc,
  };
  const target = Buffer.alloc(maxRecordSize(fields) + 8);
  return target.subarray(5, 5 + encodeRecord(fields, target, 5));
};

describe.each([['sql92-truth', 'sql92-contexts', 59], ['sql92-more-truth', 'sql92-more-contexts', 2507]])('%s', (truth, contexts, count) => {
  const maps = rowsOf<Record<string, string>>(contexts);
  const rows = rowsOf<TruthRow>(truth);

  it('is all there', () => expect(rows).toHaveLength(count));

  it('what RocketMQ understands to the end gives what it gives there', () => {
    const wrong = rows.filter((row) => row.compile === 'ok' && (row.trailing === undefined || ENDS_IN_COMMENT.has(row.expr))).flatMap((row) => {
      const got = (() => {
        try {
          return evaluate(row.expr, maps.map(mapProperties));
        } catch (error) {
          return (error as Error).message;
        }
      })();
      return JSON.stringify(got) === JSON.stringify(resultsOf(row)) ? [] : [{ expr: row.expr, got: JSON.stringify(got), wanted: JSON.stringify(resultsOf(row)) }];
    });
    expect(wrong).toEqual([]);
  });

  it('what RocketMQ refuses, or understands in part, is refused at a place in it', () => {
    for (const row of rows.filter(({ compile, trailing, expr }) => compile === 'error' || (trailing && !ENDS_IN_COMMENT.has(expr)))) {
      const error = refusalOf(row.expr);
      expect(error.code).toBe('INVALID_INPUT');
      expect(error.position, row.expr).toBeGreaterThanOrEqual(0);
      expect(error.position, row.expr).toBeLessThanOrEqual(row.expr.length);
    }
  });

  it('of records it is the same, straight from their bytes, and what throws is no match', () => {
    // A stored property has no empty value: the broker drops it.
    const stored = maps.map((properties) => Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== '')));
    const records = maps.map((properties, index) => recordOf(properties, index % 2 === 1));
    const source = new RecordProperties();
    for (const { expr } of rows.filter((row) => row.compile === 'ok' && row.trailing === undefined)) {
      const filter = compileFilter({ sql: expr });
      const wanted = evaluate(expr, stored.map(mapProperties)).map((result) => result === true);
      expect(records.map((record) => filter.matches(source.at(record, 0))), expr).toEqual(wanted);
    }
  });
});
