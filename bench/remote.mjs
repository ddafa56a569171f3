#!/usr/bin/env node
/**
 * mqlite against the official Java client and RocketMQ's own mqadmin, in turn, on one cluster that this script boots (a name server and a broker
 * with default settings).
 *
 *   node scripts/build.mjs && node bench/remote.mjs [--rounds 5] [--quick] [--only list,sync,in-flight,consume,memory] [--directory DIR]
 *
 * Prints a row for each line of the table "Clusters" in docs/performance.md. Exits 1 when a row misses. Both sides are warm: each round is a process
 * that does the work once before it is measured; `list` is one process from its start to its end.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { clientBench, javaWords, startCluster } from './lib/cluster.mjs';
import { prepareJvm } from './lib/jvm.mjs';
import { clusterEnvironment, launcher, peakOf } from './lib/mqlite.mjs';
import { median } from './lib/statistics.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, quick: { type: 'boolean', default: false }, only: { type: 'string' }, directory: { type: 'string', default: tmpdir() } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds needs a number from 1, not ${options.rounds}`);
const count = (full) => Math.max(1, Math.round(full * (options.quick ? 0.2 : 1)));
const LIST_RATIO = 15;
const MEMORY_BYTES = 150 * 2 ** 20;
/** What scripts of RocketMQ give mqadmin. [distribution/bin/tools.sh] */
const MQADMIN_MEMORY = ['-Xms1g', '-Xmx1g', '-Xmn256m', '-XX:MetaspaceSize=128m', '-XX:MaxMetaspaceSize=128m'];

if (prepareJvm() === null) process.exit(3);
const directory = mkdtempSync(join(options.directory, 'mqlite-remote-'));
const cluster = await startCluster(directory);

function mqlite(words) {
  const result = spawnSync(process.execPath, [launcher, ...words, '--namesrv', cluster.namesrv, '--json'], { env: clusterEnvironment(), encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status !== 0) throw new Error(`mqlite ${words.join(' ')} ended with ${result.status}\n${result.stderr}`);
  return JSON.parse(result.stdout);
}

function wallMs(command, words, env) {
  const started = performance.now();
  const { status, stderr } = spawnSync(command, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return performance.now() - started;
}

function compare(what, ours, theirs, must, unit, ratio = median(ours) / median(theirs)) {
  return { what, mqlite: Math.round(median(ours)), java: Math.round(median(theirs)), unit, ratio: Number(ratio.toFixed(2)), must: `>= ${must} x`, met: ratio >= must };
}

function inTurn(ours, theirs) {
  const result = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    result.theirs.push(theirs(round));
    result.ours.push(ours(round));
  }
  return result;
}

const ROWS = {
  list() {
    const words = javaWords(cluster.home, MQADMIN_MEMORY, 'org.apache.rocketmq.tools.command.MQAdminStartup', ['topicList', '-n', cluster.namesrv]);
    const list = [launcher, 'topics', 'list', '--namesrv', cluster.namesrv];
    wallMs(process.execPath, list, clusterEnvironment());
    const { ours, theirs } = inTurn(() => wallMs(process.execPath, list, clusterEnvironment()), () => wallMs('java', words, process.env));
    return [compare('topics list against mqadmin topicList, one process', ours, theirs, LIST_RATIO, 'ms', median(theirs) / median(ours))];
  },
  sync: () => [sends('sequential sends, 1 KiB', 1, count(5000), 1)],
  'in-flight': () => [sends('sends, 64 in flight', 64, count(50_000), 1.5)],
  consume() {
    const messages = count(100_000);
    // For mqlite's warm-up, too: it is part of the same run.
    mqlite(['bench', 'produce', 'Waiting', '--count', String(2 * messages), '--size', '1024', '--queues', '4']);
    const { ours, theirs } = inTurn(
      (round) => mqlite(['bench', 'consume', 'Waiting', '--group', `ours-${round}`, '--count', String(messages), '--warmup', String(messages)]).messagesPerSecond,
      (round) => clientBench(cluster, ['--mode', 'consume', '--topic', 'Waiting', '--group', `theirs-${round}`, '--count', messages, '--warmup', messages]).messagesPerSecond,
    );
    return [compare('push consume, 1 KiB, waiting', ours, theirs, 1, 'msg/s')];
  },
  async memory() {
    const messages = count(1_000_000);
    mqlite(['bench', 'produce', 'Endless', '--count', String(messages), '--size', '1024', '--queues', '4']);
    const child = spawn(process.execPath, [launcher, 'consume', 'Endless', '--group', 'endless', '--count', String(messages), '--namesrv', cluster.namesrv], { env: clusterEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
    let sizeBytes = 0;
    let halfBytes = 0;
    child.stdout.on('data', (chunk) => {
      sizeBytes += chunk.length;
      if (halfBytes === 0 && sizeBytes > messages * 512) halfBytes = peakOf(child.pid);
    });
    let peakBytes = 0;
    const sampler = setInterval(() => { peakBytes = Math.max(peakBytes, peakOf(child.pid)); }, 20);
    const code = await new Promise((resolve) => child.on('close', resolve));
    clearInterval(sampler);
    if (code !== 0) throw new Error(`consume ended with ${code}`);
    return [{ what: `peak memory, ${messages} of 1 KiB consumed by a group (half of them: ${Math.round(halfBytes / 2 ** 20)} MiB)`, mqlite: Math.round(peakBytes / 2 ** 20), unit: 'MiB', must: '<= 150', met: peakBytes <= MEMORY_BYTES }];
  },
};

function sends(what, inFlight, messages, must) {
  const topic = `Sends${inFlight}`;
  const { ours, theirs } = inTurn(
    () => mqlite(['bench', 'produce', topic, '--count', String(messages), '--warmup', String(messages), '--size', '1024', '--queues', '4', '--keys', '1', '--in-flight', String(inFlight)]).messagesPerSecond,
    () => clientBench(cluster, ['--mode', 'send', '--topic', topic, '--count', messages, '--warmup', messages, '--threads', inFlight]).messagesPerSecond,
  );
  return compare(what, ours, theirs, must, 'msg/s');
}

try {
  const wanted = options.only?.split(',') ?? Object.keys(ROWS);
  let missed = 0;
  for (const name of wanted) {
    for (const row of await ROWS[name]()) {
      process.stdout.write(`${JSON.stringify(row)}\n`);
      if (!row.met) missed++;
    }
  }
  process.exitCode = missed > 0 ? 1 : 0;
} finally {
  cluster.stop();
  rmSync(directory, { recursive: true, force: true });
}
