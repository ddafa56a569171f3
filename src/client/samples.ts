/** A counter that only grows, at one moment of `Clock.elapsedMs`; null: not known. */
export interface Sample {
  readonly atMs: number;
  readonly value: number | null;
}

/** So many differences are drawn. */
export const KEPT_SAMPLES = 41;
const SECOND_MS = 1000;

/** With one more. A counter that has gone back counts anew: its topic was deleted and made again, its offsets were reset. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  const isBack = last !== undefined && last.value !== null && sample.value !== null && sample.value < last.value;
  return isBack ? [sample] : [...samples.slice(1 - KEPT_SAMPLES), sample];
}

/** What was added in a second, over at least so many ms as far as they are kept, or between the last two. null: there is nothing to compare. */
export function perSecond(samples: readonly Sample[], windowMs = 0): number | null {
  const last = samples.at(-1);
  if (last === undefined || last.value === null) return null;
  const known = samples.slice(0, -1).filter(({ value, atMs }) => value !== null && atMs < last.atMs);
  const from = known.filter(({ atMs }) => atMs <= last.atMs - windowMs).at(-1) ?? known[0];
  return from === undefined ? null : ((last.value - from.value!) * SECOND_MS) / (last.atMs - from.atMs);
}

/** The rate of each step, oldest first. */
export function ratesOf(samples: readonly Sample[]): (number | null)[] {
  return samples.slice(1).map((_, index) => perSecond(samples.slice(index, index + 2)));
}
