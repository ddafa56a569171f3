import { CodecError } from '../../base/codec-error.ts';
import { isCondition } from './ast.ts';
import type { ComparisonOperator, SqlNode, TextOperator } from './ast.ts';
import { readToken } from './lexer.ts';
import type { Token } from './lexer.ts';
import { compareValues, JavaDouble } from './values.ts';
import type { Value } from './values.ts';

/** Parentheses, signs and NOTs inside one another, and operators in a row on one operand: more would use up the stack. */
const MAX_NESTED = 200;
const LONG_MAX = 2n ** 63n - 1n;
const INTEGER_MAX = 2n ** 31n - 1n;

/**
 * Parses a SQL92 expression as RocketMQ's SelectorParser does; docs/format/sql92.md has the grammar. Stricter: RocketMQ stops
 * at what it does not understand and ignores the rest, here that is refused.
 * Error: CodecError INVALID_INPUT with the position of the first character not understood; nothing else is thrown.
 */
export const parseSql = (text: string): SqlNode => new Parser(text).parse();

class Parser {
  readonly #text: string;
  #token: Token;
  #nested = 0;
  #chained = 0;

  constructor(text: string) {
    this.#text = text;
    this.#token = readToken(text, 0);
  }

  parse(): SqlNode {
    const node = condition(this.#or());
    this.#expectEnd();
    return node;
  }

  #or(): SqlNode {
    return this.#run('OR', 'or', () => this.#run('AND', 'and', () => this.#equality()));
  }

