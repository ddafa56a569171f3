import { execFileSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** A seed of its own for every commit: over time the suite sees many, and a failure can be repeated. */
export const seedOfCommit = (): number => {
  const run = process.env['MQLITE_RUN_ID'] ?? execFileSync('git', ['-C', ROOT, 'rev-parse', 'HEAD'], { encoding: 'utf8' });
  const digits = /^[0-9a-f]{7}/.exec(run)?.[0];
  return digits === undefined ? 1 : Number.parseInt(digits, 16);
};

const CI_SEEDS = 10;

/** Seeds of a test that kills: 10, or as many as `MQLITE_KILL_SEEDS` says (a soak takes 100). */
export const killSeeds = (): number[] => {
  const first = seedOfCommit();
  return Array.from({ length: Number(process.env['MQLITE_KILL_SEEDS'] ?? CI_SEEDS) }, (_, index) => first + index);
};
