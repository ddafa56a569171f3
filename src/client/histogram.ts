/** Counts by value with a relative error below 1/64: 64 buckets to each doubling. For latencies in microseconds. */
export class Histogram {
  readonly #counts = new Float64Array(64 * 48);
  #total = 0;
  #max = 0;

  get total(): number {
    return this.#total;
  }

  get max(): number {
    return this.#max;
  }

  /** `value` ≥ 0; `times`: how often it was seen. */
  record(value: number, times = 1): void {
    const index = bucketOf(value);
    this.#counts[index] = this.#counts[index]! + times;
    this.#total += times;
    if (value > this.#max) this.#max = value;
  }

  /** The largest value of every bucket that is not empty, ascending, and how often values of it were recorded. */
  buckets(): { readonly upTo: number; readonly count: number }[] {
    const filled: { readonly upTo: number; readonly count: number }[] = [];
    this.#counts.forEach((count, index) => {
      if (count > 0) filled.push({ upTo: Math.min(upperBoundOf(index), Math.ceil(this.#max)), count });
    });
    return filled;
  }

  /** Smallest recorded value (to the bucket) that `fraction` of all do not exceed; 0 when nothing was recorded. */
  quantile(fraction: number): number {
    if (this.#total === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * this.#total));
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return Math.min(upperBoundOf(index), this.#max);
    }
    return this.#max;
  }
}

/** Values below 64 have a bucket each; above, the leading seven bits choose. */
function bucketOf(value: number): number {
  const whole = Math.max(0, Math.floor(value));
  if (whole < 64) return whole;
  const exponent = Math.min(46, Math.floor(Math.log2(whole)) - 6);
  return Math.min(64 * 48 - 1, 64 * (exponent + 1) + (Math.floor(whole / 2 ** exponent) - 64));
}

function upperBoundOf(index: number): number {
  if (index < 64) return index;
  const exponent = Math.floor(index / 64) - 1;
  return (64 + (index % 64) + 1) * 2 ** exponent - 1;
}
