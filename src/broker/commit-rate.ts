/** So many messages were committed from one moment to another. */
export interface CommitWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** How far back a rate looks, in ms: two commits at their default interval. */
const WINDOW_MS = 10_000;
/** A member that has committed nothing for so long consumes nothing: it commits what it consumes every 5 s by default. */
const SILENT_MS = 15_000;
/** Less than that says nothing. */
const SHORTEST_MS = 500;

/** Messages a member commits, over the last ten seconds. */
export class CommitRate {
  readonly #samples: { readonly atMs: number; readonly total: number }[];

  constructor(nowMs: number) {
    this.#samples = [{ atMs: nowMs, total: 0 }];
  }

  add(count: number, nowMs: number): CommitWindow {
    const samples = this.#samples;
    samples.push({ atMs: nowMs, total: samples.at(-1)!.total + count });
    while (samples.length > 2 && samples[1]!.atMs <= nowMs - WINDOW_MS) samples.shift();
    const [first, last] = [samples[0]!, samples.at(-1)!];
    return { fromMs: first.atMs, toMs: last.atMs, count: last.total - first.total };
  }
}

/** null: the window is too short to say. */
export function commitsPerSecond({ fromMs, toMs, count }: CommitWindow, nowMs: number): number | null {
  if (nowMs - toMs > SILENT_MS) return 0;
  return toMs - fromMs < SHORTEST_MS ? null : (count * 1000) / (toMs - fromMs);
}
