import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
// @ts-expect-error The build's own scripts are plain JavaScript.
import * as commandPages from '../../scripts/lib/command-pages.mjs';
// @ts-expect-error The same.
import * as generated from '../../scripts/lib/generated-files.mjs';
// @ts-expect-error The same.
import * as manPage from '../../scripts/lib/man-page.mjs';
// @ts-expect-error The same.
import * as referenceModule from '../../scripts/lib/reference-model.mjs';
import type { Reference } from '../../src/cli/reference.ts';
import { REFERENCE } from '../../src/cli/reference.ts';
import { temporaryDirectory } from '../support/fixtures.ts';

interface File {
  readonly path: string;
  readonly text: string;
}
interface FlagEntry {
  name: string;
  type: string;
  description?: string;
  default?: unknown;
  [key: string]: unknown;
}
interface Manifest {
  readonly version: string;
  readonly commands: Record<string, { flags: Record<string, FlagEntry>; [key: string]: unknown }>;
}

const { generatedFiles, differences, writeGenerated } = generated as {
  readonly generatedFiles: (root: string, manifest: Manifest, reference: Reference) => File[];
  readonly differences: (root: string, files: readonly File[]) => string[];
  readonly writeGenerated: (root: string, files: readonly File[]) => void;
};
const { replaceMarked, renderCommandPages } = commandPages as {
  readonly replaceMarked: (text: string, name: string, content: string) => string;
  readonly renderCommandPages: (model: unknown) => readonly { readonly name: string; readonly text: string }[];
};
const { renderManPage } = manPage as { readonly renderManPage: (model: unknown) => string };
const { referenceModel } = referenceModule as { readonly referenceModel: (input: unknown) => { readonly pages: readonly unknown[] } };

const ROOT = resolve(import.meta.dirname, '../..');
const committed = (): Manifest => JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as Manifest;
const changesOf = (change: (manifest: Manifest) => void): string[] => {
  const manifest = committed();
  change(manifest);
  return differences(ROOT, generatedFiles(ROOT, manifest, REFERENCE));
};

describe('what is made of the commands', () => {
  it('is committed as the manifest says it', () => {
    expect(changesOf(() => undefined)).toEqual([]);
  });

  it('differs when a flag changes: its default, its words, one more', () => {
    const places = ['oclif.manifest.json', 'man/mqlite.1', 'docs/commands/bench.md'];
    expect(changesOf(({ commands }) => void (commands['bench:produce']!.flags['size']!.default = '2k'))).toEqual(places);
    expect(changesOf(({ commands }) => void (commands['bench:produce']!.flags['size']!.description = 'octets of a body'))).toEqual(places);
    expect(changesOf(({ commands }) => void (commands['bench:produce']!.flags['twice'] = { name: 'twice', type: 'boolean' }))).toEqual(places);
  });

  it('differs where a command came, went, or says what it does in other words', () => {
    expect(changesOf(({ commands }) => void (commands['shell'] = { summary: 'A prompt', flags: {} }))).toEqual([
      'oclif.manifest.json', 'man/mqlite.1', 'docs/commands/README.md', 'docs/commands/shell.md', 'README.md',
    ]);
    expect(changesOf(({ commands }) => void delete commands['tail'])).toEqual(['oclif.manifest.json', 'man/mqlite.1', 'docs/commands/README.md', 'README.md', 'docs/commands/tail.md']);
    expect(changesOf(({ commands }) => void (commands['topics:list']!['summary'] = 'List them'))).toEqual(['oclif.manifest.json', 'man/mqlite.1', 'docs/commands/topics.md', 'README.md']);
  });

  it('differs when an exit code means something else', () => {
    const exitCodes = REFERENCE.exitCodes.map((row) => (row.code === 6 ? { ...row, meaning: 'busy' } : row));
    const different = differences(ROOT, generatedFiles(ROOT, committed(), { ...REFERENCE, exitCodes }));
    expect(different).toEqual(expect.arrayContaining(['man/mqlite.1', 'docs/commands/produce.md', 'docs/commands/README.md', 'README.md']));
  });

  it('is the same whatever order the commands come in', () => {
    const manifest = committed();
    const reversed = { ...manifest, commands: Object.fromEntries(Object.entries(manifest.commands).reverse()) };
    expect(generatedFiles(ROOT, reversed, REFERENCE)).toEqual(generatedFiles(ROOT, manifest, REFERENCE));
  });

  it('is written where it is missing, and taken away where its command is gone', () => {
    const root = temporaryDirectory('generated');
    for (const path of ['package.json', 'README.md', 'docs/json']) cpSync(join(ROOT, path), join(root, path), { recursive: true });
    mkdirSync(join(root, 'docs/commands'));
    writeFileSync(join(root, 'docs/commands/gone.md'), '');
    const files = generatedFiles(root, committed(), REFERENCE);
    expect(differences(root, files)).toContain('docs/commands/gone.md');
    writeGenerated(root, files);
    expect(differences(root, files)).toEqual([]);
    expect(readFileSync(join(root, 'man/mqlite.1'), 'utf8')).toBe(readFileSync(join(ROOT, 'man/mqlite.1'), 'utf8'));
  });

  it('says which place is not marked', () => {
    expect(() => replaceMarked('no place', 'commands', '')).toThrow('<!-- begin commands -->');
  });
});

