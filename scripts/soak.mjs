/**
 * Soak: two `mqlite produce --json` write one store and are killed (SIGKILL) at random moments, round after round. After
 * every round each acknowledged line must be readable, once, at the place it was acknowledged for, in order per queue, with
 * nothing that was never sent; and `store verify` must find no damage. A store lives for `--store-rounds` rounds; as its last
 * kill left it, and again once it is closed, a real broker boots on a copy of it, and the official client must see the same
 * (needs a JVM; `--no-broker` leaves it out).
 *
 *   node scripts/soak.mjs [--rounds 200] [--seed N] [--store-rounds 25] [--no-broker] [--keep]
 *
 * Prints the seed, a line per round, a summary. Exit 0: all held; 1: something did not (the store is kept).
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const root = dirname(import.meta.dirname);
const launcher = join(root, 'bin/run.js');
const TOPIC = 'soak';
/** Full reading of the whole store instead of what the round added, in rounds. */
const FULL_EVERY = 20;
/** A producer that has stored nothing after so long is stuck. */
const START_MS = 180_000;
/** Both producers start at once, and one waits for the other's recovery: longer than the usual 5 s when the machine has other work. */
const LOCK_TIMEOUT = '60s';
const MAX_OUTPUT_BYTES = 2 ** 30;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' }, seed: { type: 'string' }, 'store-rounds': { type: 'string', default: '25' },
    'no-broker': { type: 'boolean', default: false }, keep: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const storeRounds = Number(values['store-rounds']);
if (![rounds, seed, storeRounds].every((number) => Number.isSafeInteger(number) && number >= 0) || storeRounds === 0) {
  console.error('--rounds, --seed and --store-rounds are whole numbers');
  process.exit(2);
}

const random = mulberry32(seed);
const between = (low, high) => low + Math.floor(random() * (high - low + 1));

const directory = mkdtempSync(join(tmpdir(), 'mqlite-soak-'));
const store = join(directory, 'store');
const environment = { PATH: process.env.PATH, HOME: directory, MQLITE_STORE: store, NO_COLOR: '1' };
const brokerReader = values['no-broker'] ? null : await bundleBrokerReader();

/** Acknowledged places of all rounds: `queueId/queueOffset` -> body's name. */
const acknowledged = new Map();
/** The same places -> msgId, which the official client shows. */
const acknowledgedIds = new Map();
/** Lines fed in, by writer's name: how many. Nothing beyond may ever be read. */
const fed = new Map();
const totals = { acknowledged: 0, unacknowledged: 0, kills: 0, brokerBoots: 0 };

console.log(`soak: seed ${seed}, ${rounds} rounds, commit ${commit()}, node ${process.version}`);
try {
  for (let round = 1; round <= rounds; round++) {
    if ((round - 1) % storeRounds === 0) newStore();
    const isLast = round % storeRounds === 0 || round === rounds;
    await runRound(round, isLast);
    if (isLast) await endStore(round);
  }
  const { acknowledged: count, unacknowledged, kills, brokerBoots } = totals;
  console.log(`soak: all held. seed ${seed}, ${rounds} rounds, ${kills} kills, ${count} acknowledged messages, ${unacknowledged} stored without an acknowledgement, ${brokerBoots} boots of a real broker`);
  if (!values.keep) rmSync(directory, { recursive: true, force: true });
} catch (error) {
  console.error(`soak: FAILED, seed ${seed}: ${error.message}\nthe store is kept: ${store}`);
  process.exitCode = 1;
}

function newStore() {
  rmSync(store, { recursive: true, force: true });
  for (const known of [acknowledged, acknowledgedIds, fed]) known.clear();
  mqlite('store', 'init', '--segment-size', '4MiB', '--queue-file-entries', '5000', '--index-slots', '1000', '--index-entries', '20000');
  mqlite('topics', 'create', TOPIC, '--queues', '4');
}

/** Takes the store over, closes it, and looks at all of it. */
async function endStore(round) {
  mqlite('topics', 'create', 'end');
  const rows = readStore([]);
  checkAll(rows, `the store of rounds up to ${round}, closed`);
  mqlite('store', 'verify', '--json');
  totals.unacknowledged += rows.length - acknowledged.size;
  if (brokerReader !== null) await askBroker(`the closed store of rounds up to ${round}`);
}

