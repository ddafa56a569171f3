#!/usr/bin/env node
/**
 * Makes test/golden/wire/*.ndjson: what RocketMQ's own classes write on the wire (test/interop/java, mqlite.interop.WireGolden). Bodies come from 5.5.0
 * (fastjson 2) and 5.3.3 (fastjson 1), all else from 5.5.0.
 *
 *   node scripts/wire-golden.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const golden = join(root, 'test/golden/wire');
const FILES = [['headers', '5.5.0'], ['messages', '5.5.0'], ['signatures', '5.5.0'], ['bodies', '5.5.0'], ['bodies', '5.3.3']];

mkdirSync(golden, { recursive: true });
for (const [what, version] of FILES) {
  execFileSync('node', [join(root, 'scripts/interop-setup.mjs'), '--version', version], { stdio: 'inherit' });
  const target = join(root, 'test/interop/java/target', version);
  const classpath = `${join(target, 'classes')}:${readFileSync(join(target, 'classpath.txt'), 'utf8').trim()}`;
  const output = execFileSync('java', ['-XX:TieredStopAtLevel=1', '-cp', classpath, 'mqlite.interop.WireGolden', what], { maxBuffer: 64 << 20 }).toString();
  // Loggers of RocketMQ's print to standard output too.
  const rows = output.split('\n').filter((line) => line.startsWith('{'));
  writeFileSync(join(golden, `${what}-${version}.ndjson`), rows.map((row) => `${row}\n`).join(''));
  process.stdout.write(`${what} ${version}: ${rows.length} rows\n`);
}
