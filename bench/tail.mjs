#!/usr/bin/env node
/**
 * The full-screen view, in a real pseudo-terminal: how long until its first screen, and how it does while another process appends.
 *
 *   node scripts/build.mjs && node bench/tail.mjs [--size-gib 2] [--rounds 5] [--seconds 60] [--rate 20000] [--directory DIR]
 *
 * Prints a line of JSON for each row of the table "The live view" in docs/performance.md. Exits 1 when a row misses.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launcher, mqliteJson, storeEnvironment } from './lib/mqlite.mjs';
import { median } from './lib/statistics.mjs';
import { Terminal } from './lib/terminal.mjs';

const { values: options } = parseArgs({
  options: {
    'size-gib': { type: 'string', default: '2' }, rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '20000' }, directory: { type: 'string', default: tmpdir() },
  },
});
const [sizeGib, rounds, seconds, rate] = [Number(options['size-gib']), Number(options.rounds), Number(options.seconds), Number(options.rate)];
const RECORD_BYTES = 1280;
const SIZE = { columns: 160, rows: 50 };
const CLOCK_TICKS = 100;
const MIB = 2 ** 20;

const directory = mkdtempSync(join(options.directory, 'mqlite-tail-'));
const store = join(directory, 'store');
const env = storeEnvironment(store);
let missed = 0;

function report(what, value, unit, most, more = {}) {
  const met = value <= most;
  if (!met) missed++;
  process.stdout.write(`${JSON.stringify({ what, mqlite: Math.round(value * 10) / 10, unit, must: `<= ${most}`, met, ...more })}\n`);
}

const view = (words) => new Terminal(process.execPath, [launcher, 'tail', ...words], { ...SIZE, env });
const hasRows = (lines) => lines.some((line) => line.startsWith('FOLLOWING')) && lines.slice(3, 40).every((line) => line.trim() !== '');

/** Processor time of a process so far, in seconds, and its resident memory, in bytes. */
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
  return { seconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS, bytes: Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024 };
}

async function firstScreens(how) {
  for (const [name, words] of [['messages', []], ['commit log', ['--commitlog']]]) {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const terminal = view(words);
      times.push(await terminal.until(hasRows, 'the first screen'));
      await terminal.end();
    }
    report(`first screen, ${name}, ${sizeGib} GiB, ${how}`, median(times), 'ms', 600, { all: times.map(Math.round) });
  }
}

/** Another process that appends so many messages a second until it is killed. */
function startProducer() {
  const child = spawn(process.execPath, [launcher, 'produce', 'bench', '--rate', `${rate}/s`, '--quiet'], { env, stdio: ['pipe', 'ignore', 'inherit'] });
  const chunk = Array.from({ length: 1000 }, (_, index) => `${'x'.repeat(200)}-${index}\n`).join('');
  // Ends with the process that reads it.
  pipeline(endless(chunk), child.stdin).catch(() => undefined);
  return child;
}

async function underLoad() {
  const producer = startProducer();
  const terminal = view([]);
  await terminal.until((lines) => lines.some((line) => /^FOLLOWING.*\d\/s/.test(line)), 'a rate');
  await sleep(3000);
  const begin = { at: performance.now(), ...usage(terminal.pid) };
  const behind = [];
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    behind.push(behindMs(terminal.lines));
  }
  const end = { at: performance.now(), ...usage(terminal.pid) };
  report(`processor while ${rate} msg/s are appended`, (100 * (end.seconds - begin.seconds)) / ((end.at - begin.at) / 1000), '%', 60);
  report('behind the tail, at most', Math.max(...behind), 'ms', 1000, { median: Math.round(median(behind)) });
  report(`memory after ${seconds} s`, end.bytes / MIB, 'MiB', 220, { before: Math.round(begin.bytes / MIB) });

  terminal.press('p');
  await terminal.until((lines) => lines.some((line) => line.startsWith('PAUSED')), 'the pause');
  const latencies = [];
  for (let press = 0; press < 100; press++) {
    const before = selected(terminal.lines);
    terminal.press(press % 20 < 10 ? 'k' : 'j');
    latencies.push(await terminal.until((lines) => selected(lines) !== before, 'the selection'));
    await sleep(20);
  }
  const sorted = latencies.sort((left, right) => left - right);
  report('key press to change, median', median(sorted), 'ms', 50);
  report('key press to change, p99', sorted[98], 'ms', 120);
  await terminal.end();
  producer.kill('SIGKILL');
  await once(producer, 'exit');
}

function* endless(chunk) {
  for (;;) yield chunk;
}

const selected = (lines) => lines.findIndex((line) => line.startsWith('>'));

/** How old the newest row is, by the time at which it was stored (UTC). */
function behindMs(lines) {
  const stored = lines.map((line) => /^..(?:\d{4}-\d\d-\d\d )?(\d\d):(\d\d):(\d\d)\.(\d{3})/.exec(line)).findLast((match) => match !== null);
  if (stored === undefined) return Infinity;
  const [hours, minutes, wholeSeconds, ms] = stored.slice(1).map(Number);
  const day = 86_400_000;
  return (((Date.now() % day) - (((hours * 60 + minutes) * 60 + wholeSeconds) * 1000 + ms)) + day) % day;
}

try {
  mqliteJson(store, ['bench', 'produce', 'bench', '--count', String(Math.ceil((sizeGib * 2 ** 30) / RECORD_BYTES)), '--size', '1024']);
  await firstScreens('closed');
  await underLoad();
  // The producer was killed: that is how the store is now.
  await firstScreens('killed');
  process.exitCode = missed > 0 ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
