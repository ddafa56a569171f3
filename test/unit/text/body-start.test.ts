import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import type { Message } from '../../../src/record/message.ts';
import { bodyStart } from '../../../src/text/body-start.ts';

const of = (body: Buffer | string, characters = 5): string => bodyStart({ body: Buffer.from(body as string) } as Message, characters);

describe('bodyStart', () => {
  it('is so many characters, escaped', () => {
    expect([of('abc'), of('abcdefgh'), of(''), of('a\u001b[2Jb'), of('a\nb')]).toEqual(['abc', 'abcde', '', 'a\\e[2J', 'a\\nb']);
    expect(of('已支付金额 128 元')).toBe('已支付金额');
    expect(of('🚀🚀🚀🚀🚀🚀')).toBe('🚀🚀🚀🚀🚀');
  });

  it('a character that the cut halves does not make bytes of a text', () => {
    for (let shift = 0; shift < 4; shift++) expect(of('x'.repeat(shift) + '元'.repeat(30))).toBe(('x'.repeat(shift) + '元'.repeat(30)).slice(0, 5));
    for (let shift = 0; shift < 4; shift++) expect(of('x'.repeat(shift) + '🚀'.repeat(30))).toBe([...'x'.repeat(shift) + '🚀'.repeat(5)].slice(0, 5).join(''));
  });

  it('what is no text is hex', () => {
    expect(of(Buffer.from([0xff, 0, 1, 2]), 6)).toBe('0xff0001');
    // It ends within a character: that is no text either.
    expect(of(Buffer.from('元').subarray(0, 2), 6)).toBe('0xe585');
  });

  it('a body that cannot be decompressed says so', () => {
    const damaged = { get body(): Buffer { throw new CodecError('DAMAGED', 'bad'); } } as Message;
    expect(bodyStart(damaged, 5)).toBe('(cannot be decompressed)');
  });
});
