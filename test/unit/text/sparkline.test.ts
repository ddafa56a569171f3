import { describe, expect, it } from 'vitest';
import { sparkline } from '../../../src/text/sparkline.ts';

describe('sparkline', () => {
  it('goes from 0 to the largest value', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([700, 700], 2)).toBe('██');
  });

  it('shows zeros as the lowest bar, also when there is nothing else', () => {
    expect(sparkline([0, 0, 0], 3)).toBe('▁▁▁');
    expect(sparkline([0, 1000, 0], 3)).toBe('▁█▁');
  });

  it('tells a little from nothing', () => {
    expect(sparkline([0, 1, 1_000_000], 3)).toBe('▁▂█');
  });

  it('is blank where nothing is known', () => {
    expect(sparkline([1, null, 1], 3)).toBe('█ █');
    expect(sparkline([Number.NaN, Infinity, 2], 3)).toBe('  █');
    expect(sparkline([null, null], 2)).toBe('  ');
  });

  it('has the width asked for, the newest value at the right', () => {
    expect(sparkline([4, 4], 5)).toBe('   ██');
    expect(sparkline([9, 9, 0, 1], 2)).toBe('▁█');
    expect(sparkline([], 3)).toBe('   ');
    expect(sparkline([1, 2], 0)).toBe('');
    expect(sparkline([1, 2], -4)).toBe('');
  });

  it('takes what fell below 0 for 0', () => {
    expect(sparkline([-5, 5], 2)).toBe('▁█');
  });
});
