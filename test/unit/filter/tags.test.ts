import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { matchesTag, mayMatchHash, parseTagExpression } from '../../../src/filter/tags.ts';

describe('tag expressions', () => {
  it.each([['A', ['A']], [' A||B ', ['A', 'B']], ['A || B||A', ['A', 'B']], ['订单', ['订单']]])('%s', (text, tags) => {
    const filter = parseTagExpression(text);
    expect([...filter.tags]).toEqual(tags);
    expect(filter.matchesAll).toBe(false);
    expect(parseTagExpression(filter.expression)).toEqual(filter);
  });

  it.each(['*', ' * ', '', '  '])('"%s" is every message', (text) => {
    const filter = parseTagExpression(text);
    expect([filter.matchesAll, matchesTag(filter, null), mayMatchHash(filter, 0)]).toEqual([true, true, true]);
  });

  it.each([['A |', 1 + 1, 'single'], ['A | B', 2, 'single'], ['A || ', 4, 'missing'], ['|| A', 0, 'missing'], ['A || || B', 4, 'missing'], ['A B', 1, 'blanks'], ['A || *', 5, 'stands alone']])('"%s" is refused at %d', (text, position, message) => {
    try {
      parseTagExpression(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError);
      expect(error).toMatchObject({ code: 'INVALID_INPUT', position, message: expect.stringContaining(message) as string });
    }
  });

  it('tags of the same hash pass at the queue and fail at the record', () => {
    // "Aa" and "BB" share a Java hash code.
    const filter = parseTagExpression('Aa');
    const [hash] = filter.hashes;
    expect(mayMatchHash(filter, hash!)).toBe(true);
    expect(mayMatchHash(parseTagExpression('BB'), hash!)).toBe(true);
    expect([matchesTag(filter, 'Aa'), matchesTag(filter, 'BB'), matchesTag(filter, null), matchesTag(filter, 'aa')]).toEqual([true, false, false, false]);
  });
});
