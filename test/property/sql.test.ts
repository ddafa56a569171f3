import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../src/base/codec-error.ts';
import { compileFilter } from '../../src/filter/message-filter.ts';
import type { SqlNode } from '../../src/filter/sql/ast.ts';
import { compileSql } from '../../src/filter/sql/compile.ts';
import { javaDouble, javaInteger, javaLong } from '../../src/filter/sql/java-numbers.ts';
import { parseSql } from '../../src/filter/sql/parser.ts';
import { printSql } from '../../src/filter/sql/print.ts';
import { EvaluationFailed } from '../../src/filter/sql/values.ts';
import { mapProperties } from '../../src/record/property-source.ts';

const PIECES = [
  'a', 'b', 'none', '$x_1', "'x'", "''", "'it''s'", "'5", '5', '0', '05', '2147483648', '9223372036854775807', '9223372036854775808', '5L', '1.5', '.5', '5.', '0.0', '1e3', '1e999',
  'AND', 'or', 'NOT', 'BETWEEN', 'in', 'IS', 'NULL', 'true', 'FALSE', 'CONTAINS', 'startswith', 'ENDSWITH', '=', '<>', '<', '<=', '>', '>=', '(', ')', ',', '+', '-', '--', '--\n', '/*', '*/', '/**/',
  '!=', '||', '"', '.', ';', '\n', '\t', '\u0000', '中', '😀', '\ud83d',
];
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).chain((words) => fc.constantFrom('', ' ').map((separator) => words.join(separator)));
const anyText = fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }));

/** The expression; undefined where it is refused, at a place in it. */
const parsed = (text: string): SqlNode | undefined => {
  try {
    return parseSql(text);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    expect(error.code).toBe('INVALID_INPUT');
    expect(Number.isInteger(error.position) && error.position! >= 0 && error.position! <= text.length).toBe(true);
    expect(error.message).not.toContain('\n');
    return undefined;
  }
};

/** The same without places. */
const shape = (node: SqlNode): unknown => JSON.parse(JSON.stringify(node, (key, value: unknown) => (key === 'at' ? undefined : typeof value === 'bigint' ? `${value}L` : value)));

// Expressions by the grammar: every one is understood.
const name = fc.constantFrom('a', 'b', 'none', 'TAGS', '$x_1', 'andy');
const string = fc.string({ maxLength: 6 }).map((text) => `'${text.replaceAll("'", "''")}'`);
const number = fc.oneof(fc.nat().map(String), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String), fc.double({ min: 5e-324, max: 1.7e308, noNaN: true }).map((value) => (/[.e]/.test(String(value)) ? String(value) : `${value}.`)));
const signed = fc.tuple(fc.constantFrom('', '-', '+', '- -'), number).map(([sign, digits]) => sign + digits);
const ordered = fc.oneof(name, signed, name.map((each) => `-${each}`));
const not = fc.constantFrom('', 'NOT ');
const { expression } = fc.letrec<{ expression: string; term: string }>((tie) => ({
  term: fc.oneof({ depthSize: 'small' },
    fc.tuple(ordered, fc.constantFrom('<', '<=', '>', '>='), ordered).map((parts) => parts.join(' ')),
    fc.tuple(name, fc.constantFrom('=', '<>'), fc.oneof(ordered, string, fc.constantFrom('TRUE', 'false'))).map((parts) => parts.join('')),
    fc.tuple(name, not, fc.constantFrom('CONTAINS', 'STARTSWITH', 'ENDSWITH'), string).map(([operand, negated, word, text]) => `${operand} ${negated}${word} ${text}`),
    fc.tuple(name, not, fc.array(string, { minLength: 1, maxLength: 7 })).map(([operand, negated, list]) => `${operand} ${negated}IN (${list.join(', ')})`),
    fc.tuple(ordered, not, name, ordered).map(([operand, negated, low, high]) => `${operand} ${negated}BETWEEN ${low} AND ${high}`),
    fc.tuple(name, not).map(([operand, negated]) => `${operand} IS ${negated}NULL`),
    name, fc.constantFrom('TRUE', 'FALSE', 'NULL'),
    fc.tuple(not, tie('expression')).map(([negated, inner]) => `${negated}(${inner})`),
    fc.tuple(tie('expression'), fc.constantFrom('=', '<>'), tie('expression')).map(([left, operator, right]) => `(${left}) ${operator} (${right})`).filter((text) => parsed(text) !== undefined),
  ),
  expression: fc.array(fc.tuple(fc.constantFrom(' AND ', ' OR ', ' and/* */'), tie('term')), { minLength: 1, maxLength: 4 }).map((terms) => terms.map(([joint, term], index) => (index === 0 ? term : `${joint}${term}`)).join('')),
}));
const values = fc.option(fc.oneof(fc.constantFrom('5', '-1', 'true', 'abc', ' 5 ', '2147483648', '1e3'), fc.string({ minLength: 1, maxLength: 8 })), { nil: undefined });
const maps = fc.record({ a: values, b: values, TAGS: values, $x_1: values }).map((map) => Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as Record<string, string>);

