import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..', '..');
const ROUNDS = 6;

/** A seed of its own for every commit: over time the suite sees many, and a failure can be repeated. */
const seedOfCommit = (): number => {
  const run = process.env['MQLITE_RUN_ID'] ?? execFileSync('git', ['-C', ROOT, 'rev-parse', 'HEAD'], { encoding: 'utf8' });
  const digits = /^[0-9a-f]{7}/.exec(run)?.[0];
  return digits === undefined ? 1 : Number.parseInt(digits, 16);
};

it(`two producers killed in ${ROUNDS} rounds: every acknowledged line is there, once, in order, and the store is sound`, () => {
  const seed = seedOfCommit();
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts', 'soak.mjs'), '--rounds', String(ROUNDS), '--seed', String(seed), '--no-broker'], { encoding: 'utf8' });
  expect({ status, stderr }, `seed ${seed}\n${stdout}`).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/all held\. .* 12 kills, [1-9]\d* acknowledged/);
});
