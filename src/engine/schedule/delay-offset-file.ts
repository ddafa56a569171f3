import { ConfigFile } from '../state/config-file.ts';
import { bumpDataVersion, objectAt } from '../state/broker-json.ts';
import { readDelayOffsets } from '../state/delay-offsets.ts';
import type { StoreContext } from '../store-context.ts';
import type { DeliveryProgress, QueueProgress } from './delivery-progress.ts';

/** The range of a level's queue, as offsets. */
export interface QueueRange {
  readonly minOffset: number;
  readonly maxOffset: number;
}

/** How far each level is: from delivery.json while that counts, else from delayOffset.json, where the nearer end of the queue is as far as it goes. */
export class DelayOffsetFile {
  readonly #file: ConfigFile;
  readonly #clock: StoreContext['clock'];

  constructor({ fs, paths, clock }: StoreContext) {
    this.#file = new ConfigFile(fs, paths.delayOffsets, { tempDirectory: paths.temp, quarantineDirectory: paths.quarantine });
    this.#clock = clock;
  }

  /** What was there and could not be read, a line each. */
  reasons(): readonly string[] {
    return this.#file.read().reasons;
  }

  /** Whether delayOffset.json knows a level. */
  has(level: number): boolean {
    return readDelayOffsets(this.#file.value).has(level);
  }

  progressOf(level: number, known: DeliveryProgress, range: QueueRange): QueueProgress {
    const ours = known.levels.get(level) ?? (known.isKnown ? { next: 0, unsureBelow: 0 } : undefined);
    const theirs = readDelayOffsets(this.#file.value).get(level);
    // A broker that died wrote this up to 10 s before, and may have delivered since.
    const found = ours ?? { next: theirs ?? 0, unsureBelow: range.maxOffset };
    return { next: Math.min(Math.max(found.next, range.minOffset), range.maxOffset), unsureBelow: Math.min(found.unsureBelow, range.maxOffset) };
  }

  /** Makes the file say what is given. Lock held. */
  write(levels: ReadonlyMap<number, QueueProgress>): void {
    this.#file.update((root) => {
      const before = readDelayOffsets(root);
      const moved = [...levels].filter(([level, { next }]) => before.get(level) !== next);
      if (moved.length === 0) return;
      for (const [level, { next }] of moved) objectAt(root, 'offsetTable')[level] = next;
      bumpDataVersion(root, this.#clock.nowMs());
    }, { sync: false });
  }
}
