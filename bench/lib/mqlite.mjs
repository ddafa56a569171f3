import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

export const launcher = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const SAMPLE_MS = 20;

/** Without whatever names a target. */
export function clusterEnvironment() {
  const { MQLITE_NAMESRV: _namesrv, MQLITE_PROFILE: _profile, MQLITE_STORE: _store, NAMESRV_ADDR: _address, ...env } = process.env;
  return { ...env, NO_COLOR: '1' };
}

export function storeEnvironment(store) {
  return { ...clusterEnvironment(), MQLITE_STORE: store };
}

/** Runs a command to its end and parses what it printed as one JSON document. */
export function mqliteJson(store, words) {
  const result = spawnSync(process.execPath, [launcher, ...words, '--json'], { env: storeEnvironment(store), encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status !== 0) throw new Error(`mqlite ${words.join(' ')} ended with ${result.status}\n${result.stderr}`);
  return JSON.parse(result.stdout);
}

/** Wall time of one Node process, in ms. */
export function wallMs(words, store) {
  const started = performance.now();
  const result = spawnSync(process.execPath, words, { env: storeEnvironment(store), stdio: ['ignore', 'ignore', 'pipe'] });
  const elapsed = performance.now() - started;
  if (result.status !== 0) throw new Error(`node ${words.join(' ')} ended with ${result.status}: ${result.stderr}`);
  return elapsed;
}

export function commandMs(words, store) {
  return wallMs([launcher, ...words], store);
}

/** The kernel's high-water mark of a live process's resident memory, in bytes; 0 once it is gone. */
export function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Runs a command with standard input from `input` (chunks) and standard output into a file.
 * Gives back wall time in seconds and peak resident memory in bytes.
 */
export async function streamed(store, words, { input, outputFile = '/dev/null' } = {}) {
  const output = openSync(outputFile, 'w');
  const started = performance.now();
  const child = spawn(process.execPath, [launcher, ...words], { env: storeEnvironment(store), stdio: [input === undefined ? 'ignore' : 'pipe', output, 'pipe'] });
  closeSync(output);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
  const ended = once(child, 'exit');
  let peak = 0;
  const sampler = setInterval(() => { peak = Math.max(peak, peakOf(child.pid)); }, SAMPLE_MS);
  try {
    for (const chunk of input ?? []) {
      if (child.exitCode !== null) break;
      if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain'), ended]);
    }
    child.stdin?.end();
    const [code] = await ended;
    if (code !== 0) throw new Error(`mqlite ${words.join(' ')} ended with ${code}\n${stderr}`);
  } finally {
    clearInterval(sampler);
  }
  return { seconds: (performance.now() - started) / 1000, peakBytes: peak };
}

/** `count` lines of `size` bytes, newline included, in chunks of about 1 MiB; each line begins with its number. */
export function* numberedLines(count, size) {
  const perChunk = Math.max(1, Math.floor((1 << 20) / size));
  for (let first = 0; first < count; first += perChunk) {
    const lines = Math.min(perChunk, count - first);
    const chunk = Buffer.alloc(lines * size, 'x');
    for (let i = 0; i < lines; i++) {
      chunk.write(String(first + i).padStart(10, '0'), i * size, 'latin1');
      chunk[(i + 1) * size - 1] = 0x0a;
    }
    yield chunk;
  }
}
