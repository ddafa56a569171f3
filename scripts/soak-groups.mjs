/**
 * Soak of consumer groups: members come, leave (SIGTERM) and are killed (SIGKILL) while one producer writes and queues move and offsets
 * are committed, round after round. All members append to one file, so that it shows in which order messages were really consumed.
 * After every round:
 * - no queue was consumed with a gap, or backwards more often than members were killed (what was consumed and not committed comes again);
 * - no committed offset lies beyond what was consumed;
 * - one more member, which consumes the rest, leaves nothing out: every acknowledged message was consumed.
 *
 *   node scripts/soak-groups.mjs [--rounds 100] [--seed N] [--keep]
 *
 * Prints the seed, a line per round, a summary. Exit 0: all held; 1: something did not (the store is kept).
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const launcher = join(dirname(import.meta.dirname), 'bin/run.js');
const TOPIC = 'soak';
const GROUP = 'members';
const QUEUES = 4;
const LAST_MS = 60_000;
const WAYS = [[], ['--orderly'], ['--mode', 'pull'], ['--concurrency', '1']];
const STRATEGIES = ['AllocateMessageQueueAveragely', 'AllocateMessageQueueAveragelyByCircle', 'AllocateMessageQueueConsistentHash'];

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string' }, keep: { type: 'boolean', default: false } } });
const rounds = Number(values.rounds);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (![rounds, seed].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  console.error('--rounds and --seed are whole numbers');
  process.exit(2);
}
const random = mulberry32(seed);
const between = (low, high) => low + Math.floor(random() * (high - low + 1));
const oneOf = (list) => list[between(0, list.length - 1)];

const directory = mkdtempSync(join(tmpdir(), 'mqlite-groups-'));
const totals = { kills: 0, leaves: 0, acknowledged: 0, again: 0 };
let store;
let environment;

console.log(`soak of groups: seed ${seed}, ${rounds} rounds, node ${process.version}`);
try {
  for (let round = 1; round <= rounds; round++) await runRound(round);
  console.log(`soak of groups: all held. seed ${seed}, ${rounds} rounds, ${totals.kills} kills, ${totals.leaves} leaves, ${totals.acknowledged} messages, ${totals.again} of them consumed again`);
  if (!values.keep) rmSync(directory, { recursive: true, force: true });
} catch (error) {
  console.error(`soak of groups: FAILED, seed ${seed}: ${error.message}\nthe store is kept: ${store}`);
  process.exitCode = 1;
}

async function runRound(round) {
  store = join(directory, `store-${round}`);
  environment = { PATH: process.env.PATH, HOME: directory, MQLITE_STORE: store, NO_COLOR: '1' };
  mqlite('store', 'init', '--segment-size', '4MiB', '--queue-file-entries', '5000', '--index-slots', '1000', '--index-entries', '20000');
  mqlite('topics', 'create', TOPIC, '--queues', String(QUEUES));
  const consumed = join(directory, `consumed-${round}`);
  const way = oneOf(WAYS);
  const settings = ['-X', `persistConsumerOffsetInterval=${oneOf([20, 100, 500])}`, '-X', `allocateMessageQueueStrategy=${oneOf(STRATEGIES)}`];
  const producer = startProducer();
  const members = [];
  let started = 0;
  let kills = 0;
  const start = () => members.push(startMember(`m${++started}`, consumed, [...way, ...settings]));
  start();
  for (let event = between(5, 8); event > 0; event--) {
    await sleep(between(50, 700));
    const what = random();
    if (members.length < 2 || (what < 0.4 && members.length < 4)) start();
    else {
      const [member] = members.splice(between(0, members.length - 1), 1);
      const isKill = what < 0.85;
      member.child.kill(isKill ? 'SIGKILL' : 'SIGTERM');
      const { code, signal } = await member.closed;
      if (isKill) kills++;
      else if (code !== 143 && signal !== 'SIGTERM') throw new Error(`member ${member.name} ended with ${code} after SIGTERM: ${member.errors()}`);
      else totals.leaves++;
    }
  }
  const acknowledged = await producer.stop();
  for (const member of members) member.child.kill('SIGKILL');
  for (const member of members) await member.closed;
  kills += members.length;
  const before = places(consumed);
  for (const { queue, committedOffset } of JSON.parse(mqlite('offsets', 'show', GROUP, '--json')).offsets) {
    const end = 1 + Math.max(-1, ...before.filter((place) => place.queueId === queue.queueId).map(({ offset }) => offset));
    if ((committedOffset ?? 0) > end) throw new Error(`queue ${queue.queueId}: ${committedOffset} is committed, and only what lies below ${end} was consumed`);
  }
  const last = startMember('last', consumed, [...way, ...settings, '--until-end']);
  const { code } = await Promise.race([last.closed, sleep(LAST_MS, { code: 'too late' }, { ref: false })]);
  if (code !== 0) throw new Error(`the last member ended with ${code}: ${last.errors()}`);
  const again = check(places(consumed), acknowledged, kills);
  totals.kills += kills;
  totals.acknowledged += acknowledged.size;
  totals.again += again;
  console.log(`round ${round}: ${way.join(' ') || 'plain'}, ${settings.join(' ')}: ${started} members, ${kills} kills, ${acknowledged.size} messages, ${again} consumed again`);
  if (!values.keep) rmSync(store, { recursive: true, force: true });
}

/** What was consumed again. */
function check(consumed, acknowledged, kills) {
  const seen = new Set();
  let again = 0;
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    let next = 0;
    let back = 0;
    for (const { offset, member } of consumed.filter((place) => place.queueId === queueId)) {
      if (offset > next) throw new Error(`queue ${queueId}: ${member} consumed ${offset} after ${next - 1}`);
      if (offset < next && ++back > kills) throw new Error(`queue ${queueId}: back to ${offset} from ${next - 1}, for the ${back}th time with ${kills} kills`);
      if (seen.has(`${queueId}/${offset}`)) again++;
      seen.add(`${queueId}/${offset}`);
      next = offset + 1;
    }
  }
  for (const place of acknowledged) if (!seen.has(place)) throw new Error(`${place} was acknowledged and never consumed`);
  return again;
}

