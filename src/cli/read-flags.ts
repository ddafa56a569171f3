import { Flags } from '@oclif/core';
import { MqliteError } from '../broker/errors.ts';
import { compileFilter } from '../filter/message-filter.ts';
import type { CompiledFilter } from '../filter/message-filter.ts';
import { parseExpression } from '../text/expression-error.ts';

/** Flags that `consume` and `tail` share. */
export const readFlags = {
  queue: Flags.integer({ description: 'only this queue', min: 0, helpValue: 'N' }),
  count: Flags.integer({ description: 'stop after N messages; exit 1 when the stream ends with fewer', min: 1, helpValue: 'N' }),
  timeout: Flags.string({ description: 'stop when nothing came for this long', helpValue: 'DURATION' }),
  'until-end': Flags.boolean({ description: 'stop at the end as it was at the start' }),
  tag: Flags.string({ description: "only messages with these tags: A, 'A || B', '*'", helpValue: 'EXPR' }),
  sql: Flags.string({ description: "only messages this SQL92 expression is true for: \"a > 5 AND region = 'eu'\"", helpValue: 'EXPR' }),
  grep: Flags.string({ description: 'only messages whose body matches the regular expression', helpValue: 'RE' }),
  format: Flags.string({ description: String.raw`print with %t topic, %p queue, %o offset, %k keys, %v body, %h{%k=%v } properties, %d time, %g tags, %i id, %O log offset; \n and \t; no newline is added`, helpValue: 'FORMAT' }),
};

/** undefined: no filter. Error: USAGE with the place; also for both flags. */
export function messageFilter({ tag, sql }: { readonly tag?: string | undefined; readonly sql?: string | undefined }): CompiledFilter | undefined {
  if (tag !== undefined && sql !== undefined) throw new MqliteError('USAGE', '--tag and --sql exclude each other', { hint: 'In SQL92 the tag is the property TAGS, for example --sql "TAGS = \'A\' AND a > 5".' });
  if (sql?.trim() === '') throw new MqliteError('USAGE', '--sql: the expression is empty', { hint: 'Leave out the flag for every message.' });
  if (sql !== undefined) return parseExpression('--sql', sql, (text) => compileFilter({ sql: text }));
  const filter = tag === undefined ? undefined : parseExpression('--tag', tag, (text) => compileFilter({ tags: text }));
  return filter?.isSelective ? filter : undefined;
}

/** Error: USAGE for what is no regular expression. */
export function grepFilter(pattern: string | undefined): RegExp | undefined {
  if (pattern === undefined) return undefined;
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new MqliteError('USAGE', `--grep: ${(error as Error).message}`, { hint: 'JavaScript regular expressions are understood; quote it for the shell.' });
  }
}

/** The two ways to say how messages look exclude each other. */
export function refuseJsonWithFormat(json: boolean, format: string | undefined): void {
  if (json && format !== undefined) throw new MqliteError('USAGE', '--json and --format exclude each other', { hint: 'Give one of them.' });
}
