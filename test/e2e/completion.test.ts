import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { cleanEnvironment, outputOf, runCli, startCli } from '../support/processes.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let home: string;
let store: string;
let env: Record<string, string>;

beforeAll(() => {
  home = temporaryDirectory('completion');
  store = join(home, 'shop');
  mkdirSync(join(home, 'bin'));
  symlinkSync(join(ROOT, 'bin/run.js'), join(home, 'bin/mqlite'));
  env = { HOME: home, MQLITE_STORE: store, PATH: `${join(home, 'bin')}${delimiter}${process.env['PATH']}` };
  outputOf(['produce', 'orders', 'a', '--tag', 'created'], { env });
  outputOf(['produce', 'Mail-1', 'a'], { env });
  outputOf(['groups', 'create', 'billing'], { env });
  outputOf(['profile', 'create', 'dev', '--store', store], { env });
  writeFileSync(join(home, 'a file.txt'), '');
  mkdirSync(join(home, 'a-dir'));
});

const has = (program: string): boolean => spawnSync('/bin/sh', ['-c', `command -v ${program}`]).status === 0;

/** What bash would offer for a line whose words are as bash parts them; the cursor is at the end. */
function bash(...words: string[]): string[] {
  return bashWith('', ...words);
}

/** The same behind what a person has in the start-up file. */
function bashWith(settings: string, ...words: string[]): string[] {
  const line = words.reduce((text, word, index) => text + (index === 0 || /^[=:]$/.test(word) || /[=:]$/.test(text) ? '' : ' ') + word, '');
  const script = `
    source <(mqlite completion bash) || exit 9
    ${settings}
    COMP_WORDS=(${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')})
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMP_LINE=$1; COMP_POINT=\${#COMP_LINE}
    _mqlite
    for word in "\${COMPREPLY[@]}"; do printf '%s\\n' "$word"; done`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '--noprofile', '-c', script, 'bash', line], { encoding: 'utf8', cwd: home, env: cleanEnvironment(env) });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').slice(0, -1);
}

describe('the script for bash', () => {
  it.each<[string[], string[]]>([
    [['mqlite', 'cons'], ['consume']],
    [['mqlite', 'topics', ''], ['alter', 'create', 'delete', 'list', 'show']],
    [['mqlite', 'topics', 'show', ''], ['Mail-1', 'orders']],
    [['mqlite', 'consume', 'orders', '--unt'], ['--until-end']],
    [['mqlite', 'consume', 'orders', '--group', ''], ['billing']],
    [['mqlite', 'consume', 'orders', '--group', '=', 'b'], ['billing']],
    [['mqlite', 'consume', 'orders', '--tag', ''], ['created']],
    [['mqlite', 'consume', 'orders', '--mode', '=', ''], ['push', 'pull']],
    [['mqlite', 'topics', 'list', '--profile', ''], ['dev']],
    [['mqlite', 'topics', 'show', '--namesrv', 'localhost', ':', '1', ''], []],
    [['mqlite', 'topics', 'list', '--store', 'a'], ['a-dir']],
    [['mqlite', 'produce', 'orders', '--file', 'a'], ['a file.txt', 'a-dir']],
    [['mqlite', 'produce', 'orders', '-X', 'sendMsgT'], ['sendMsgTimeout=']],
    [['mqlite', 'xyzzy', ''], []],
    [['mqlite', 'topics', 'show', '--store', './nowhere', ''], []],
  ])('%j', (words, expected) => {
    expect(bash(...words).sort()).toEqual([...expected].sort());
  });

  it.each(['', 'shopt -s nullglob', 'shopt -s failglob'])('expands no patterns: %s', (settings) => {
    const patterns = join(home, 'patterns');
    for (const tag of ['*', '[ab]*']) outputOf(['produce', 'orders', 'a', '--tag', tag, '--store', patterns], { env });
    expect(bashWith(settings, 'mqlite', 'consume', 'orders', '--store', patterns, '--tag', '')).toEqual(['\\*', '\\[ab\\]\\*']);
    writeFileSync(join(home, 'z [ab]*'), '');
    expect(bashWith(settings, 'mqlite', 'produce', 'orders', '--file', 'z')).toEqual(['z [ab]*']);
  });
});

