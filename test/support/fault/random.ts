/** A small seeded generator (mulberry32): the same seed gives the same faults, on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 inclusive to 1 exclusive. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** `count` different numbers from `from` to `to` inclusive, ascending; all of them when there are not more. */
  sample(from: number, to: number, count: number): number[] {
    const all = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
    for (let index = 0; index < Math.min(count, all.length); index++) {
      const other = index + this.below(all.length - index);
      [all[index], all[other]] = [all[other]!, all[index]!];
    }
    return all.slice(0, count).sort((a, b) => a - b);
  }
}