async function runRound(round, isLast) {
  const startMs = Date.now();
  const flush = random() < 0.25 ? 'sync' : 'async';
  const producers = ['a', 'b'].map((letter) => new Producer(`${round}${letter}`, flush, between(0, 3) === 0, between(0, 600)));
  await Promise.all(producers.map((producer) => producer.done));
  totals.kills += producers.length;
  let acks = 0;
  for (const producer of producers) {
    fed.set(producer.name, producer.fed);
    for (const ack of producer.acknowledgements()) {
      const place = `${ack.queueId}/${ack.queueOffset}`;
      const name = `${producer.name}/${ack.line}`;
      if (acknowledged.has(place)) throw new Error(`${place} was acknowledged for ${acknowledged.get(place)} and for ${name}`);
      acknowledged.set(place, name);
      acknowledgedIds.set(place, ack.msgId);
      acks++;
    }
  }
  totals.acknowledged += acks;
  if (brokerReader !== null && isLast) await askBroker(`round ${round}, as the kill left it`);
  // Looked at first as the kill left it: what was acknowledged is there without any recovery.
  const isFull = round % FULL_EVERY === 0;
  const what = `round ${round}`;
  const rows = readStore(isFull ? [] : ['--from', `@${startMs - 1}`]);
  if (isFull) checkAll(rows, what);
  else checkRows(rows, producers.flatMap((producer) => producer.acknowledgements().map((ack) => [`${ack.queueId}/${ack.queueOffset}`, `${producer.name}/${ack.line}`])), what);
  mqlite('store', 'verify', '--json');
  console.log(`round ${round}: ${flush}, killed after ${producers.map(({ life }) => life).join(' and ')}, ${acks} acknowledged, ${rows.length} read${isFull ? ' (all)' : ''}`);
}

/** `mqlite produce --json` fed with numbered lines until it is killed, `lifeMs` after its first acknowledgement or, `early`, after its start. */
function Producer(name, flush, early, lifeMs) {
  const child = spawn(process.execPath, [launcher, 'produce', TOPIC, '--json', '--no-create', '--flush', flush, '--lock-timeout', LOCK_TIMEOUT, '--batch', String(between(1, 300))], { env: environment });
  let output = '';
  let errors = '';
  this.name = name;
  this.life = `${lifeMs} ms${early ? ' of life' : ''}`;
  this.fed = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
  child.stdin.on('error', () => undefined);
  const closed = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  const feed = async () => {
    const isBurst = between(0, 9) === 0;
    const pauseMs = isBurst ? 0 : between(1, 6);
    const perChunk = isBurst ? 200 : between(1, 30);
    for (let isOpen = true; isOpen && child.exitCode === null && child.signalCode === null;) {
      let chunk = '';
      for (let index = 0; index < perChunk; index++) chunk += `${name}/${++this.fed}/${'x'.repeat(between(0, 600))}\n`;
      if (!child.stdin.write(chunk)) isOpen = await Promise.race([new Promise((resolve) => child.stdin.once('drain', () => resolve(true))), closed.then(() => false)]);
      await sleep(pauseMs);
    }
  };
  this.done = (async () => {
    const feeding = feed();
    const deadlineMs = Date.now() + START_MS;
    while (!early && output === '' && child.exitCode === null) {
      if (Date.now() > deadlineMs) throw new Error(`producer ${name} acknowledged nothing within ${START_MS} ms: ${errors}`);
      await sleep(2);
    }
    await sleep(lifeMs);
    child.kill('SIGKILL');
    const { code, signal } = await closed;
    await feeding;
    if (signal !== 'SIGKILL') throw new Error(`producer ${name} ended by itself with ${code}: ${errors}`);
  })();
  /** Complete lines only: half a line says nothing. */
  this.acknowledgements = () => output.slice(0, output.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map((line) => {
    const ack = JSON.parse(line);
    if (ack.status !== 'SEND_OK') throw new Error(`producer ${name}: ${line}`);
    return ack;
  });
}

/** Messages of the topic as `{place, name}`, in the order of their queues. */
function readStore(flags) {
  return mqlite('consume', TOPIC, '--until-end', '--format', '%p/%o %v\\n', ...flags).split('\n').filter((line) => line !== '').map((line) => {
    const [, place, name] = /^(\d+\/\d+) (\w+\/\d+)\/x*$/.exec(line) ?? [];
    if (place === undefined) throw new Error(`not a line that was ever sent: ${line.slice(0, 200)}`);
    return { place, name };
  });
}

function checkAll(rows, what) {
  checkRows(rows, [...acknowledged], what);
}

/** Every expected message at its place; none twice; numbers of one producer rise within a queue; none that was never fed. */
function checkRows(rows, expected, what) {
  const byPlace = new Map();
  const names = new Set();
  const newest = new Map();
  for (const { place, name } of rows) {
    if (byPlace.has(place)) throw new Error(`${what}: ${place} was read twice`);
    if (names.has(name)) throw new Error(`${what}: ${name} is there twice`);
    byPlace.set(place, name);
    names.add(name);
    const [producer, number] = name.split('/');
    if (!(Number(number) <= (fed.get(producer) ?? 0))) throw new Error(`${what}: ${name} was never sent`);
    const lane = `${producer} in queue ${place.split('/')[0]}`;
    if (Number(number) <= (newest.get(lane) ?? 0)) throw new Error(`${what}: ${lane}: ${number} comes after ${newest.get(lane)}`);
    newest.set(lane, Number(number));
  }
  for (const [place, name] of expected) {
    if (byPlace.get(place) !== name) throw new Error(`${what}: ${name} was acknowledged for ${place}, where ${byPlace.get(place) ?? 'nothing'} is`);
  }
}

/** Runs the tool to its end; throws unless it exits 0. */
function mqlite(...args) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [launcher, ...args], { env: environment, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`mqlite ${args.join(' ')} ended with ${status}: ${stderr}${stdout.slice(-2000)}`);
  return stdout;
}

