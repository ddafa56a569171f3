import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, cut, fit, skip, take } from '../../../src/tui/columns.ts';

/** The one that ink lays out its lines with; others of the tree are older. */
const { default: stringWidth } = (await import(createRequire(createRequire(import.meta.url).resolve('ink')).resolve('string-width'))) as { default: (text: string) => number };

const SAMPLES = ['plain', '中文消息', 'かな', '한국어', 'e\u0301tude', '🚀 go', '👩‍👩‍👧', '🇩🇪', '☺️', '1️⃣', 'ｆｕｌｌ', 'ﾊﾝ', 'नमस्ते', '…', '─', '⚡', '①'];

describe('columns of text', () => {
  it.each(SAMPLES)('%s takes what ink gives it', (text) => {
    expect(columnsOf(text)).toBe(stringWidth(text));
  });

  it('agrees with ink on any Han, kana, Hangul and Latin text', () => {
    const letter = fc.constantFrom(...'abcXYZ 0189中文字符かなカナ한글éßøЖλ🚀🎉…');
    fc.assert(fc.property(fc.array(letter, { maxLength: 40 }), (letters) => {
      const text = letters.join('');
      expect(columnsOf(text)).toBe(stringWidth(text));
    }));
  });

  it('is cut with a mark, never through a wide character, and filled up', () => {
    expect(cut('abcdef', 6)).toBe('abcdef');
    expect(cut('abcdef', 5)).toBe('abcd…');
    expect(cut('中文消息', 5)).toBe('中文…');
    expect(cut('中文消息', 4)).toBe('中…');
    expect(fit('中文消息', 4)).toBe('中… ');
    expect(fit('7', 4, 'right')).toBe('   7');
    expect(cut('abc', 0)).toBe('');
    expect(cut('x'.repeat(100_000), 3)).toBe('xx…');
  });

  it('any text fits exactly into any width', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...SAMPLES), { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (parts, columns) => {
      expect(columnsOf(fit(parts.join(''), columns))).toBe(columns);
      expect(columnsOf(take(parts.join(''), columns))).toBeLessThanOrEqual(columns);
    }));
  });

  it('skips columns', () => {
    expect(skip('abcdef', 2)).toBe('cdef');
    expect(skip('中文ab', 2)).toBe('文ab');
    expect(skip('中文ab', 1)).toBe('文ab');
  });
});
