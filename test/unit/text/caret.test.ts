import { describe, expect, it } from 'vitest';
import { caretLines } from '../../../src/text/caret.ts';

describe('the caret stands under the character', () => {
  it.each([
    ['a = 5 + 1', 6, '  a = 5 + 1\n        ^\n'],
    ['a', 0, '  a\n  ^\n'],
    ['a =', 3, '  a =\n     ^\n'],
    ["名 = '值' ?", 8, "  名 = '值' ?\n            ^\n"],
    ["a = 'ö' ?", 8, "  a = 'ö' ?\n          ^\n"],
    ["a = 'o\u0308' ?", 9, "  a = 'o\u0308' ?\n          ^\n"],
    ['a\n\u001b[31m = ?', 10, '  a\\n\\e[31m = ?\n              ^\n'],
  ])('%j at %d', (text, position, lines) => expect(caretLines({ text, position }, '  ')).toBe(lines));

  it('of a long text only what lies around the place is shown', () => {
    const text = `${'x'.repeat(500)}?${'y'.repeat(500)}`;
    expect(caretLines({ text, position: 500 }, '')).toBe(`…${'x'.repeat(60)}?${'y'.repeat(39)}…\n${' '.repeat(61)}^\n`);
  });
});
