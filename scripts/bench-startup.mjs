/**
 * How long a command takes from start to end, against `node -e 0`, in turn, on this machine now.
 * `node scripts/bench-startup.mjs [runs]`; prints the median and the least of each, and the median of the pairwise ratios.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { median } from '../bench/lib/statistics.mjs';

const run = join(dirname(import.meta.dirname), 'bin/run.js');
const runs = Number(process.argv[2] ?? 31);
const directory = mkdtempSync(join(tmpdir(), 'mqlite-startup-'));
const store = join(directory, 'store');
const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') };

const CASES = [
  { name: '--version', words: ['--version'], limit: 1.3 },
  { name: 'topics list', words: ['topics', 'list', '--store', store], limit: 1.9 },
  { name: 'produce t hello', words: ['produce', 't', 'hello', '--store', store], limit: 2.4 },
];

function wallMs(words) {
  const started = performance.now();
  const result = spawnSync(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const elapsed = performance.now() - started;
  if (result.status !== 0) throw new Error(`node ${words.join(' ')} ended with ${result.status}: ${result.stderr}`);
  return elapsed;
}

try {
  wallMs([run, 'produce', 't', 'hello', '--store', store]);
  const rows = [];
  for (const { name, words, limit } of CASES) {
    const bare = [];
    const ours = [];
    for (let round = -2; round < runs; round++) {
      const a = wallMs(['-e', '0']);
      const b = wallMs([run, ...words]);
      // The first rounds fill the code cache and the page cache.
      if (round < 0) continue;
      bare.push(a);
      ours.push(b);
    }
    const ratio = median(ours.map((value, index) => value / bare[index]));
    rows.push({ command: name, medianMs: round1(median(ours)), leastMs: round1(Math.min(...ours)), bareMedianMs: round1(median(bare)), ratio: Math.round(ratio * 100) / 100, limit });
  }
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  if (rows.some(({ ratio, limit }) => ratio > limit)) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function round1(value) {
  return Math.round(value * 10) / 10;
}
