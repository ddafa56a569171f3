/**
 * The main job, for real: makes a RocketMQ store in a temporary directory, produces into it and consumes from it, each
 * step a command of its own as a user would type it. Ends with an error when a step does not do what it should.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const directory = mkdtempSync(join(tmpdir(), 'mqlite-demo-'));
const env = { ...process.env, MQLITE_STORE: join(directory, 'store') };
delete env.MQLITE_PROFILE;
delete env.MQLITE_NAMESRV;

/** Runs one command line, shows it and what it answers, and gives back its stdout. */
function mqlite(words, { input, expect = 0 } = {}) {
  process.stdout.write(`\n$ ${input === undefined ? '' : 'printf … | '}mqlite ${words.map(quote).join(' ')}\n`);
  const result = spawnSync(process.execPath, [join(root, 'bin/run.js'), ...words], { env, input: input ?? '', encoding: 'utf8', timeout: 60_000 });
  process.stdout.write(beginning(result.stdout));
  process.stderr.write(result.stderr);
  if (result.status !== expect) throw new Error(`"mqlite ${words.join(' ')}" ended with ${result.status ?? result.signal}, not with ${expect}`);
  return result.stdout;
}

/** The first lines of a long answer, and how many more there were. */
function beginning(text, most = 12) {
  const lines = text.split('\n').slice(0, -1);
  return lines.length <= most ? text : `${lines.slice(0, 5).join('\n')}\n… and ${lines.length - 5} more lines\n`;
}

function quote(word) {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word}'`;
}

function mustEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

try {
  mqlite(['produce', 'orders', 'hello RocketMQ', '--tag', 'created', '--key', 'order-1']);
  const orders = Array.from({ length: 1000 }, (_, index) => `order ${index + 2}`);
  mqlite(['produce', 'orders', '--quiet'], { input: `${orders.join('\n')}\n` });
  mqlite(['topics', 'list']);
  mqlite(['consume', 'orders', '--tag', 'created', '--until-end', '--format', '%t queue %p offset %o key %k: %v\\n']);

  const all = mqlite(['consume', 'orders', '--group', 'billing', '--until-end', '--count', '1001', '--format', '%v\\n', '--quiet']).split('\n').slice(0, -1);
  mustEqual(all.length, 1001, 'messages consumed');
  mustEqual([...all].sort().join('\n'), ['hello RocketMQ', ...orders].sort().join('\n'), 'what was consumed');
  mustEqual(mqlite(['consume', 'orders', '--group', 'billing', '--until-end']), '', 'messages consumed twice');
  mqlite(['offsets', 'list']);
  mqlite(['message', 'find', 'orders', '--key', 'order-1']);
  mqlite(['store', 'verify']);
  process.stdout.write('\n1001 messages produced, stored as a RocketMQ broker would, and consumed. The store is gone with the demo; keep one with --store DIR.\n');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
