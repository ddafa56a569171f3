import type { PropertySource } from '../../record/property-source.ts';
import type { ComparisonOperator, SqlNode, TextOperator } from './ast.ts';
import { equalValues, negateValue, relateValues } from './values.ts';
import type { Value } from './values.ts';

/** Three-valued: null is unknown. Throws EvaluationFailed where RocketMQ's filter throws. */
export type Condition = (source: PropertySource) => boolean | null;
type Operand = (source: PropertySource) => Value;

/** Makes a parsed expression a function, once for any number of messages. */
export const compileSql = (node: SqlNode): Condition => {
  switch (node.type) {
    case 'or': return some(node.terms.map(compileSql), true);
    case 'and': return some(node.terms.map(compileSql), false);
    case 'not': return negation(compileSql(node.operand));
    case 'compare': return comparison(node.operator, compileOperand(node.left), compileOperand(node.right));
    case 'isNull': {
      const operand = compileOperand(node.operand);
      return (source) => (operand(source) === null) !== node.not;
    }
    case 'between': {
      const [operand, low, high] = [node.operand, node.low, node.high].map(compileOperand) as [Operand, Operand, Operand];
      return node.not
        ? some([comparison('<', operand, low), comparison('>', operand, high)], true)
        : some([comparison('>=', operand, low), comparison('<=', operand, high)], false);
    }
    case 'in': return membership(node.name, new Set(node.values), node.not);
    case 'text': return textTest(node.operator, compileOperand(node.operand), node.search, node.not);
    case 'literal':
    case 'property':
    case 'negate': {
      // A property alone: true is only a Boolean, which a property never is. [UnaryExpression#createBooleanCast]
      const operand = compileOperand(node);
      return (source) => {
        const value = operand(source);
        return value === null ? null : value === true;
      };
    }
  }
};

const compileOperand = (node: SqlNode): Operand => {
  if (node.type === 'literal') {
    const { value } = node;
    return () => value;
  }
  if (node.type === 'property') {
    const { name } = node;
    return (source) => source.property(name);
  }
  if (node.type !== 'negate') return compileSql(node);
  const operand = compileOperand(node.operand);
  if (node.operand.type === 'literal') {
    const negated = negateValue(node.operand.value);
    return () => negated;
  }
  return (source) => negateValue(operand(source));
};

/** AND and OR: the first term that is `decisive` decides, the others are not looked at; else unknown if any is. [LogicExpression] */
const some = (terms: readonly Condition[], decisive: boolean): Condition => (source) => {
  let result: boolean | null = !decisive;
  for (const term of terms) {
    const value = term(source);
    if (value === decisive) return decisive;
    if (value === null) result = null;
  }
  return result;
};

const negation = (condition: Condition): Condition => (source) => {
  const value = condition(source);
  return value === null ? null : !value;
};

const comparison = (operator: ComparisonOperator, left: Operand, right: Operand): Condition => {
  switch (operator) {
    case '=': return (source) => equalValues(left(source), right(source));
    case '<>': return negation((source) => equalValues(left(source), right(source)));
    case '<': return relation(left, right, (order) => order < 0);
    case '<=': return relation(left, right, (order) => order <= 0);
    case '>': return relation(left, right, (order) => order > 0);
    case '>=': return relation(left, right, (order) => order >= 0);
  }
};

const relation = (left: Operand, right: Operand, holds: (order: number) => boolean): Condition => (source) => {
  const leftValue = left(source);
  if (leftValue === null) return null;
  const rightValue = right(source);
  return rightValue === null ? null : holds(relateValues(leftValue, rightValue));
};

const membership = (name: string, values: ReadonlySet<string>, not: boolean): Condition => (source) => {
  const value = source.property(name);
  return value === null ? null : values.has(value) !== not;
};

/** Never unknown, and false with or without NOT for an empty text and for anything but a string. [ComparisonExpression.ContainsExpression] */
const textTest = (operator: TextOperator, operand: Operand, search: string, not: boolean): Condition => {
  if (search === '') return () => false;
  const test = TEXT_TESTS[operator];
  return (source) => {
    const value = operand(source);
    return typeof value === 'string' && test(value, search) !== not;
  };
};

const TEXT_TESTS: Readonly<Record<TextOperator, (text: string, search: string) => boolean>> = {
  CONTAINS: (text, search) => text.includes(search),
  STARTSWITH: (text, search) => text.startsWith(search),
  ENDSWITH: (text, search) => text.endsWith(search),
};
