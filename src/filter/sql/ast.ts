import type { Value } from './values.ts';

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type TextOperator = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH';

/** An expression as it was understood. Parentheses, comments and unary plus leave nothing behind; `at` is where it starts. */
export type SqlNode = { readonly at: number } & (
  | { readonly type: 'literal'; readonly value: Value }
  | { readonly type: 'property'; readonly name: string }
  | { readonly type: 'negate'; readonly operand: SqlNode }
  | { readonly type: 'not'; readonly operand: SqlNode }
  /** A whole run `x OR y OR z`, so that long ones nest no deeper than short ones. */
  | { readonly type: 'or' | 'and'; readonly terms: readonly SqlNode[] }
  | { readonly type: 'compare'; readonly operator: ComparisonOperator; readonly left: SqlNode; readonly right: SqlNode }
  | { readonly type: 'isNull'; readonly operand: SqlNode; readonly not: boolean }
  | { readonly type: 'between'; readonly operand: SqlNode; readonly low: SqlNode; readonly high: SqlNode; readonly not: boolean }
  | { readonly type: 'in'; readonly name: string; readonly values: readonly string[]; readonly not: boolean }
  | { readonly type: 'text'; readonly operator: TextOperator; readonly operand: SqlNode; readonly search: string; readonly not: boolean }
);

/** Whether it is true, false or unknown by itself, as RocketMQ types it. [BooleanExpression] */
export const isCondition = (node: SqlNode): boolean => {
  if (node.type === 'literal') return node.value === null || typeof node.value === 'boolean';
  return node.type !== 'property' && node.type !== 'negate';
};
