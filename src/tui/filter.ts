import { MqliteError } from '../broker/errors.ts';
import type { MessageFilter } from '../broker/types.ts';
import { compileFilter } from '../filter/message-filter.ts';
import type { CompiledFilter } from '../filter/message-filter.ts';
import { parseExpression } from '../text/expression-error.ts';

/** What a stream of messages is narrowed to: by the broker where it can, and by the body here. */
export interface ViewFilter {
  /** As it is typed: `A||B`, `sql:a > 5`, `/regex/`, or one of the first two with a regex behind it. */
  readonly text: string;
  readonly compiled: CompiledFilter | null;
  readonly grep: RegExp | null;
}

const SQL = /^sql:/i;
const REGEX_AT_END = /(?:^|\s)\/(.+)\/(i?)$/s;

export const expressionOf = (filter: ViewFilter | null): MessageFilter | undefined => filter?.compiled?.expression;

/** null: every message. Error: USAGE with what is wrong, in one line. */
export function parseViewFilter(typed: string): ViewFilter | null {
  const text = typed.trim();
  const regex = REGEX_AT_END.exec(text);
  const expression = (regex === null ? text : text.slice(0, regex.index)).trim();
  const grep = regex === null ? null : bodyPattern(regex[1]!, regex[2]!);
  const compiled = expression === '' ? null : compile(expression);
  if (grep === null && compiled?.isSelective !== true) return null;
  return { text, compiled, grep };
}

export interface FilterFlags {
  readonly tag?: string | undefined;
  readonly sql?: string | undefined;
  readonly grep?: string | undefined;
}

/** The filter that flags of the command line mean, whatever characters they hold; its text is how it would be typed, as far as it could be. Error: as `parseViewFilter`. */
export function flagFilter({ tag, sql, grep }: FilterFlags): ViewFilter | null {
  const compiled = sql !== undefined ? parseExpression('sql', sql, (text) => compileFilter({ sql: text }))
    : tag !== undefined ? parseExpression('tags', tag, (tags) => compileFilter({ tags })) : null;
  const pattern = grep === undefined ? null : bodyPattern(grep, '');
  if (pattern === null && compiled?.isSelective !== true) return null;
  const expression = sql === undefined ? tag ?? '' : `sql:${sql}`;
  return { text: grep === undefined ? expression : `${expression} /${grep}/`.trim(), compiled, grep: pattern };
}

function compile(expression: string): CompiledFilter {
  if (!SQL.test(expression)) return parseExpression('tags', expression, (tags) => compileFilter({ tags }));
  const sql = expression.replace(SQL, '');
  if (sql.trim() === '') throw new MqliteError('USAGE', 'sql: the expression is empty');
  return parseExpression('sql', sql, (text) => compileFilter({ sql: text }));
}

function bodyPattern(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, `u${flags}`);
  } catch (error) {
    throw new MqliteError('USAGE', (error as Error).message);
  }
}