/** In the order in which they were consumed. A process that is killed while it writes may leave half a line. */
function places(file) {
  const found = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const match = /(m\d+|last) (\d) (\d+) line-\d+$/.exec(line);
    if (match !== null) found.push({ member: match[1], queueId: Number(match[2]), offset: Number(match[3]) });
  }
  return found;
}

function startMember(name, file, args) {
  const fd = openSync(file, 'a');
  const child = spawn(process.execPath, [launcher, 'consume', TOPIC, '--group', GROUP, '--format', `${name} %p %o %v\\n`, ...args], { env: environment, stdio: ['ignore', fd, 'pipe'] });
  closeSync(fd);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
  return { name, child, errors: () => errors, closed: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))) };
}

function startProducer() {
  const child = spawn(process.execPath, [launcher, 'produce', TOPIC, '--json', '--no-create', '--timeout', '60s'], { env: environment });
  let output = '';
  let errors = '';
  let isOpen = true;
  let count = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const feeding = (async () => {
    while (isOpen) {
      let chunk = '';
      for (let index = between(1, 30); index > 0; index--) chunk += `line-${++count}\n`;
      child.stdin.write(chunk);
      await sleep(between(1, 5));
    }
  })();
  return {
    stop: async () => {
      isOpen = false;
      await feeding;
      child.stdin.end();
      const code = await closed;
      if (code !== 0) throw new Error(`the producer ended with ${code}: ${errors}`);
      return new Set(output.trim().split('\n').map((line) => JSON.parse(line)).map(({ queueId, queueOffset }) => `${queueId}/${queueOffset}`));
    },
  };
}

function mqlite(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { env: environment, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`mqlite ${args.join(' ')} ended with ${status}\n${stderr}`);
  return stdout;
}

function mulberry32(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
