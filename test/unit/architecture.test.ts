import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AUTO_CREATE_TOPIC, SCHEDULE_TOPIC, TIMER_TOPIC } from '../../src/broker/names.ts';
import { COMMAND_TABLE } from '../../src/cli/command-table.ts';
import { TRACE_TOPIC } from '../../src/record/trace.ts';
import { GIVE_UP_TOPIC, HALF_TOPIC, OP_HALF_TOPIC } from '../../src/record/transaction.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src');
const MAX_LINES = 400;

interface SourceFile {
  /** Relative to `src`, with `/`. */
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  /** The text without comments; strings stay. */
  readonly code: string;
  readonly imports: readonly string[];
}

const files = readSources();

/** What each layer may import of ours, itself included. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: ['base'],
  record: ['base', 'record'],
  filter: ['base', 'record', 'filter'],
  broker: ['base', 'record', 'filter', 'broker'],
  text: ['base', 'record', 'broker', 'text'],
  engine: ['base', 'record', 'filter', 'broker', 'engine'],
  wire: ['base', 'record', 'filter', 'broker', 'wire'],
  remote: ['base', 'record', 'filter', 'broker', 'wire', 'remote'],
  client: ['base', 'record', 'filter', 'broker', 'text', 'client'],
  tui: ['base', 'record', 'filter', 'broker', 'text', 'client', 'tui'],
  shell: ['base', 'record', 'filter', 'broker', 'text', 'client', 'shell'],
  commands: ['base', 'record', 'filter', 'broker', 'text', 'client', 'cli', 'commands'],
  cli: ['base', 'record', 'filter', 'broker', 'text', 'client', 'engine', 'remote', 'tui', 'shell', 'cli', 'commands'],
};

/** Layers that a command line without them never pays for: `cli` and `commands` reach them by `await import()` only. */
const LAZY_LAYERS = ['engine', 'remote', 'tui', 'shell'];

/** Where a module of Node's or of others may be imported. */
const PLACES: readonly { readonly module: RegExp; readonly allowed: readonly string[] }[] = [
  { module: /^(node:)?fs(\/|$)/, allowed: ['engine/files/', 'cli/'] },
  { module: /^(node:)?(net|tls)$/, allowed: ['remote/'] },
  { module: /^@oclif\/core/, allowed: ['commands/', 'cli/'] },
  { module: /^(ink|react)(\/|$)/, allowed: ['tui/'] },
  { module: /^(ora|cli-table3|chalk)$/, allowed: ['cli/'] },
];

/** Time comes from `base/clock.ts`. */
const CLOCK_ALLOWED: Readonly<Record<string, string>> = {
  'base/clock.ts': 'it is the clock',
  'cli/base-command.ts': 'the last resort after a signal, which must not hang on a clock a test holds still',
};

/** The environment comes from the host of `cli/host.ts`. */
const ENVIRONMENT_ALLOWED: Readonly<Record<string, string>> = {
  'cli/host.ts': 'it is the host',
  'cli/run-command.ts': 'a command that is run inherits what this process has',
};

describe('architecture', () => {
  it('sees the sources', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.find(({ path }) => path === 'broker/broker.ts')?.imports).toContain('record/message.ts');
  });

  it('imports point one way', () => {
    expect(violations((file) => file.imports.filter((target) => isOurs(target) && !(MAY_IMPORT[file.layer] ?? []).includes(layerOf(target))))).toEqual([]);
  });

  it('heavy layers are imported on use only', () => {
    const isEager = (file: SourceFile, target: string): boolean =>
      (file.layer === 'cli' || file.layer === 'commands') && LAZY_LAYERS.includes(layerOf(target)) && !isDynamic(file, target);
    expect(violations((file) => file.imports.filter((target) => isOurs(target) && isEager(file, target)))).toEqual([]);
  });

  it('input, output and frameworks have their places', () => {
    const misplaced = (file: SourceFile): string[] => file.imports.filter((target) =>
      PLACES.some(({ module, allowed }) => module.test(target) && !allowed.some((place) => file.path.startsWith(place))));
    expect(violations(misplaced)).toEqual([]);
  });

  it('files stay short', () => {
    expect(violations((file) => (file.text.split('\n').length > MAX_LINES ? [`${file.text.split('\n').length} lines`] : []))).toEqual([]);
  });

  it('nothing writes to the console', () => {
    expect(violations((file) => file.code.match(/\bconsole\.\w+/g) ?? [])).toEqual([]);
  });

  it('time comes from the clock', () => {
    const timeCalls = /\bDate\.now\b|\bnew Date\(\)|\bset(?:Timeout|Interval)\(/g;
    expect(violations((file) => (file.path in CLOCK_ALLOWED ? [] : file.code.match(timeCalls) ?? []))).toEqual([]);
  });

  it('the environment comes from the host', () => {
    expect(violations((file) => (file.path in ENVIRONMENT_ALLOWED ? [] : file.code.match(/\bprocess\.env\b/g) ?? []))).toEqual([]);
  });

  it('the name of a system topic is written in one place', () => {
    const places = (topic: string): string[] => files.filter(({ code }) => new RegExp(`['"\`]${topic}['"\`]`).test(code)).map(({ path }) => path);
    const topics = [AUTO_CREATE_TOPIC, SCHEDULE_TOPIC, TIMER_TOPIC, TRACE_TOPIC, HALF_TOPIC, OP_HALF_TOPIC, GIVE_UP_TOPIC];
    expect(topics.map((topic) => [topic, places(topic)]).filter(([, found]) => found!.length !== 1)).toEqual([]);
  });

  it('nothing is left for later', () => {
    expect(violations((file) => file.text.match(/\b(?:TODO|FIXME|XXX:)/g) ?? [])).toEqual([]);
  });

  it('the command table is the tree of commands', () => {
    const ids = files.filter(({ layer }) => layer === 'commands')
      .map(({ path }) => path.slice('commands/'.length, -'.ts'.length).replace(/\/index$/, '').replaceAll('/', ':'));
    expect(Object.keys(COMMAND_TABLE).sort()).toEqual(ids.sort());
  });
});

function readSources(): SourceFile[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((name) => {
      const path = name.replaceAll('\\', '/');
      const text = readFileSync(join(SOURCE, name), 'utf8');
      return { path, layer: layerOf(path), text, code: withoutComments(text), imports: importsOf(path, text) };
    });
}

/** Relative imports as paths from `src`, others as they are written. */
function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)|[rR]equire\('([^']+)'\)/gm)];
  return specifiers.map(([, ...groups]) => groups.find((group) => group !== undefined)!).map((target) =>
    target.startsWith('.') ? relative(SOURCE, resolve(dirname(join(SOURCE, path)), target)).replaceAll('\\', '/') : target);
}

function isDynamic(file: SourceFile, target: string): boolean {
  const name = target.slice(target.lastIndexOf('/') + 1);
  const statements = file.code.match(/^import (?!type\b)[^;]*?from\s+'[^']+'/gm) ?? [];
  return !statements.some((statement) => statement.endsWith(`/${name}'`));
}

function isOurs(target: string): boolean {
  return /\.tsx?$/.test(target);
}

function layerOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf('/')));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function violations(find: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => find(file).map((found) => `${file.path}: ${found}`));
}
