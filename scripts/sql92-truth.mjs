#!/usr/bin/env node
/**
 * Makes test/fixtures/sql92-more-truth.ndjson: what RocketMQ's own filter makes of the expressions below, over the property
 * maps of sql92-more-contexts.ndjson; a letter a map: t true, f false, - unknown, e the evaluation threw. Needs what `node scripts/interop-setup.mjs` leaves.
 *
 *   node scripts/interop-setup.mjs && node scripts/sql92-truth.mjs
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = join(root, 'test/interop/java/target/5.5.0');
const fixtures = join(root, 'test/fixtures');
const contexts = join(fixtures, 'sql92-more-contexts.ndjson');

const COMPARISONS = ['=', '<>', '<', '<=', '>', '>='];
const NUMBERS = [
  '5', '0', '-5', '+5', '5L', '-0', '2147483647', '-2147483648', '2147483648', '-2147483649', '9223372036854775807', '-9223372036854775807',
  '5.0', '5.', '.5', '-5.0', '5e0', '0.1', '1e20', '9007199254740993.0',
];
const OPERANDS = ['a', 'b', 's', '5', '5.5', "'5'", "'x'", 'TRUE', 'FALSE', 'NULL', '-a', '+a', '(a)', '(a = 5)', 'NOT t', '-5', 'none', 'a IS NULL'];

const expressions = [
  ...COMPARISONS.flatMap((operator) => NUMBERS.flatMap((number) => [`a ${operator} ${number}`, `${number} ${operator} b`])),
  ...['=', '<', '<>', '>='].flatMap((operator) => OPERANDS.flatMap((left) => OPERANDS.map((right) => `${left} ${operator} ${right}`))),
  ...['s', 't', 'a', "'5'", "'it''s'", '5', 'TRUE', 'NULL', 'none', '(s)', '-s', 'NOT t', 's = s'].flatMap((operand) => [
    ...['CONTAINS', 'STARTSWITH', 'ENDSWITH'].flatMap((word) => ["'5'", "''", "''''", "'b'", "'中'", "'😀'", "' '"].flatMap((text) => [`${operand} ${word} ${text}`, `${operand} NOT ${word} ${text}`])),
    `${operand} IS NULL`, `${operand} IS NOT NULL`, `${operand} IN ('5')`, `${operand} NOT IN ('5', 'it''s', '', 'x\ny', 'TRUE', '中文')`,
    `${operand} BETWEEN 1 AND 10`, `${operand} NOT BETWEEN 1 AND 10`, `NOT ${operand}`, operand, `${operand} AND TRUE`, `FALSE OR ${operand}`,
  ]),
  // BETWEEN: the order of constants is checked, of others not; strings never.
  'a BETWEEN 10 AND 1', 'a NOT BETWEEN 10 AND 1', 'a BETWEEN -1 AND -5', 'a BETWEEN 5 AND 5', 'a BETWEEN 5 AND 5.0', 'a BETWEEN 5.1 AND 5', 'a BETWEEN 1.5 AND 2147483648',
  'a BETWEEN b AND 10', 'a BETWEEN b AND b', 'a NOT BETWEEN b AND s', 'b BETWEEN a AND s', '5 BETWEEN a AND b', "a BETWEEN '1' AND 5", "a BETWEEN 1 AND 'x'", 'a BETWEEN NULL AND 5',
  'a BETWEEN 1 AND NULL', 'a BETWEEN TRUE AND FALSE', 'a BETWEEN none AND 5', 'a NOT BETWEEN none AND 3', 'a BETWEEN 1', 'a BETWEEN 1 OR 5', 'a BETWEEN 1 AND 5 AND t = TRUE',
  'a BETWEEN 1 AND 5 BETWEEN 1 AND 5', 'a BETWEEN (1) AND (5)', 'NOT a BETWEEN 1 AND 5', 'NOT (a BETWEEN 1 AND 5)', 'a BETWEEN 9223372036854775807 AND 1e20',
  // Precedence and three-valued logic.
  'a = 5 OR b = 6 AND t = TRUE', '(a = 5 OR b = 6) AND t = TRUE', 'a = 5 AND b = 6 OR t = TRUE', 'NOT (a = 5)', 'NOT NOT (a = 5)', 'NOT a = 5 AND b', 'NOT (none = 5)', 'none = 5 OR TRUE',
  'none = 5 AND FALSE', 'none = 5 OR FALSE', 'none = 5 AND TRUE', 'none = 5 OR a > 1', 'a > 1 OR none = 5', 'TRUE OR a > 1', 'FALSE AND a > 1', 'a > 1 AND FALSE', 'a > 1 OR TRUE',
  'none OR none', 'none AND none', 'NULL OR TRUE', 'NULL AND FALSE', 'NULL', 'NOT NULL', 'TRUE AND NULL', 'a = 5 = TRUE', 'a = 5 = t', 't = (a = 5)', '(a = 5) = (b = 6)', 'a = 5 <> FALSE',
  'a = b = b', 'none = none = none', 'a = 5 IS NULL', 'none = 5 IS NULL', 'a IS NULL IS NULL', 'a IS NULL = TRUE', 'a IS NOT NULL AND a > 1', 'none IS NOT NULL AND none > 1', 'a = NOT t', 'a > 5 > 3',
  'a = 5 > 3', '5 > 3 = t', '(5 > 3) = TRUE', 'a < b < 5', 'a = 1 OR a = 2 OR a = 5 OR a = -5', 'a <> 1 AND a <> 2 AND a <> 5', 's CONTAINS \'a\' = TRUE', 's CONTAINS \'a\' CONTAINS \'b\'',
  "s STARTSWITH 'a' > 1", 'a > 5 IN (\'5\')', "s IN ('abcabc') = TRUE", "NOT s IN ('x')", "NOT s CONTAINS 'x'", "s NOT IN ('x') AND s NOT CONTAINS 'y'", 'NOT NOT t', 'NOT NOT NOT none', '((((a)))) = ((5))',
  // Signs.
  '- - 5 = a', '+ - 5 = a', '- + - 5 = a', '-(-5) = a', '-(a) = 5', '-a IS NULL', '-TRUE IS NULL', "-'x' IS NULL", '-NULL IS NULL', '+TRUE', '+(a = 5)', '-(a = 5)', '-5', '5', "'x'", '+a', '-a',
  '-2147483648 = a', '-(-2147483648) = b', '-9223372036854775808 = a', 'a = -9223372036854775807', 'NOT -a', 'NOT +t', '- NOT t IS NULL', '-5L = a', '-.5 < b', '-1e3 < a',
  // Literals.
  'a = 2147483648L', 'a = 9223372036854775808', 'a = 9223372036854775807L', 'a = 5l', 'a = 0L', 'a = 0x5', 'a = 0x5 AND TRUE', 'a = 010 AND TRUE', 'a = 0.0', 'a = 0.', 'a = .0', 'a = 0e5', 'a = 00.5', 'a = 00005e0',
  'a = 1e308', 'a = 1e309', 'a = 1e-323', 'a = 4.9e-324', 'a = 2e-324', 'a = 1e-400', 'a = 5E+0', 'a = 5e-0', 'a = 5.e0', 'a = 5e', 'a = 5e+', 'a = .', 'a = 5..', 'a = 5.5.5', 'a = 5f', 'a = 5.0d', 'a = 5.0L', 'a = 1_000',
  "s = ''", "s = ''''", "s = 'it''s'", "s = 'a''''b'", "s = 'x\ny'", "s = 'it'", "s = 'it's'", "s = 'unterminated", "s = '", `s = "x"`, "s = '中文'", "s = '😀'", "s = 'äöü'", "s = 'ÄÖÜ'", "s = '/* no */ -- comment'", "s <> 'x' ",
  // Comments and white space.
  'a = 5 -- end\n', 'a = 5 -- end', 'a -- one\n = -- two\r\n 5', '-- first\na = 5', 'a /**/ = /***/ 5 /* * / ** */', '/* a */ a = 5', 'a = /* unterminated', 'a = 5 /* unterminated', 'a = 5 /', '/*/ a = 5', '/* /* */ a = 5', 'a--5\n', 'a = --5',
  'a = - -5', '\ta\f=\r\n5\n', 'a\u00a0= 5', 'a\u000b= 5', 'a = 5\u0000', '\ufeffa = 5', '', ' ', '-- only\n', '/* only */', 'a=5', 'a>=-5', 'a<>-5', 'a< >5', 'a> =5', 'a=>5', 'a!=5', 'a==5', 'a<=>5', 'a<5and b>5', "s in('5')and t", "s='x'or t",
  // Keywords and names.
  'A = 5', 'a = 5 aNd B = 6', 'not a', 'nOt a', 'Not = 5', 'a iS nOt NuLl', 'a Is Null', "s cOnTaInS 'a'", "s StartsWith 'a'", "s ENDSwith 'c'", "s nOt In ('x')", 'a bEtWeEn 1 aNd 5', 'tRuE', 'fAlSe OR t', 'nUlL', 'nothing = 5', 'andy = 5', 'orx = 5', 'isnull', 'truex',
  '_ = 5', '$ = 5', '_$9z = 5', '9z = 5', 'a.b = 5', 'a-b = 5', 'a:b = 5', 'a@b', '"a" = 5', '[a] = 5', '`a` = 5', '中 = 5', 'ä = 5', 'aé = 5', 'a中 = 5', '\u212aEYS = 5', 'K\u0131 = 5', 'IN = 5', 'CONTAINS', 'a = CONTAINS', 'LIKE = 5', "s LIKE 'a'", 'escape IS NULL', 'TAGS = \'TagA\'', "KEYS CONTAINS 'k2'",
  "TAGS IN ('TagA', 'TagB')", "TAGS IS NOT NULL AND TAGS <> 'TagA'", "(TAGS IS NOT NULL AND TAGS IN ('TagA')) AND (a IS NOT NULL AND a BETWEEN 0 AND 10)", 'tags IS NULL',
  // What is no expression.
  'a =', '= a', 'a = 5 AND', 'AND a', 'a OR', 'OR', 'NOT', 'a NOT', 'a NOT 5', 'a IS', 'a IS 5', 'a IS NOT', 'a IS NOT 5', 'a IS TRUE', 'a IN', 'a IN (', 'a IN ()', "a IN ('x'", "a IN ('x',", "a IN ('x',)", "a IN ('x' 'y')", "a IN 'x'", 'a IN (5)', 'a IN (NULL)', 'a IN (b)', "a IN ('x', NULL)", "5 IN ('5')", "'x' IN ('x')",
  "(a) IN ('5')", "+a IN ('5')", "-a IN ('5')", "a IN ('1','2','3','4','5','6')", "a NOT IN ('1','2','3','4','5','6')", "none NOT IN ('1')", 'a CONTAINS', 'a CONTAINS 5', 'a CONTAINS b', 'a NOT CONTAINS', "a NOT CONTAINS ''", "a CONTAINS ('x')", '(', '()', ')', '(a', '(a = 5', 'a)', 'a = 5)', '(a = 5))', 'a b', 'a 5', "a 'x'",
  'a = 5 b', 'a = 5 5', "a = 5 'x'", 'a = 5 NOT', 'a = 5 TRUE', 'a = 5 (b)', 'a = 5, b', 'a = 5;', 'a = 5 & b', 'a + 1', 'a * 2 = 10', 'a / 2 = 1', 'a % 2 = 1', 'a || b', 'a && b', '!a', '*', '~a', '?', 'a = ?', 'a = :x', '{a}', '\\', '#', 'a = 5 + 1', 'a = 5 - 1', 'a - 1 = 4', 'now()', 'NOT(a = 5)AND(b = 6)',
];

const input = [...new Set(expressions)].map((text) => JSON.stringify(text)).join('\n');
const classpath = `${join(target, 'classes')}:${readFileSync(join(target, 'classpath.txt'), 'utf8').trim()}`;
const output = execFileSync('java', ['-XX:TieredStopAtLevel=1', '-cp', classpath, 'mqlite.interop.SqlTruth', contexts], { input, maxBuffer: 64 << 20 });
// One letter a property map keeps the file small.
const LETTERS = { true: 't', false: 'f', null: '-', error: 'e' };
const rows = output.toString().trimEnd().split('\n').map((line) => JSON.parse(line));
const compact = rows.map((row) => (row.results === undefined ? row : { ...row, results: row.results.map((result) => LETTERS[result]).join('') }));
writeFileSync(join(fixtures, 'sql92-more-truth.ndjson'), compact.map((row) => `${JSON.stringify(row)}\n`).join(''));
