import { seedOfCommit } from './seed.ts';

const CI_SEEDS = 10;

/** Seeds of a test that kills: 10, or as many as `MQLITE_KILL_SEEDS` says (a soak takes 100). */
export const killSeeds = (): number[] => {
  const first = seedOfCommit();
  return Array.from({ length: Number(process.env['MQLITE_KILL_SEEDS'] ?? CI_SEEDS) }, (_, index) => first + index);
};