describe('the other scripts', () => {
  it.runIf(has('zsh'))('zsh reads its own', () => {
    const { status, stderr } = spawnSync('zsh', ['-f', '-c', 'autoload -Uz compinit && compinit -D && source <(mqlite completion zsh) && [[ -n $functions[_mqlite] ]]'], { encoding: 'utf8', env: cleanEnvironment(env) });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.runIf(has('fish'))('fish completes by its own', () => {
    const { stdout } = spawnSync('fish', ['-c', "mqlite completion fish | source; complete -C 'mqlite topics show '"], { encoding: 'utf8', cwd: home, env: cleanEnvironment(env) });
    expect(stdout.split('\n').filter(Boolean).map((line) => line.trim())).toEqual(['Mail-1', 'orders']);
  });

  it('an unknown shell is refused', () => {
    expect(runCli(['completion', 'tcsh'], { env })).toMatchObject({ status: 2, stdout: '' });
    expect(runCli(['completion', 'bash', '--json'], { env })).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('candidates', () => {
  const candidates = (words: readonly string[], more: Record<string, string> = {}) => runCli(['completion', 'candidates', '--', ...words], { env: { ...env, ...more } });

  it('are a value a line, and what it is', () => {
    expect(candidates(['cons'])).toEqual({ status: 0, stderr: '', stdout: 'consume\tPrint messages: browse topics, or take part in a group\n' });
    expect(candidates(['topics', 'show', '--json', ''])).toEqual({ status: 0, stderr: '', stdout: 'Mail-1\t\norders\t\n' });
  });

  it('read the words as they were typed', () => {
    const values = (...words: string[]): string[] => candidates(words).stdout.split('\n').slice(0, -1).map((line) => line.split('\t')[0]!);
    expect(values('consume', 'orders', '--')).toContain('--until-end');
    expect(values('produce', 'orders', '-X', 'sendMsgTimeout=1', '-X', 'sendMsgT')).toEqual(['sendMsgTimeout=']);
    expect(values('consume', 'orders', '--group', 'orders', '--tag', 'orders', '--mode', '')).toEqual(['push', 'pull']);
    expect(values('consume', 'orders', '--exec', '--', '')).toEqual([':files']);
    expect(values('consume', 'orders', '--group', 'g', '--exec', '--', 'cat', '--')).toEqual([':files']);
  });

  it('never say what is wrong', () => {
    for (const words of [['topics', 'show', '--store', '/nowhere', ''], ['topics', 'show', '--profile', 'nobody', ''], ['topics', 'show', '--namesrv', 'bad address', ''], []]) {
      expect(candidates(words)).toMatchObject({ status: 0, stderr: '' });
    }
    writeFileSync(join(home, 'not-a-directory'), '');
    expect(candidates(['topics', 'show', ''], { XDG_CONFIG_HOME: join(home, 'not-a-directory') })).toMatchObject({ status: 0, stderr: '' });
  });

  it('looking them up writes nothing, and a name that a terminal would obey is none', () => {
    const broker = unpackFixture('killed');
    const before = snapshotTree(broker);
    expect(candidates(['topics', 'show', '--store', broker, 'Ord']).stdout).toBe('Orders\t\nOrdersFifo\t\n');
    expect(candidates(['consume', 'Orders', '--store', broker, '--tag', '']).status).toBe(0);
    expect(snapshotTree(broker)).toEqual(before);
  });

  it('of a cluster that does not answer there are none, and nobody waits for it', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((started) => silent.listen(0, '127.0.0.1', started));
    try {
      const { port } = silent.address() as AddressInfo;
      const startedMs = performance.now();
      const child = startCli(['completion', 'candidates', '--', 'topics', 'show', '--namesrv', `127.0.0.1:${port}`, ''], { env, input: '' });
      expect([await child.finish(), child.lines, child.stderr]).toEqual([{ code: 0, signal: null }, [], '']);
      // The request would be waited for 3 s; the rest is room for a slow machine.
      expect(performance.now() - startedMs).toBeLessThan(2500);
    } finally {
      silent.close();
    }
  });
});
