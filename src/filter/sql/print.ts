import type { SqlNode } from './ast.ts';
import { JavaDouble } from './values.ts';
import type { Value } from './values.ts';

/** How tightly an expression holds together; a looser one inside a tighter one needs parentheses. */
const STRENGTH = { or: 0, and: 1, equality: 2, comparison: 3, unary: 4 } as const;

/** One spelling for all expressions that were understood alike; parsing it gives the same expression. */
export const printSql = (node: SqlNode): string => {
  switch (node.type) {
    case 'literal': return printLiteral(node.value);
    case 'property': return node.name;
    case 'negate': return `-${inside(node.operand, STRENGTH.unary, node.operand.type === 'negate')}`;
    case 'not': return `NOT ${inside(node.operand, STRENGTH.unary)}`;
    case 'or': return node.terms.map((term) => inside(term, STRENGTH.and)).join(' OR ');
    case 'and': return node.terms.map((term) => inside(term, STRENGTH.equality)).join(' AND ');
    case 'isNull': return `${inside(node.operand, STRENGTH.equality)} IS ${node.not ? 'NOT ' : ''}NULL`;
    case 'compare': {
      const strength = strengthOf(node);
      return `${inside(node.left, strength)} ${node.operator} ${inside(node.right, strength + 1)}`;
    }
    case 'between': return `${inside(node.operand, STRENGTH.comparison)} ${not(node)}BETWEEN ${inside(node.low, STRENGTH.unary)} AND ${inside(node.high, STRENGTH.unary)}`;
    case 'in': return `${node.name} ${not(node)}IN (${node.values.map(printLiteral).join(', ')})`;
    case 'text': return `${inside(node.operand, STRENGTH.comparison)} ${not(node)}${node.operator} ${printLiteral(node.search)}`;
  }
};

const not = (node: { readonly not: boolean }): string => (node.not ? 'NOT ' : '');

const inside = (node: SqlNode, atLeast: number, force = false): string => (force || strengthOf(node) < atLeast ? `(${printSql(node)})` : printSql(node));

const strengthOf = (node: SqlNode): number => {
  switch (node.type) {
    case 'or': return STRENGTH.or;
    case 'and': return STRENGTH.and;
    case 'isNull': return STRENGTH.equality;
    case 'compare': return node.operator === '=' || node.operator === '<>' ? STRENGTH.equality : STRENGTH.comparison;
    case 'between':
    case 'in':
    case 'text': return STRENGTH.comparison;
    case 'literal':
    case 'property':
    case 'negate':
    case 'not': return STRENGTH.unary;
  }
};

const printLiteral = (value: Value): string => {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (!(value instanceof JavaDouble)) return String(value).toUpperCase();
  const text = String(value.value);
  return /[.e]/.test(text) ? text : `${text}.0`;
};
