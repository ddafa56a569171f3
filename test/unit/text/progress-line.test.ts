import { describe, expect, it } from 'vitest';
import { isUtf8Locale } from '../../../src/text/locale.ts';
import { progressLine } from '../../../src/text/progress-line.ts';

const sending = { stage: 'sending', done: 120_000, total: 200_000, perSecond: 55_123.4, rates: [10, 20, 40, 80] };

describe('progress line', () => {
  it('says what, how much of it, how fast, and how fast of late', () => {
    expect(progressLine(sending, 100, true)).toBe('sending   60 %  120,000 of 200,000  55,123/s  ▂▃▅█');
  });

  it('says only what is known', () => {
    expect(progressLine({ ...sending, total: null, perSecond: null, rates: [] }, 100, true)).toBe('sending  120,000');
    expect(progressLine({ stage: 'waiting', done: 0, total: null, perSecond: null, rates: [] }, 100, true)).toBe('waiting');
    expect(progressLine({ ...sending, done: 0, total: 0 }, 100, false)).toBe('sending  0 of 0  55,123/s');
  });

  it('is never more than all', () => {
    expect(progressLine({ ...sending, done: 201_000 }, 40, true)).toBe('sending  100 %  201,000 of 200,000');
  });

  it('is not 100 % before the end', () => {
    expect(progressLine({ ...sending, done: 199_999 }, 15, true)).toBe('sending   99 %');
  });

  it('leaves out from the right what does not fit', () => {
    for (let width = 0; width < 60; width++) expect(progressLine(sending, width, true).length).toBeLessThanOrEqual(width);
    expect(progressLine(sending, 20, true)).toBe('sending   60 %');
  });

  it('has no bars where the locale has none', () => {
    expect(progressLine(sending, 100, false)).toBe('sending   60 %  120,000 of 200,000  55,123/s');
  });

  it('shows the newest rates', () => {
    const rates = [1, 1, 1, 1, ...Array.from({ length: 24 }, () => 8)];
    expect(progressLine({ ...sending, rates }, 100, true)).toMatch(/ {2}█{24}$/);
  });
});

describe('locale', () => {
  it('is the first that says something of LC_ALL, LC_CTYPE, LANG', () => {
    expect(isUtf8Locale({ LANG: 'en_US.UTF-8' })).toBe(true);
    expect(isUtf8Locale({ LANG: 'C', LC_CTYPE: 'C.utf8' })).toBe(true);
    expect(isUtf8Locale({ LANG: 'en_US.UTF-8', LC_ALL: 'C' })).toBe(false);
    expect(isUtf8Locale({ LANG: 'en_US.UTF-8', LC_ALL: '' })).toBe(true);
    expect(isUtf8Locale({ LANG: 'de_DE.ISO-8859-1' })).toBe(false);
    expect(isUtf8Locale({})).toBe(false);
  });
});
