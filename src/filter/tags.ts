import { CodecError } from '../base/codec-error.ts';
import { javaHashCode } from '../base/java-hash.ts';

/** A parsed tag expression. */
export interface TagFilter {
  /** Canonical form: `*`, or the tags joined by ` || `. */
  readonly expression: string;
  /** `*`: every message, also one without a tag. */
  readonly matchesAll: boolean;
  readonly tags: ReadonlySet<string>;
  /** Java hash codes of the tags, as the consume queue stores them (sign-extended to 64 bits). */
  readonly hashes: ReadonlySet<number>;
}

/**
 * Parses `A`, `A || B`, `*`; an empty expression means `*`. [FilterAPI#buildSubscriptionData]
 * Stricter than RocketMQ, which drops empty alternatives: `A || `, a single `|` inside and `*` beside tags are refused.
 * Error: CodecError INVALID_INPUT with the position.
 */
export function parseTagExpression(expression: string): TagFilter {
  if (expression.trim() === '' || expression.trim() === '*') return { expression: '*', matchesAll: true, tags: new Set(), hashes: new Set() };
  const tags = new Set<string>();
  let start = 0;
  for (const part of expression.split('||')) {
    const tag = part.trim();
    const position = start + (part.length - part.trimStart().length);
    if (tag === '') throw new CodecError('INVALID_INPUT', 'a tag is missing here', Math.min(start, expression.length));
    if (tag === '*') throw new CodecError('INVALID_INPUT', '"*" means every message and stands alone', position);
    const bar = tag.indexOf('|');
    if (bar >= 0) throw new CodecError('INVALID_INPUT', 'a single "|" separates nothing, write "||"', position + bar);
    const bad = tag.search(/[\s\u0000-\u001f]/);
    if (bad >= 0) throw new CodecError('INVALID_INPUT', 'a tag holds no blanks or control characters', position + bad);
    tags.add(tag);
    start += part.length + 2;
  }
  return { expression: [...tags].join(' || '), matchesAll: false, tags, hashes: new Set([...tags].map(javaHashCode)) };
}

/** At the queue: may the message match? `tagsCode` is the low half of the entry's code. Other tags of the same hash pass, too. */
export function mayMatchHash(filter: TagFilter, tagsCode: number): boolean {
  return filter.matchesAll || filter.hashes.has(tagsCode);
}

/** At the record: the real comparison. */
export function matchesTag(filter: TagFilter, tag: string | null): boolean {
  return filter.matchesAll || (tag !== null && filter.tags.has(tag));
}
