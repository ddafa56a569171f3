#!/usr/bin/env node
/**
 * mqlite against the JVM's own message store, in turn, on this machine, in one run.
 *
 *   node scripts/build.mjs && node bench/compare.mjs [--rounds 5] [--quick] [--only append-1k,read] [--json FILE] [--directory DIR]
 *
 * Prints a row for each line of docs/performance.md: the medians of both sides, their ratio (or mqlite's own figure) and what
 * must be reached. Exits 1 when a row misses. A JVM round is a process of its own: it warms up with one whole round and
 * reports the second; the first, before anything was compiled, is printed too. An mqlite round is a process as a user starts it.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareJvm, storeBench } from './lib/jvm.mjs';
import { median } from './lib/statistics.mjs';
import { commandMs, mqliteJson, numberedLines, streamed, wallMs } from './lib/mqlite.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds needs a number from 1, not ${options.rounds}`);
const scale = options.quick ? 0.2 : 1;
const GIB = 2 ** 30;
const directory = mkdtempSync(join(options.directory, 'mqlite-compare-'));
let stores = 0;

const count = (full) => Math.max(1, Math.round(full * scale));
const newStore = () => join(directory, `store-${++stores}`);

/** Gives `use` a new store and deletes it afterwards. */
async function withStore(use) {
  const store = newStore();
  try {
    return await use(store);
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}

/** Runs each side once per round, in turn; null for a side that cannot run here. */
async function inTurn(jvmSide, mqliteSide) {
  const jvm = [];
  const ours = [];
  for (let round = 0; round < rounds; round++) {
    if (jvmVersion !== null) jvm.push(jvmSide());
    ours.push(await mqliteSide());
  }
  return { jvm, ours };
}

/** A row that compares rates: `must` is the least ratio. */
function ratioRow(what, jvm, jvmFirst, ours, must) {
  const row = { what, mqlite: median(ours), unit: 'msg/s', must: `>= ${must} x JVM` };
  if (jvm.length === 0) return { ...row, met: null };
  const ratio = row.mqlite / median(jvm);
  return { ...row, jvm: median(jvm), jvmFirst: median(jvmFirst), ratio, ratioToFirst: row.mqlite / median(jvmFirst), met: ratio >= must };
}

const atLeast = (what, value, must, unit) => ({ what, mqlite: value, unit, must: `>= ${must}`, met: value >= must });
const atMost = (what, value, must, unit) => ({ what, mqlite: value, unit, must: `<= ${must}`, met: value <= must });

async function append(name, size, messages, mustAppend, mustIndex) {
  const produce = ['bench', 'produce', '--count', String(messages), '--warmup', String(messages), '--size', String(size), '--queues', '4', '--keys', '1', '--flush', 'async'];
  const { jvm, ours } = await inTurn(
    () => storeBench(directory, ['--mode', 'append', '--count', messages, '--size', size, '--rounds', 1, '--warmup', 1]),
    () => withStore((store) => mqliteJson(store, produce)),
  );
  const rows = [ratioRow(`${name}: messagesPerSecond`, jvm.map((r) => r.messagesPerSecond), jvm.map((r) => r.first.messagesPerSecond), ours.map((r) => r.messagesPerSecond), mustAppend)];
  const indexed = ratioRow(`${name}: indexedMessagesPerSecond`, jvm.map((r) => r.indexedMessagesPerSecond), jvm.map((r) => r.first.indexedMessagesPerSecond),
    ours.map((r) => r.indexedMessagesPerSecond), mustIndex ?? 0);
  if (mustIndex === undefined) Object.assign(indexed, { must: '-', met: null });
  return [...rows, indexed];
}

async function sync() {
  const single = count(5000);
  const { jvm, ours } = await inTurn(
    () => storeBench(directory, ['--mode', 'sync', '--count', single, '--rounds', 1, '--warmup', 1]),
    () => withStore((store) => mqliteJson(store, ['bench', 'produce', '--count', String(single), '--warmup', String(single), '--size', '1024', '--flush', 'sync', '--in-flight', '1'])),
  );
  const grouped = [];
  for (let round = 0; round < rounds; round++) {
    grouped.push(await withStore((store) => mqliteJson(store, ['bench', 'produce', '--count', String(count(200_000)), '--warmup', String(count(20_000)), '--size', '1024', '--flush', 'sync', '--in-flight', '64'])));
  }
  return [
    ratioRow('sync flush, one writer', jvm.map((r) => r.messagesPerSecond), jvm.map((r) => r.first.messagesPerSecond), ours.map((r) => r.messagesPerSecond), 0.9),
    atLeast('sync flush, 64 in flight', median(grouped.map((r) => r.messagesPerSecond)), 70_000, 'msg/s'),
  ];
}

async function read() {
  const messages = count(500_000);
  return withStore(async (store) => {
    mqliteJson(store, ['bench', 'produce', '--count', String(messages), '--size', '1024']);
    const { jvm, ours } = await inTurn(
      () => storeBench(directory, ['--mode', 'read', '--count', messages, '--rounds', 3, '--warmup', 1]),
      () => mqliteJson(store, ['bench', 'consume', '--warmup', String(messages)]),
    );
    return [ratioRow('sequential read, 1 KiB', jvm.map((r) => r.messagesPerSecond), jvm.map((r) => r.first.messagesPerSecond), ours.map((r) => r.messagesPerSecond), 1.5)];
  });
}

async function pipes() {
  const lines = count(1_000_000);
  const produced = [];
  const consumed = [];
  for (let round = 0; round < rounds; round++) {
    await withStore(async (store) => {
      produced.push(lines / (await streamed(store, ['produce', 't', '-q'], { input: numberedLines(lines, 100) })).seconds);
      const file = join(directory, 'consumed.txt');
      consumed.push(lines / (await streamed(store, ['consume', 't', '--until-end'], { outputFile: file })).seconds);
      if (statSync(file).size !== lines * 100) throw new Error(`consume wrote ${statSync(file).size} bytes, not ${lines * 100}`);
    });
  }
  return [
    atLeast(`produce from stdin, ${lines} lines of 100 B`, median(produced), 250_000, 'msg/s'),
    atLeast('consume --until-end of those into a file', median(consumed), 500_000, 'msg/s'),
  ];
}

/** Reading a store in full, after one pass that brings it into the page cache. */
async function verify() {
  const rows = [];
  for (const [size, messages, must, unit] of [[1024, count(1_000_000), 500, 'MB/s'], [128, count(2_000_000), 400_000, 'records/s']]) {
    await withStore(async (store) => {
      mqliteJson(store, ['bench', 'produce', '--count', String(messages), '--size', String(size)]);
      const rates = [];
      for (let round = -1; round < rounds; round++) {
        const started = performance.now();
        const report = mqliteJson(store, ['store', 'verify']);
        const seconds = (performance.now() - started) / 1000;
        if (report.records !== messages) throw new Error(`verify read ${report.records} of ${messages} records`);
        if (round >= 0) rates.push((unit === 'MB/s' ? report.bytes / 1e6 : report.records) / seconds);
      }
      rows.push(atLeast(`store verify, ${size} B`, median(rates), must, unit));
    });
  }
  return rows;
}

/**
 * The first command on a store that a broker left by a kill, with a checkpoint that vouches for nothing: the whole log is
 * scanned, its CRCs and all, and queues and index are completed. After one pass that brings the store into the page cache.
 */
async function recovery() {
  const rows = [];
  for (const [size, messages, must, unit] of [[1024, count(1_000_000), 500, 'MB/s'], [128, count(2_000_000), 400_000, 'records/s']]) {
    await withStore(async (store) => {
      mqliteJson(store, ['bench', 'produce', '--count', String(messages), '--size', String(size)]);
      const { bytes } = mqliteJson(store, ['store', 'verify']);
      const rates = [];
      for (let round = 0; round < rounds; round++) {
        const checkpoint = join(store, 'checkpoint');
        writeFileSync(checkpoint, Buffer.alloc(statSync(checkpoint).size));
        writeFileSync(join(store, 'abort'), '1');
        const milliseconds = commandMs(['topics', 'create', `after-${round}`], store);
        rates.push((unit === 'MB/s' ? bytes / 1e6 : messages) / (milliseconds / 1000));
      }
      rows.push(atLeast(`recovery of a whole log, ${size} B`, median(rates), must, unit));
    });
  }
  return rows;
}

async function startup() {
  return withStore(async (store) => {
    commandMs(['produce', 't', 'hello'], store);
    return [['--version', ['--version'], 1.3], ['topics list', ['topics', 'list'], 1.9], ['produce t hello', ['produce', 't', 'hello'], 2.4]].map(([name, words, must]) => {
      const ratios = [];
      for (let round = -2; round < rounds * 5; round++) {
        const bare = wallMs(['-e', '0'], store);
        const ours = commandMs(words, store);
        if (round >= 0) ratios.push(ours / bare);
      }
      return atMost(name, median(ratios), must, 'x node -e 0');
    });
  });
}

/** Memory while 2 GiB go in and out, and what a command costs on the store that they made. */
async function memory() {
  const lines = Math.floor(count(2 * GIB) / 1024);
  return withStore(async (store) => {
    const produced = await streamed(store, ['produce', 't', '-q'], { input: numberedLines(lines, 1024) });
    const consumed = await streamed(store, ['consume', 't', '--until-end']);
    const small = newStore();
    commandMs(['produce', 't', 'hello'], small);
    const ratios = [];
    for (let round = 0; round < rounds; round++) ratios.push(commandMs(['produce', 't', 'hello'], store) / commandMs(['produce', 't', 'hello'], small));
    return [
      atMost(`peak memory, producing ${lines} KiB from stdin`, produced.peakBytes / 2 ** 20, 180, 'MiB'),
      atMost('peak memory, consuming them', consumed.peakBytes / 2 ** 20, 180, 'MiB'),
      atMost('produce t hello on that store / on one with one message', median(ratios), 1.2, 'x'),
    ];
  });
}

const BENCHES = {
  'append-1k': () => append('append async, 1 KiB', 1024, count(500_000), 4, 2.5),
  'append-128': () => append('append async, 128 B', 128, count(1_000_000), 3),
  sync,
  read,
  pipes,
  verify,
  recovery,
  startup,
  memory,
};

const round3 = (value) => (value === undefined ? '' : value >= 1000 ? Math.round(value).toLocaleString('en') : String(Math.round(value * 100) / 100));

function table(rows) {
  const cells = [['what', 'mqlite', 'unit', 'JVM', 'JVM first', 'ratio', 'to first', 'must', ''],
    ...rows.map((row) => [row.what, round3(row.mqlite), row.unit, round3(row.jvm), round3(row.jvmFirst), round3(row.ratio), round3(row.ratioToFirst), row.must,
      row.met === null ? '-' : row.met ? 'ok' : 'MISSED'])];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => (column === 0 || column > 6 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd()).join('\n');
}

const names = options.only === undefined ? Object.keys(BENCHES) : options.only.split(',');
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) throw new Error(`--only ${unknown}: there is ${Object.keys(BENCHES).join(', ')}`);
const jvmVersion = prepareJvm();
const rows = [];
try {
  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    rows.push(...await BENCHES[name]());
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / GIB)} GiB, Node ${process.versions.node}, RocketMQ ${jvmVersion ?? 'absent'}, ${rounds} rounds${options.quick ? ', quick' : ''}`;
process.stdout.write(`${machine}\n${table(rows)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ machine, rows }, null, 2)}\n`);
if (rows.some((row) => row.met === false)) process.exitCode = 1;
