import { formatLevelDelay, isLevelDelay } from '../state/level-identity.ts';
import type { StoreView } from './store-view.ts';

/** Different delays of one level that are named in a note. */
const MAX_NAMED = 3;

interface Level {
  expectedMs: number;
  /** Delay, in ms, to how many messages have it. */
  readonly others: Map<number, number>;
  count: number;
  /** Queue offsets of the newest message that waits otherwise, and of the newest that waits as expected. */
  newestOther: number;
  newestAsExpected: number;
}

/**
 * Messages that wait at a delay level longer or shorter than `messageDelayLevel` says. Not their entries are wrong: a broker with
 * another `messageDelayLevel` listed them, and their entries alone say when they are due. Notes, one a level.
 */
export class LevelChecks {
  readonly #levels = new Map<number, Level>();

  asExpected(level: number, queueOffset: number): void {
    const known = this.#levels.get(level);
    if (known === undefined) this.#levels.set(level, { expectedMs: 0, others: new Map(), count: 0, newestOther: -1, newestAsExpected: queueOffset });
    else known.newestAsExpected = Math.max(known.newestAsExpected, queueOffset);
  }

  /**
   * The entry of a message of `level`, stored at `storedAtMs`, has another time than the expected one.
   * @returns whether another messageDelayLevel explains it; otherwise the entry is damaged
   */
  explains(level: number, queueOffset: number, storedAtMs: number, times: { readonly expectedMs: number; readonly foundMs: number }): boolean {
    const delayMs = times.foundMs - storedAtMs;
    if (!isLevelDelay(delayMs)) return false;
    if (!this.#levels.has(level)) this.asExpected(level, -1);
    const known = this.#levels.get(level)!;
    known.expectedMs = times.expectedMs - storedAtMs;
    known.others.set(delayMs, (known.others.get(delayMs) ?? 0) + 1);
    known.count++;
    known.newestOther = Math.max(known.newestOther, queueOffset);
    return true;
  }

  notes({ inferred, paths }: StoreView): string[] {
    const source = inferred.sources.messageDelayLevel;
    const notes = source === 'unknown' ? [`messageDelayLevel is not known: ${inferred.reasons.messageDelayLevel}; nothing can be written here until what broker.conf has is in ${paths.identity}`] : [];
    for (const [level, known] of [...this.#levels].sort(([a], [b]) => a - b)) {
      if (known.count === 0) continue;
      const isChanged = known.newestAsExpected > known.newestOther;
      const what = isChanged
        ? 'the broker\'s messageDelayLevel was changed since'
        : source === 'given'
          ? `the broker's messageDelayLevel is not what ${paths.identity} says; write what broker.conf has into that file`
          : `the broker has a messageDelayLevel of its own; write it into ${paths.identity}`;
      const messages = known.count === 1 ? `1 message of delay level ${level} waits` : `${known.count} messages of delay level ${level} wait`;
      notes.push(`${messages} ${delaysText(known)} instead of ${formatLevelDelay(known.expectedMs)}, due when the queue entry says: ${what}`);
    }
    return notes;
  }
}

const delaysText = ({ others }: Level): string =>
  [...others.keys()].slice(0, MAX_NAMED).map(formatLevelDelay).join(' or ') + (others.size > MAX_NAMED ? ' or otherwise' : '');
