import { Flags } from '@oclif/core';
import type { MessageFilter } from '../broker/types.ts';
import { MqliteError } from '../broker/errors.ts';
import { parseTagExpression } from '../filter/tags.ts';
import { parseExpression } from './expression-error.ts';

/** Flags that `consume` and `tail` share. */
export const readFlags = {
  queue: Flags.integer({ description: 'only this queue', min: 0, helpValue: 'N' }),
  count: Flags.integer({ description: 'stop after N messages; exit 1 when the stream ends with fewer', min: 1, helpValue: 'N' }),
  timeout: Flags.string({ description: 'stop when nothing came for this long', helpValue: 'DURATION' }),
  'until-end': Flags.boolean({ description: 'stop at the end as it was at the start' }),
  tag: Flags.string({ description: "only messages with these tags: A, 'A || B', '*'", helpValue: 'EXPR' }),
  grep: Flags.string({ description: 'only messages whose body matches the regular expression', helpValue: 'RE' }),
  format: Flags.string({ description: String.raw`print with %t topic, %p queue, %o offset, %k keys, %v body, %h{%k=%v } properties, %d time, %g tags, %i id, %O log offset; \n and \t; no newline is added`, helpValue: 'FORMAT' }),
};

/** undefined: no filter. Error: USAGE with the place. */
export function tagFilter(expression: string | undefined): MessageFilter | undefined {
  if (expression === undefined) return undefined;
  const filter = parseExpression('--tag', expression, parseTagExpression);
  return filter.matchesAll ? undefined : { tags: filter.expression };
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