const evaluate = (node: SqlNode, map: Record<string, string>): boolean | null | 'error' => {
  try {
    return compileSql(node)(mapProperties(map));
  } catch (error) {
    if (error instanceof EvaluationFailed) return 'error';
    throw error;
  }
};

describe('SQL92', () => {
  it('any text is understood or refused at a place, and what is understood can be evaluated', () => {
    let understood = 0;
    fc.assert(
      fc.property(anyText, maps, (text, map) => {
        const node = parsed(text);
        if (node === undefined) return;
        understood++;
        expect([true, false, null, 'error']).toContain(evaluate(node, map));
        expect(typeof compileFilter({ sql: text }).matches(mapProperties(map))).toBe('boolean');
      }),
      { numRuns: 20_000 },
    );
    expect(understood).toBeGreaterThan(50);
  });

  it('what is printed is understood as it was, prints alike and evaluates alike', () => {
    fc.assert(
      fc.property(expression, maps, (text, map) => {
        const node = parseSql(text);
        const printed = printSql(node);
        const again = parseSql(printed);
        expect(shape(again)).toEqual(shape(node));
        expect(printSql(again)).toBe(printed);
        expect(evaluate(again, map)).toEqual(evaluate(node, map));
      }),
      { numRuns: 5000 },
    );
  });

  it('what is understood of any text survives printing, too', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const node = parsed(text);
        if (node !== undefined) expect(shape(parseSql(printSql(node)))).toEqual(shape(node));
      }),
      { numRuns: 20_000 },
    );
  });

  it('the depth of an expression is bounded, its length is not', () => {
    for (const deep of ['(', 'NOT ', '-', '+', '- +']) expect(parsed(`${deep.repeat(100_000)}a`)).toBeUndefined();
    for (const chain of [' = a', ' IS NULL', " CONTAINS 'x'", ' <> TRUE']) expect(parsed(`a${chain.repeat(100_000)}`)).toBeUndefined();
    for (const run of [' AND TRUE', ' OR a']) expect(evaluate(parseSql(`TRUE${run.repeat(50_000)}`), {})).toBe(true);
    expect(evaluate(parseSql(`a IN ('x'${", 'y'".repeat(50_000)})`), { a: 'y' })).toBe(true);
    expect(evaluate(parseSql(`${'('.repeat(190)}a = 5${')'.repeat(190)}`), { a: '5' })).toBe(true);
  });
});

describe('numbers', () => {
  it('an Integer or Long reads as it was written, and nothing beyond its range', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), fc.constantFrom('', '000'), (value, zeros) => {
        const text = value < 0n ? `-${zeros}${-value}` : `${zeros}${value}`;
        expect(javaLong(text)).toBe(value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined);
        expect(javaInteger(text)).toBe(value >= -(2n ** 31n) && value < 2n ** 31n ? Number(value) : undefined);
      }),
    );
  });

  // What Java's Double.valueOf gave; rounding twice would give 1e-323 for the first.
  it.each([['0x5.0000000000000001p-1075', 1.5e-323], ['0x1.fffffffffffff7ffp0', 1.9999999999999998], ['0x1.fffffffffffff8p1023', Infinity]])('%s is rounded once', (text, value) => {
    expect(javaDouble(text)).toBe(value);
  });

  it('a Double reads in decimal and in hexadecimal', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(javaDouble(String(value))).toBe(value === 0 ? 0 : value);
        const bits = Buffer.alloc(8);
        bits.writeDoubleBE(value);
        const exponent = (bits.readUInt16BE(0) >> 4) & 0x7ff;
        const fraction = (bits.readBigUInt64BE(0) & 0xfffffffffffffn).toString(16).padStart(13, '0');
        const hex = `${Object.is(value, -0) || value < 0 ? '-' : ''}0x${exponent === 0 ? 0 : 1}.${fraction}p${exponent === 0 ? -1022 : exponent - 1023}`;
        expect(javaDouble(` ${hex}d `)).toBe(value);
      }),
    );
  });
});
