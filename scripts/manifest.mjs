/**
 * Writes what is made of the built command classes: `oclif.manifest.json`, the snapshot of the command surface, the man page, `docs/commands` and
 * the lists in README.md; with `--check` it only compares, and exits 1 when a committed file is not what the commands say.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { differences, generatedFiles, writeGenerated } from './lib/generated-files.mjs';

const root = dirname(import.meta.dirname);
const { buildManifest, loadReference } = createRequire(import.meta.url)(join(root, 'dist/cli.cjs'));
const files = generatedFiles(root, await buildManifest(root), await loadReference());

if (!process.argv.includes('--check')) {
  writeGenerated(root, files);
} else {
  const different = differences(root, files);
  for (const path of different) process.stderr.write(`${path} is not what the commands say\n`);
  if (different.length > 0) {
    process.stderr.write('Run "npm run manifest", look at the diff, commit it\n');
    process.exitCode = 1;
  }
}