/** A real broker boots on a copy; the official client must see every acknowledged message at its place. */
async function askBroker(what) {
  const copy = join(directory, 'copy');
  rmSync(copy, { recursive: true, force: true });
  const { status } = spawnSync('cp', ['-a', '--sparse=always', store, copy]);
  if (status !== 0) cpSync(store, copy, { recursive: true, preserveTimestamps: true });
  const { status: ended, stdout, stderr } = spawnSync(process.execPath, [brokerReader, copy, TOPIC], {
    encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES, cwd: root, env: { ...process.env, MQLITE_INTEROP_PATIENCE: '5' },
  });
  if (ended !== 0) throw new Error(`a broker on a copy of ${what}: ${stderr}`);
  const places = new Map(stdout.split('\n').filter((line) => line !== '').map((line) => line.split(' ')));
  for (const [place, id] of acknowledgedIds) {
    if (places.get(place) !== id) throw new Error(`a broker on a copy of ${what}: ${id} was acknowledged for ${place}, where it sees ${places.get(place) ?? 'nothing'}`);
  }
  totals.brokerBoots++;
  console.log(`broker on a copy of ${what}: ${places.size} messages, ${acknowledged.size} acknowledged ones in their places`);
  rmSync(copy, { recursive: true, force: true });
}

/** The interop tests' own way to boot a broker, as a script. null, with a line that says so, without a JVM. */
async function bundleBrokerReader() {
  const setup = spawnSync(process.execPath, [join(root, 'scripts/interop-setup.mjs')], { encoding: 'utf8' });
  if (setup.status !== 0) {
    console.log(`soak: no real broker boots: ${setup.stderr.trim().split('\n')[0]}`);
    return null;
  }
  const { build } = await import('esbuild');
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const outfile = join(directory, 'broker-reader.mjs');
  await build({
    entryPoints: [join(root, 'test/e2e/workers/broker-reader.ts')], bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external', outfile, logLevel: 'warning',
    plugins: [{
      name: 'own-place',
      // The modules find their files by their own place, which a bundle does not have.
      setup: (builder) => builder.onLoad({ filter: /[\\/]test[\\/]interop[\\/].*\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)).replaceAll('import.meta.dirname', JSON.stringify(dirname(path))), loader: 'ts',
      })),
    }],
  });
  return outfile;
}

function commit() {
  return existsSync(join(root, '.git')) ? spawnSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim() : 'unknown';
}

/** A small generator of numbers in [0, 1) that a seed repeats. */
function mulberry32(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
