import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { seedOfCommit } from '../support/seed.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const ROUNDS = 10;

it(`members killed while queues move and offsets are committed, ${ROUNDS} rounds: in order, no gap, nothing lost, no offset beyond what was consumed`, { timeout: 300_000 }, () => {
  const seed = seedOfCommit();
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts', 'soak-groups.mjs'), '--rounds', String(ROUNDS), '--seed', String(seed)], { encoding: 'utf8' });
  expect({ status, stderr }, `seed ${seed}\n${stdout}`).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/all held\. .* [1-9]\d* kills/);
});
