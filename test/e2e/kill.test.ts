import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { seedOfCommit } from '../support/seed.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const ROUNDS = 6;

it(`two producers killed in ${ROUNDS} rounds: every acknowledged line is there, once, in order, and the store is sound`, () => {
  const seed = seedOfCommit();
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts', 'soak.mjs'), '--rounds', String(ROUNDS), '--seed', String(seed), '--no-broker'], { encoding: 'utf8' });
  expect({ status, stderr }, `seed ${seed}\n${stdout}`).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/all held\. .* 12 kills, [1-9]\d* acknowledged/);
});
