import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clustersOf, columnsOf, cutToColumns, fitToColumns, skipColumns, takeColumns } from '../../../src/text/columns.ts';

const FAMILY = '👨‍👩‍👧‍👦';
const WIDTHS: readonly (readonly [string, number])[] = [
  ['', 0], ['orders-1', 8], ['中文', 4], ['ｆｕｌｌ', 8], ['한글', 4], ['かなカナ', 8], ['ｶﾞ', 2], ['é', 1], ['e\u0301', 1], ['a\u0300\u0301\u0302b', 2],
  ['🚀', 2], [FAMILY, 2], ['❤️', 2], ['❤', 1], ['1️⃣', 2], ['🇩🇪', 2], ['👍🏽', 2], ['\\u200b', 6], ['…', 1], ['▁▂▃▄▅▆▇█', 8], ['ไทย', 3],
];

describe('columnsOf', () => {
  it.each(WIDTHS)('%j takes %i', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });

  it('is what ink lays out by', async () => {
    const fromInk = createRequire(createRequire(import.meta.url).resolve('ink')).resolve('string-width');
    const { default: inkWidth } = await import(pathToFileURL(fromInk).href) as { default: (text: string) => number };
    fc.assert(fc.property(awkward(), (text) => { expect(columnsOf(text)).toBe(inkWidth(text)); }));
    // What is short-cut: every character alone, and each between others.
    const wrong: string[] = [];
    for (let code = 0x20; code <= 0xffff; code++) {
      const character = String.fromCharCode(code);
      if (/[\p{Cc}\p{Cs}]/u.test(character)) continue;
      if (columnsOf(character) !== inkWidth(character)) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
    const pair = fc.tuple(fc.integer({ min: 0x20, max: 0xffff }), fc.integer({ min: 0x20, max: 0xffff })).map((codes) => String.fromCharCode(...codes)).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
    fc.assert(fc.property(pair, (text) => { expect(columnsOf(text)).toBe(inkWidth(text)); }), { numRuns: 2000 });
  });
});

describe('cutToColumns', () => {
  it.each([
    ['orders', 6, 'orders'], ['orders', 5, 'orde…'], ['orders', 1, '…'], ['o', 1, 'o'], ['orders', 0, ''], ['orders', -1, ''],
    ['中文', 4, '中文'], ['中文', 3, '中…'], ['中文', 2, '…'], ['中文x', 4, '中…'], ['ab中', 3, 'ab…'], ['ab中', 4, 'ab中'],
    [`a${FAMILY}b`, 4, `a${FAMILY}b`], [`a${FAMILY}b`, 3, 'a…'], [`a${FAMILY}bc`, 4, `a${FAMILY}…`], ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'], ['x'.repeat(100_000), 3, 'xx…'], ['ab\u0301', 2, 'ab\u0301'], ['🏽x', 20, '\\u{1f3fd}x'],
  ])('%j in %i columns is %j', (text, columns, cut) => {
    expect(cutToColumns(text, columns)).toBe(cut);
  });

  it('is never too wide, and marked whenever something is missing', () => {
    fc.assert(fc.property(awkward(), fc.integer({ min: 0, max: 30 }), (text, columns) => {
      const cut = cutToColumns(text, columns);
      expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
      if (/^[\p{M}\u200d]*\p{Emoji_Modifier}/u.test(text)) return;
      if (columnsOf(text) <= columns && columns > 0) expect(cut).toBe(text);
      else if (columns > 0) expect(cut.endsWith('…') && text.startsWith(cut.slice(0, -1))).toBe(true);
      else expect(cut).toBe('');
    }));
  });
});

describe('fitToColumns', () => {
  it('fills on the side that the alignment leaves', () => {
    expect(fitToColumns('中', 4)).toBe('中  ');
    expect(fitToColumns('12', 4, 'right')).toBe('  12');
    expect(fitToColumns('中文', 3)).toBe('中…');
    expect(fitToColumns('中文字', 4, 'right')).toBe(' 中…');
  });

  it('is exactly as wide as asked for', () => {
    fc.assert(fc.property(awkward(), fc.integer({ min: 0, max: 30 }), fc.constantFrom('left' as const, 'right' as const), (text, columns, align) => {
      expect(columnsOf(fitToColumns(text, columns, align))).toBe(columns);
      // Also between other columns.
      expect(columnsOf(`|  ${fitToColumns(text, columns, align)}  |`)).toBe(columns + 6);
    }));
  });
});

describe('takeColumns and skipColumns', () => {
  it('leave out a wide character that the border cuts in two', () => {
    expect([takeColumns('abcdef', 2), takeColumns('中文ab', 3), takeColumns('中文ab', 0)]).toEqual(['ab', '中', '']);
    expect([skipColumns('abcdef', 2), skipColumns('中文ab', 2), skipColumns('中文ab', 1)]).toEqual(['cdef', '文ab', '文ab']);
  });

  it('give the text, taken apart at any border between clusters', () => {
    fc.assert(fc.property(awkward(), fc.integer({ min: 0, max: 30 }), (text, columns) => {
      const taken = takeColumns(text, columns);
      expect(columnsOf(taken)).toBeLessThanOrEqual(columns);
      expect(text.startsWith(taken)).toBe(true);
      expect(text.endsWith(skipColumns(text, columns))).toBe(true);
    }));
  });
});

describe('clustersOf', () => {
  it('keeps what belongs together', () => {
    expect([...clustersOf(`中${FAMILY}e\u0301`)]).toEqual(['中', FAMILY, 'e\u0301']);
    expect([...clustersOf('中a')]).toEqual(['中', 'a']);
  });
});

/** What messages and their keys hold, mixed. */
function awkward(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(...WIDTHS.map(([text]) => text), ' ', 'नमस्ते', '字', '가', 'x', '\u0301', '\u200d', '\ufe0f', '🏽');
  return fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme', maxLength: 3 })), { maxLength: 8 }).map((pieces) => pieces.join(''))
    // Of control characters and escape sequences nothing is promised: text is escaped before.
    .map((text) => text.replaceAll(/\p{Cc}/gu, ''));
}
