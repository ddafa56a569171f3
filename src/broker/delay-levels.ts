/** `messageDelayLevel` of a broker that is not configured otherwise. [MessageStoreConfig] */
export const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Delays of `messageDelayLevel` in ms; index 0 is unused, levels start at 1. [DefaultMessageStore#parseDelayLevel] */
export const parseDelayLevels = (text: string): number[] => [
  0,
  ...text.split(' ').filter((item) => item !== '').map((item) => Number(item.slice(0, -1)) * (UNIT_MS[item.at(-1)!] ?? Number.NaN)),
];

/** When a scheduled record is due. Above the last level: the last. [DefaultMessageStore#computeDeliverTimestamp] */
export const deliverTimestamp = (delayLevels: readonly number[], level: number, storeTimestamp: number): number =>
  storeTimestamp + (delayLevels[Math.min(level, delayLevels.length - 1)] ?? 1000);
