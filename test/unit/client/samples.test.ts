import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../../src/broker/errors.ts';
import { inParallel, inTurn, unlessGone } from '../../../src/client/asking.ts';
import { KEPT_SAMPLES, perSecond, ratesOf, withSample } from '../../../src/client/samples.ts';
import type { Sample } from '../../../src/client/samples.ts';

const series = (...values: readonly (number | null)[]): readonly Sample[] => values.reduce<readonly Sample[]>((samples, value, index) => withSample(samples, { atMs: index * 1000, value }), []);

describe('samples', () => {
  it('a rate is what was added since the sample before, or over a window as far as it is kept', () => {
    expect(perSecond(series(5))).toBeNull();
    expect(perSecond(series(5, 7, 17))).toBe(10);
    expect(perSecond(series(0, 7, 17), 2000)).toBe(8.5);
    expect(perSecond(series(0, 7, 17), 60_000)).toBe(8.5);
    expect(perSecond([{ atMs: 0, value: 1 }, { atMs: 500, value: 2 }])).toBe(2);
  });

  it('what is not known is no 0, and two samples of one moment are no rate', () => {
    expect(perSecond(series(null, 4))).toBeNull();
    expect(perSecond(series(4, null))).toBeNull();
    expect(perSecond(series(4, null, 8))).toBe(2);
    expect(perSecond([{ atMs: 5, value: 1 }, { atMs: 5, value: 9 }])).toBeNull();
    expect(ratesOf(series(null, 4, 6, 6))).toEqual([null, 2, 0]);
  });

  it('one that goes back counts anew, and only so many are kept', () => {
    expect(series(100, 200, 3)).toEqual([{ atMs: 2000, value: 3 }]);
    const many = series(...Array.from({ length: 100 }, (_, index) => index));
    expect(many).toHaveLength(KEPT_SAMPLES);
    expect(ratesOf(many)).toEqual(Array.from({ length: 40 }, () => 1));
  });
});

describe('asking', () => {
  it('what is gone is null, and every other error is one', async () => {
    expect(await unlessGone(async () => 7)).toBe(7);
    for (const code of ['TOPIC_NOT_FOUND', 'GROUP_NOT_FOUND', 'NOT_FOUND'] as const) expect(await unlessGone(async () => { throw new MqliteError(code, 'gone'); })).toBeNull();
    await expect(unlessGone(async () => { throw new MqliteError('UNREACHABLE', 'down'); })).rejects.toThrow('down');
  });

  it('asks a few at a time, answers in order, and begins nothing after the signal', async () => {
    let [underWay, most] = [0, 0];
    const stop = new AbortController();
    const ask = async (item: number): Promise<number> => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      if (item === 20) stop.abort();
      return item * 2;
    };
    const items = Array.from({ length: 100 }, (_, index) => index);
    expect(await inParallel(items.slice(0, 15), stop.signal, ask)).toEqual(items.slice(0, 15).map((item) => item * 2));
    expect(most).toBe(8);
    const some = await inParallel(items, stop.signal, ask);
    expect(some.length).toBeLessThan(40);
    expect(some.slice(0, 20)).toEqual(items.slice(0, 20).map((item) => item * 2));
  });

  it('the turn is of what was never looked at, then of what was longest ago', () => {
    const seen = new Map([['a', 30], ['b', 10], ['d', 20]]);
    expect(inTurn(['a', 'b', 'c', 'd', 'e'], (name) => seen.get(name), 4)).toEqual(['c', 'e', 'b', 'd']);
  });
});
