import { PROPERTY } from '../record/properties.ts';
import type { PropertySource } from '../record/property-source.ts';
import { compileSql } from './sql/compile.ts';
import { parseSql } from './sql/parser.ts';
import { printSql } from './sql/print.ts';
import { EvaluationFailed } from './sql/values.ts';
import { matchesTag, mayMatchHash, parseTagExpression } from './tags.ts';

/** What a reader wants: messages with these tags (`A || B`, `*`), or those a SQL92 expression is true for. */
export type FilterExpression = { readonly tags: string; readonly sql?: undefined } | { readonly sql: string; readonly tags?: undefined };

/** A filter made ready, once for a subscription. */
export interface CompiledFilter {
  /** One spelling for all that mean the same. */
  readonly expression: FilterExpression;
  /** false: every message passes. */
  readonly isSelective: boolean;
  /** At the queue, by the low half of the entry's code: false spares reading the record. null: the code tells nothing. */
  readonly mayMatchHash: ((tagsCode: number) => boolean) | null;
  /** At the record. */
  matches(source: PropertySource): boolean;
}

/** Error: CodecError INVALID_INPUT with the position. */
export const compileFilter = (expression: FilterExpression): CompiledFilter => (expression.sql === undefined ? tagFilter(expression.tags) : sqlFilter(expression.sql));

const tagFilter = (text: string): CompiledFilter => {
  const filter = parseTagExpression(text);
  return {
    expression: { tags: filter.expression },
    isSelective: !filter.matchesAll,
    mayMatchHash: (tagsCode) => mayMatchHash(filter, tagsCode),
    matches: (source) => matchesTag(filter, source.property(PROPERTY.TAGS)),
  };
};

/** SQL92 looks at every record: queue entries know nothing of properties. Unknown and what throws are no match. [ExpressionCompiledFilter#isMatchedByCommitLog] */
const sqlFilter = (text: string): CompiledFilter => {
  const node = parseSql(text);
  const condition = compileSql(node);
  return {
    expression: { sql: printSql(node) },
    isSelective: true,
    mayMatchHash: null,
    matches: (source) => {
      try {
        return condition(source) === true;
      } catch (error) {
        if (error instanceof EvaluationFailed) return false;
        throw error;
      }
    },
  };
};