  #run(keyword: string, type: 'or' | 'and', parseTerm: () => SqlNode): SqlNode {
    const first = parseTerm();
    if (!this.#isKeyword(keyword)) return first;
    const terms = [condition(first)];
    while (this.#takeKeyword(keyword)) terms.push(condition(parseTerm()));
    return { type, terms, at: first.at };
  }

  #equality(): SqlNode {
    let left = this.#comparison();
    for (let count = 0; ; count++) {
      const operator = this.#takeSymbol('=', '<>');
      if (operator !== null) left = equality(operator, left, this.#comparison());
      else if (this.#takeKeyword('IS')) {
        const not = this.#takeKeyword('NOT');
        if (!this.#takeKeyword('NULL')) throw this.#expected(not ? 'NULL' : 'NULL or NOT NULL');
        left = { type: 'isNull', operand: left, not, at: left.at };
      } else return left;
      this.#countChained(count);
    }
  }

  #comparison(): SqlNode {
    let left = this.#unary();
    for (let count = 0; ; count++) {
      const operator = this.#takeSymbol('<', '<=', '>', '>=');
      const next = operator === null ? this.#wordOperator(left) : relation(operator, left, this.#unary());
      if (next === null) return left;
      left = next;
      this.#countChained(count);
    }
  }

  /** `[NOT] BETWEEN`, `IN`, `CONTAINS`, `STARTSWITH`, `ENDSWITH`; null when none follows. */
  #wordOperator(operand: SqlNode): SqlNode | null {
    const { at } = operand;
    const not = this.#takeKeyword('NOT');
    if (this.#takeKeyword('BETWEEN')) {
      const low = this.#unary();
      if (!this.#takeKeyword('AND')) throw this.#expected('AND and the upper bound');
      return between(operand, low, this.#unary(), not);
    }
    if (this.#takeKeyword('IN')) {
      const values = this.#stringList();
      if (operand.type !== 'property') throw refusal('left of IN stands a property', at);
      return { type: 'in', name: operand.name, values, not, at };
    }
    for (const operator of ['CONTAINS', 'STARTSWITH', 'ENDSWITH'] as const satisfies readonly TextOperator[]) {
      if (this.#takeKeyword(operator)) return { type: 'text', operator, operand, search: this.#string(), not, at };
    }
    if (not) throw this.#expected('BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH');
    return null;
  }

  #unary(): SqlNode {
    const { at } = this.#token;
    if (this.#nested++ >= MAX_NESTED) throw refusal(`more than ${MAX_NESTED} parentheses and signs inside one another`, at);
    try {
      const sign = this.#takeSymbol('+', '-');
      if (sign === '+') return { ...this.#unary(), at };
      if (sign === '-') return { type: 'negate', operand: this.#unary(), at };
      if (this.#takeKeyword('NOT')) return { type: 'not', operand: condition(this.#unary()), at };
      return this.#primary();
    } finally {
      this.#nested--;
    }
  }

  #primary(): SqlNode {
    const { kind, text, at, end } = this.#token;
    if (kind === 'string') return this.#literal(text);
    if (kind === 'float') return this.#literal(float(text, at));
    if (kind === 'integer') {
      const literal = this.#literal(integer(text, at));
      if (text === '0') this.#endZeroLed(end);
      return literal;
    }
    if (kind === 'name') {
      this.#advance();
      return { type: 'property', name: text, at };
    }
    if (this.#isKeyword('NULL')) return this.#literal(null);
    if (this.#isKeyword('TRUE') || this.#isKeyword('FALSE')) return this.#literal(text === 'TRUE');
    if (this.#takeSymbol('(') === null) throw this.#expected('a property, a string, a number, TRUE, FALSE or "("');
    const inner = this.#or();
    if (this.#takeSymbol(')') === null) throw this.#expected('")"');
    return { ...inner, at };
  }

  #literal(value: Value): SqlNode {
    const { at } = this.#token;
    this.#advance();
    return { type: 'literal', value, at };
  }

  /** RocketMQ reads 05 as 0 and ignores all that follows the 0. That is kept only where nothing but digits follows. */
  #endZeroLed(end: number): void {
    const rest = this.#text.slice(end);
    if (!/^[0-9]/.test(rest)) return;
    if (!/^[0-9]+[ \t\n\r\f]*$/.test(rest)) throw refusal('a number starts with no 0: RocketMQ would ignore all that follows it', end);
    this.#token = { kind: 'end', text: '', at: this.#text.length, end: this.#text.length };
  }

  #stringList(): string[] {
    if (this.#takeSymbol('(') === null) throw this.#expected('"(" and strings');
    const values = [this.#string()];
    while (this.#takeSymbol(',') !== null) values.push(this.#string());
    if (this.#takeSymbol(')') === null) throw this.#expected('"," or ")"');
    return values;
  }

  #string(): string {
    const { kind, text } = this.#token;
    if (kind !== 'string') throw this.#expected('a string in single quotes');
    this.#advance();
    return text;
  }

  #expectEnd(): void {
    const { kind, at } = this.#token;
    // A comment without its line end: RocketMQ, too, stops here.
    if (kind === 'end' || this.#text.startsWith('--', at)) return;
    throw this.#expected('an operator or the end');
  }

  #countChained(count: number): void {
    if (count > 0 && this.#chained++ >= MAX_NESTED) throw refusal(`more than ${MAX_NESTED} operators in a row without AND or OR`, this.#token.at);
  }

  #isKeyword(keyword: string): boolean {
    return this.#token.kind === 'keyword' && this.#token.text === keyword;
  }

  #takeKeyword(keyword: string): boolean {
    const found = this.#isKeyword(keyword);
    if (found) this.#advance();
    return found;
  }

  #takeSymbol<T extends string>(...symbols: readonly T[]): T | null {
    const found = this.#token.kind === 'symbol' ? symbols.find((symbol) => symbol === this.#token.text) : undefined;
    if (found !== undefined) this.#advance();
    return found ?? null;
  }

  #advance(): void {
    this.#token = readToken(this.#text, this.#token.end);
  }

  #expected(what: string): CodecError {
    const { kind, at, end } = this.#token;
    return refusal(kind === 'end' ? `the expression ends, wanted: ${what}` : `${JSON.stringify(this.#text.slice(at, end))} is not understood here, wanted: ${what}`, at);
  }
}

const refusal = (message: string, at: number): CodecError => new CodecError('INVALID_INPUT', message, at);

/** What AND, OR, NOT and the whole expression need. [SelectorParser#asBooleanExpression] */
const condition = (node: SqlNode): SqlNode => {
  if (node.type !== 'property' && !isCondition(node)) throw refusal('this is no condition, it is never true or false', node.at);
  return node;
};

const equality = (operator: ComparisonOperator, left: SqlNode, right: SqlNode): SqlNode => {
  for (const node of [left, right]) {
    if (node.type === 'literal' && node.value === null) throw refusal('NULL equals nothing, write IS NULL', node.at);
  }
  if (left.type === 'literal' && right.type === 'literal' && isCondition(left) && !isCondition(right)) throw refusal('TRUE and FALSE are compared with a property', right.at);
  return { type: 'compare', operator, left, right, at: left.at };
};

const relation = (operator: ComparisonOperator, left: SqlNode, right: SqlNode): SqlNode => {
  for (const node of [left, right]) checkOrdered(node);
  return { type: 'compare', operator, left, right, at: left.at };
};

/** Refuses what has no order. [ComparisonExpression#checkLessThanOperand] */
const checkOrdered = (node: SqlNode): void => {
  if (isCondition(node) || (node.type === 'literal' && typeof node.value === 'string')) throw refusal('only numbers and properties have an order', node.at);
};

const between = (operand: SqlNode, low: SqlNode, high: SqlNode, not: boolean): SqlNode => {
  for (const node of [operand, low, high]) checkOrdered(node);
  if (!not && low.type === 'literal' && high.type === 'literal' && compareValues(high.value!, low.value!) < 0) throw refusal('the upper bound is below the lower one', high.at);
  return { type: 'between', operand, low, high, not, at: operand.at };
};

/** An Integer where it fits, else a Long. [ConstantExpression#createFromDecimal] */
const integer = (text: string, at: number): number | bigint => {
  const value = BigInt(text.replace(/l$/i, ''));
  if (value > LONG_MAX) throw refusal(`the number is above ${LONG_MAX}`, at);
  return value > INTEGER_MAX ? value : Number(value);
};

/** Java's smallest double is the smallest that RocketMQ takes, so 0.0 is none. [ConstantExpression#createFloat] */
const float = (text: string, at: number): JavaDouble => {
  const value = Number(text);
  if (value === Infinity) throw refusal('the number is above 1.7976931348623157E308', at);
  if (value === 0) throw refusal('RocketMQ takes no 0 with a point or an exponent, write 0', at);
  return new JavaDouble(value);
};