describe('the pages', () => {
  const flags = {
    size: { name: 'size', char: 's', type: 'option', helpValue: 'SIZE', default: '1k', description: "as in 'a || b' of \"bench produce --size\"", required: true },
    order: { name: 'order', type: 'boolean', allowNo: true, description: 'or not' },
    mode: { name: 'mode', type: 'option', options: ['push', 'pull'], multiple: true, dependsOn: ['size'], exclusive: ['order'], description: 'how' },
    quiet: { name: 'quiet', type: 'boolean', helpGroup: 'GLOBAL', description: 'say nothing' },
    secret: { name: 'secret', type: 'boolean', hidden: true },
  };
  const manifest = { commands: {
    'bench:produce': { summary: 'Measure', description: 'One\nparagraph.\n\n.Another: C:\\path <NAME>', strict: false, flags, args: { topic: { name: 'topic', required: true, description: 'which' } }, examples: ['<%= config.bin %> bench produce', { description: 'Two', command: "mqlite bench produce '.'" }] },
    'bench:produce-hidden': { hidden: true, flags: {} },
  } };
  const schemas = ['bench-produce', 'bench-produce-exec', 'bench-produce-hidden', 'bench'].map((name) => ({ file: `${name}.schema.json`, title: `Of ${name}` }));
  const pjson = { version: '1.2.3', description: 'RocketMQ', license: 'none', oclif: { topics: { bench: { description: 'Measure.' } } } };
  const reference = { exitCodes: [{ code: 0, meaning: 'done' }, { code: 130, meaning: 'ended by SIGINT' }], environment: [], execEnvironment: [], files: [] };
  const model = referenceModel({ manifest, pjson, reference, schemas });

  it('show a command as it is typed', () => {
    const page = renderCommandPages(model).find(({ name }) => name === 'bench.md')!.text;
    expect(page).toContain('```\nmqlite bench produce TOPIC... --size SIZE [flags]\n```\n\nOne paragraph.\n\n.Another: C:\\\\path \\<NAME\\>\n');
    expect(page).toContain("- `-s, --size SIZE`: as in 'a || b' of `bench produce --size` (default: 1k; required)\n");
    expect(page).toContain('- `--[no-]order`: or not\n- `--mode push|pull`: how (may be repeated; needs `--size`; not with `--order`)\n\nAnd the [global flags]');
    expect(page).toContain("```sh\nmqlite bench produce\n\n# Two\nmqlite bench produce '.'\n```\n");
    expect(page.match(/\.\.\/json\/[\w.-]+/g)).toEqual(['../json/bench-produce.schema.json', '../json/bench-produce-exec.schema.json']);
    expect(page).not.toMatch(/secret|hidden/);
    expect(renderCommandPages(model)[0]!.text).toContain('- `--quiet`: say nothing\n');
  });

  it('is roff in which nothing of the text is a request', () => {
    const page = renderManPage(model);
    expect(page).toContain('\n\\&.Another: C:\\epath <NAME>\n');
    expect(page).toContain('\\fB\\-s\\fR, \\fB\\-\\-size\\fR \\fISIZE\\fR\nas in \\(aqa || b\\(aq');
    expect(page).toContain('\nmqlite bench produce \\(aq.\\(aq\n');
  });

  const groff = spawnSync('groff', ['--version']).status === 0;
  it.skipIf(!groff)('is a page that groff has nothing to say about', () => {
    const { stderr, stdout } = spawnSync('groff', ['-man', '-Tutf8', '-ww', join(ROOT, 'man/mqlite.1')], { encoding: 'utf8', maxBuffer: 16 << 20 });
    expect(stderr).toBe('');
    expect(stdout.length).toBeGreaterThan(10_000);
  });
});
