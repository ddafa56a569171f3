/**
 * Writes `oclif.manifest.json`, the snapshot of the command surface, from the built command classes;
 * with `--check` it only compares, and exits 1 when the committed file is not what the commands say.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const path = join(root, 'oclif.manifest.json');
const { buildManifest } = createRequire(import.meta.url)(join(root, 'dist/cli.cjs'));

const { commands, version } = await buildManifest(root);
const sorted = Object.fromEntries(Object.keys(commands).sort().map((id) => [id, prune(commands[id])]));
const text = `${JSON.stringify({ commands: sorted, version }, null, 1)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(path, text);
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  process.stderr.write('oclif.manifest.json differs from the commands: run "npm run build && npm run manifest", look at the diff, commit it\n');
  process.exitCode = 1;
}

/** Without what says nothing: a shorter file is a faster start. */
function prune(value) {
  if (Array.isArray(value)) return value.map(prune);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([key, entry]) => entry !== undefined && entry !== '' && !isNoise(key, entry));
  return Object.fromEntries(kept.map(([key, entry]) => [key, prune(entry)]));
}

function isNoise(key, entry) {
  return (entry === false && key !== 'strict' && key !== 'default' && key !== 'allowNo') || key === 'host';
}
