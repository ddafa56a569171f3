import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE } from '../../src/broker/errors.ts';
import { readTruth, temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** The directory of a dead broker, as the README calls it. */
const BROKER_STORE = '/data/rocketmq/store';

interface Block {
  readonly line: number;
  readonly run: boolean;
  readonly onCluster: boolean;
  readonly text: string;
}

/** Fenced blocks of shell; those marked `sh run` are executed here, those marked `sh cluster` in test/interop/remote-readme.test.ts. */
function shellBlocks(): Block[] {
  return [...README.matchAll(/^```sh( \w+)?\n(.*?)^```$/gms)].map(({ 1: mark, 2: text, index }) => ({ line: README.slice(0, index).split('\n').length, run: mark === ' run', onCluster: mark === ' cluster', text: text! }));
}

/** A home of its own, with `mqlite` on the path as `npm link` puts it there. */
function makeHome(): { readonly home: string; readonly env: NodeJS.ProcessEnv } {
  const home = temporaryDirectory('readme');
  mkdirSync(join(home, 'bin'));
  symlinkSync(join(ROOT, 'bin/run.js'), join(home, 'bin/mqlite'));
  return { home, env: { PATH: `${join(home, 'bin')}${delimiter}${process.env['PATH']}`, HOME: home } };
}

describe('README', () => {
  it('every command in a block marked for running works, one after the other', () => {
    const { home, env } = makeHome();
    // What a reader has and we do not: a program that knows about payments.
    writeFileSync(join(home, 'was-it-paid.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const broker = unpackFixture('killed');
    const before = snapshotTree(broker);
    const blocks = shellBlocks().filter((block) => block.run);
    expect(blocks.length).toBeGreaterThan(5);
    const script = blocks.map(({ line, text }) => `echo "# line ${line}"\n${text.replaceAll(BROKER_STORE, broker)}`).join('\n');
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['--norc', '--noprofile', '-eu', '-o', 'pipefail', '-c', script], { cwd: home, env, encoding: 'utf8', timeout: 100_000 });
    expect({ status, reached: stdout.match(/^# line \d+$/gm)?.at(-1), stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, reached: `# line ${blocks.at(-1)!.line}`, stderr: '' });

    const output = Object.fromEntries(stdout.split(/^# line /m).slice(1).map((part) => [Number.parseInt(part, 10), part.slice(part.indexOf('\n') + 1)]));
    const outputOf = (command: string): string => output[blocks.find((block) => block.text.includes(command))!.line]!;
    expect(outputOf('seq 1 1000').split('\n')).toEqual(expect.arrayContaining(['first order', '1000']));
    expect(outputOf('seq 1 1000')).toMatch(/^sound: 1,001 records in 1 segment/m);
    expect(outputOf('--tag paid')).toMatch(/k-1 a\nb\n$/);
    expect(outputOf('--transaction')).toMatch(/committed {2,}payments.*\n.*committed {2,}payments|committed\tpayments/);
    expect(outputOf('--transaction')).toContain('asked about 0 transactions of payers');
    expect(outputOf('--execute')).toContain('reset 4 offsets, read back and right');
    expect(readFileSync(join(home, 'broker.conf'), 'utf8')).toContain(`storePathRootDir=${join(home, 'store')}\n`);
    expect(readFileSync(join(home, 'orders.ndjson'), 'utf8').trim().split('\n')).toHaveLength(readTruth().filter(({ topic }) => topic === 'Orders').length);
    // Looking at the broker's directory left no trace.
    expect(snapshotTree(broker)).toEqual(before);
  });

  it('every mqlite command is in a block that runs', () => {
    for (const { run, onCluster, text, line } of shellBlocks()) expect(run || onCluster || !/\bmqlite /.test(text.replaceAll(/#.*$/gm, '')), `line ${line}`).toBe(true);
  });

  it('the npm scripts, files and commands it names exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const [, name] of README.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name!]);
    for (const [, target] of README.matchAll(/\]\((?!https?:)([^)#]+)/g)) expect(existsSync(join(ROOT, target!)), target).toBe(true);
  });

  it('the exit codes are those of the error table', () => {
    const listed = [...README.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes]) => codes!.split(', ').map(Number));
    expect(listed).toEqual([0, ...new Set(Object.values(ERROR_TABLE).map(({ exitCode }) => exitCode).sort((left, right) => left - right)), 130, 143]);
  });
});
