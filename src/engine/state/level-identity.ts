import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { DEFAULT_IDENTITY } from './store-identity.ts';

/** What the messages of a store say about its delay levels. */
export interface LevelDelays {
  /** Level (from 1) to how long its newest readable message waits, in ms. */
  readonly delaysMs: ReadonlyMap<number, number>;
  /** The highest level that has, or had, messages; 0 without any. */
  readonly highest: number;
}

export const NO_LEVEL_DELAYS: LevelDelays = { delaysMs: new Map(), highest: 0 };

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const;
const MAX_DELAY_MS = 3650 * 86_400_000;

/** A level is a whole number of seconds and no broker is told to wait for ten years. No flipped bit of a time changes it by whole seconds. */
export const isLevelDelay = (ms: number): boolean => ms >= 0 && ms <= MAX_DELAY_MS && ms % 1000 === 0;

/** A level as `messageDelayLevel` has it, in the largest unit that fits: 120000 is `2m`. */
export const formatLevelDelay = (ms: number): string => {
  const [unit, unitMs] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? UNITS[3];
  return `${ms / unitMs}${unit}`;
};

export interface LevelsFinding {
  /** `messageDelayLevel`, good for reading what is there. */
  readonly value: string;
  /** Why nothing may be scheduled by it; null when the store does not speak against RocketMQ's default. */
  readonly reason: string | null;
}

/**
 * `messageDelayLevel` of a broker's store. Nothing but its messages holds it. As long as they agree with RocketMQ's default it
 * is taken for the default. Once one does not, the broker has levels of its own, and what does not show (levels without messages,
 * and how many there are) is not known: a message put at a level that the broker does not have would never be delivered by it.
 */
export const inferLevels = ({ delaysMs, highest }: LevelDelays): LevelsFinding => {
  const expected = parseDelayLevels(DEFAULT_IDENTITY.messageDelayLevel);
  const others = [...delaysMs].filter(([level, ms]) => expected[level] !== ms && level < expected.length).sort(([a], [b]) => a - b);
  if (others.length === 0 && highest < expected.length) return { value: DEFAULT_IDENTITY.messageDelayLevel, reason: null };
  const levels: number[] = [];
  for (let level = 1; level <= highest; level++) levels.push(delaysMs.get(level) ?? between(delaysMs, level, highest, levels.at(-1) ?? 0, expected[level]));
  const silent = levels.map((_, index) => index + 1).filter((level) => !delaysMs.has(level));
  const said = others.length === 0
    ? `there is level ${highest}, RocketMQ's default has ${expected.length - 1}`
    : `messages of ${others.slice(0, 3).map(([level, ms]) => `level ${level} wait ${formatLevelDelay(ms)} instead of ${formatLevelDelay(expected[level]!)}`).join(', ')}${others.length > 3 ? ', …' : ''}`;
  const unsaid = silent.length === 0 ? `levels behind ${highest} do not show` : `levels ${silent.slice(0, 20).join(', ')}${silent.length > 20 ? ', …' : ''} and those behind ${highest} do not show`;
  return { value: levels.map(formatLevelDelay).join(' '), reason: `${said}; ${unsaid}` };
};

/** A level that says nothing: the default where that fits between its neighbours, else what the level before it has. */
const between = (delaysMs: ReadonlyMap<number, number>, level: number, highest: number, lower: number, byDefault: number | undefined): number => {
  let upper = Infinity;
  for (let next = level + 1; next <= highest && upper === Infinity; next++) upper = delaysMs.get(next) ?? Infinity;
  return byDefault !== undefined && byDefault >= lower && byDefault <= upper ? byDefault : lower;
};
