/** Everything that is made of the commands and committed, and what of it is not as it should be. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderCommandList, renderCommandPages, renderExitCodes, replaceMarked } from './command-pages.mjs';
import { renderManPage } from './man-page.mjs';
import { referenceModel } from './reference-model.mjs';

const PAGES = 'docs/commands';

/**
 * The files as `{ path, text }`, `path` from the root of the project. `manifest`: that of @oclif/core; `reference`: the tables of src/cli/reference.ts.
 */
export function generatedFiles(root, manifest, reference) {
  const readText = (path) => readFileSync(join(root, path), 'utf8');
  const pruned = { commands: Object.fromEntries(Object.keys(manifest.commands).sort().map((id) => [id, prune(manifest.commands[id])])), version: manifest.version };
  const schemas = readdirSync(join(root, 'docs/json')).filter((file) => file.endsWith('.schema.json')).sort()
    .map((file) => ({ file, title: JSON.parse(readText(`docs/json/${file}`)).title }));
  const model = referenceModel({ manifest: pruned, pjson: JSON.parse(readText('package.json')), reference, schemas });
  const readme = replaceMarked(readText('README.md'), 'commands', renderCommandList(model));
  return [
    { path: 'oclif.manifest.json', text: `${JSON.stringify(pruned, null, 1)}\n` },
    { path: 'man/mqlite.1', text: renderManPage(model) },
    ...renderCommandPages(model).map(({ name, text }) => ({ path: `${PAGES}/${name}`, text })),
    { path: 'README.md', text: replaceMarked(readme, 'exit codes', renderExitCodes(model)) },
  ];
}

/** Paths whose file is missing or another one, and pages of commands that are no more. */
export function differences(root, files) {
  const changed = files.filter(({ path, text }) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text);
  return [...changed.map(({ path }) => path), ...stalePages(root, files)];
}

export function writeGenerated(root, files) {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const path of stalePages(root, files)) rmSync(join(root, path));
}

function stalePages(root, files) {
  const directory = join(root, PAGES);
  const known = new Set(files.map(({ path }) => path));
  return existsSync(directory) ? readdirSync(directory).sort().map((name) => `${PAGES}/${name}`).filter((path) => !known.has(path)) : [];
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
