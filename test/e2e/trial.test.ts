import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/fixtures.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

const LAUNCHER = resolve(import.meta.dirname, '../../bin/run.js');

const home = temporaryDirectory('trial');
const store = join(home, 'store');
const file = join(home, 'file');
const rocksDb = join(home, 'rocksdb');

function mqlite(words: readonly string[], input: string | Buffer = '', env: Record<string, string> = {}) {
  const result = spawnSync(process.execPath, [LAUNCHER, ...words], {
    encoding: 'utf8', input, timeout: 20_000, env: { PATH: process.env['PATH'], HOME: home, MQLITE_STORE: store, ...env },
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** A pseudo-terminal; null where util-linux is not installed. `script` makes one without a size. */
function onTerminal(command: string): { readonly status: number | null; readonly text: string } | null {
  const result = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8', input: '', timeout: 20_000, env: { PATH: process.env['PATH'], HOME: home, MQLITE_STORE: store, MQLITE: `${process.execPath} ${LAUNCHER}`, SHELL: '/bin/sh' },
  });
  return result.error === undefined ? { status: result.status, text: result.stdout } : null;
}

beforeAll(() => {
  mqlite(['store', 'init', '--segment-size', '1m', '--index-slots', '100', '--index-entries', '1000', '--queue-file-entries', '1000']);
  const made = mqlite(['produce', 'orders'], 'first\nsecond\nthird\n');
  expect(made).toEqual({ status: 0, stdout: '', stderr: 'mqlite: topic orders is new and has 4 queues\nmqlite: 3 messages stored in orders\n' });
  expect(mqlite(['consume', 'orders', '--group', 'billing', '--until-end', '-q']).stdout.split('\n')).toHaveLength(4);
  writeFileSync(file, 'x');
  mkdirSync(join(rocksDb, 'commitlog'), { recursive: true });
  mkdirSync(join(rocksDb, 'consumequeue'));
  writeFileSync(join(rocksDb, 'consumequeue', 'CURRENT'), '');
});

type Row = readonly [words: string, exitCode: number, message: string, hint?: string];

/** What a new user types wrong. `~` stands for the temporary directory. Words are cut at spaces; `_` is a space within one. */
const MISTAKES: readonly Row[] = [
  ['prodcue x y', 2, 'unknown command "prodcue"', 'Did you mean "produce"?'],
  ['topic list', 2, 'unknown command "topic"', 'Did you mean "topics list"?'],
  ['topics lst', 2, 'unknown command "topics lst"', 'Did you mean "topics list"?'],
  ['--read-only topics list', 2, 'expected a command before --read-only', 'Flags go behind the command: mqlite topics list --json'],
  ['produce', 2, 'missing TOPIC', 'Usage: mqlite produce TOPIC [BODY] [flags]'],
  ['consume', 2, 'missing TOPIC', 'Usage: mqlite consume TOPIC... [flags]'],
  ['offsets import', 2, 'missing FILE', 'Usage: mqlite offsets import FILE [flags]'],
  ['produce orders hi there', 2, 'unexpected argument "there"', 'Usage: mqlite produce TOPIC [BODY] [flags] (quote a BODY with spaces)'],
  ['store init ~/new', 2, 'unexpected argument "~/new"', 'Name the directory with --store: mqlite store init --store DIR'],
  ['produce orders hi --tga x', 2, 'unknown flag --tga', 'Did you mean "--tag"?'],
  ['produce orders hi --queue x', 2, '--queue: "x" is not a whole number', 'For example --queue 10.'],
  ['produce orders hi --queue -1', 2, '--queue: -1 is too small', 'Write a whole number from 0 on.'],
  ['produce orders hi --queue 9', 3, 'topic orders has no queue 9 to write to', 'Its queues are 0 to 3'],
  ['produce orders hi --flush maybe', 2, '--flush: "maybe" is none of its values', 'Write one of async, sync.'],
  ['produce orders hi --json=1', 2, '--json takes no value', 'Write --json, or leave it out.'],
  ['produce orders hi --rate fast', 2, '--rate: "fast" is not a rate', 'Write messages per unit of time, for example 1000/s or 30/m.'],
  ['produce orders hi --timeout 5', 2, '--timeout: "5" is not a duration', 'Write a number with a unit (ms, s, m, h, d), for example 500ms, 30s or 1h30m.'],
  ['produce orders hi --read-only', 2, '--read-only: "produce" would write', 'Leave out --read-only to let it.'],
  ['produce orders hi --store a --namesrv b:1', 2, '--store and --namesrv name two targets', 'Give one of --store, --namesrv and --profile.'],
  ['produce orders --file ~', 2, '--file ~: it is a directory'],
  ['produce orders --file ~/none', 3, '--file ~/none: no such file or directory'],
  ['produce ordrs hi --no-create', 3, 'there is no topic ordrs', 'Did you mean orders?'],
  ['produce bad_topic hi', 2, "illegal character ' ' (U+0020) at position 4 of the topic name", 'Allowed are letters, digits, "_", "-", "%" and "|"'],
  ['produce SCHEDULE_TOPIC_XXXX hi'.replaceAll('_', '\u0000'), 5, "SCHEDULE_TOPIC_XXXX is one of RocketMQ's own topics: nothing may be sent to it"],
  ['topics list --namesrv 127.0.0.1:9', 4, 'name server 127.0.0.1:9: nobody listens there', 'Is it running, and is the port right?'],
  ['consume ordrs', 3, 'topic ordrs does not exist', 'Did you mean "orders"?'],
  ['consume orders --queue 7 --until-end', 3, 'orders: there is no queue 7', 'The queues are 0 to 3.'],
  ['consume orders --from yesterday', 2, '--from: "yesterday" is not a position', 'Write first, last, committed, a queue offset, -N (the last N), @TIME (@2026-01-31T12:00:00Z) or @-1h.'],
  ['consume orders --from @2026-13-45', 2, '--from: "2026-13-45" is not a time', 'Write RFC 3339 (2026-01-31T12:00:00Z), epoch milliseconds, -1h, or yyyy-MM-dd#HH:mm:ss:SSS.'],
  ['consume orders --from 5 --to 2', 2, '--to lies before --from', '--from is the first position wanted, --to the first one not wanted.'],
  ['consume orders --from committed', 2, '"committed" is a position of a group', 'Name the group with --group.'],
  ['consume orders --group billing --from last', 2, '--from: group billing has committed offsets on orders and goes on from them', 'To start elsewhere: mqlite offsets reset billing orders --to first --execute'],
  ['consume orders --grep (', 2, '--grep: Invalid regular expression: /(/u: Unterminated group', 'JavaScript regular expressions are understood; quote it for the shell.'],
  ['consume orders --format %q', 2, '--format, character 1: unknown verb "%q"', '%q\n  ^'],
  ['consume orders --sql a>5&b', 2, '--sql, character 4: "&" is not understood', 'a>5&b\n     ^'],
  ['consume orders --sql a>5 --tag A', 2, '--tag and --sql exclude each other', 'In SQL92 the tag is the property TAGS, for example --sql "TAGS = \'A\' AND a > 5".'],
  ['consume orders -X foo=1', 2, '-X foo: no such setting', '"mqlite config" lists the names.'],
  ['consume orders --count 99999999999999999999', 2, '--count: the number is too large', 'Write at most 9007199254740991.'],
  ['consume orders --until-end --grep nothing --count 1000', 1, '0 of 1,000 messages', 'The stream ended before --count was reached.'],
  ['consume orders --profile nope', 3, '--profile: there is no profile "nope"', 'List them with "mqlite profile list".'],
  ['consume orders --store ~/none', 3, '~/none does not exist', 'Give the directory that holds commitlog/, or make one with "mqlite store init"'],
  ['consume orders --store ~', 3, '~ is not a RocketMQ store (no commitlog/ and no config/ in it)', 'Give the directory that holds commitlog/, or make one with "mqlite store init"'],
  ['consume orders --store ~/file', 3, '~/file is not a directory', 'Give the directory that holds commitlog/, or make one with "mqlite store init"'],
  ['store verify --store ~/file', 3, '~/file is not a directory', 'Give the directory that holds commitlog/, or make one with "mqlite store init"'],
  ['topics list --store ~/rocksdb', 7, '~/rocksdb/consumequeue holds RocksDB queues, which mqlite cannot read', 'Only file stores (storeType=default) are supported; start the broker of this store and use "--namesrv"'],
  ['store init', 5, '~/store is a store already', 'See it with "mqlite store info"; a store keeps the sizes it was made with'],
  ['store dump nope', 2, '"nope" is not a family of files', 'Give one of commitlog, consumequeue, index, checkpoint, topics, offsets, state.'],
  ['store dump consumequeue --queue 1', 2, '--queue needs --topic', 'See the flags with --help.'],
  ['store info --namesrv x:1', 2, '"store info" works on a store directory, not on a cluster (cluster x:1 (--namesrv))', 'Name a directory with --store DIR.'],
  ['topics create orders', 5, 'topic orders exists already', 'Change it with "mqlite topics alter orders"'],
  ['groups show biling', 3, 'there is no group "biling" in ~/store', 'Did you mean "billing"?'],
  ['offsets reset billing orders', 2, 'missing --to', 'Write --to first, last, @TIME, @-1h, an offset, +N or -N.'],
  ['offsets reset billing orders --to banana', 2, '--to: "banana" is not a place in a queue', 'Write first, last, @TIME (@2026-01-31T12:00:00Z), @-1h, an offset, +N or -N.'],
  ['message get nope --topic orders', 3, 'no message in topic "orders" has the id nope', 'Leave out --topic to look everywhere.'],
  ['message find orders', 2, 'nothing to look for', 'Give --key, --from or --to.'],
  [`produce orders --file ${'n'.repeat(300)}`, 2, `--file ${'n'.repeat(300)}: the name is too long`],
  ['tx check', 2, 'missing --group and --exec', 'See the flags with --help.'],
  ['tx check --group g', 2, 'missing --exec', 'See the flags with --help.'],
  ['bench produce --size 0', 2, '--size 0: RocketMQ refuses empty bodies', 'Write a size from 1 on.'],
  ['shell --store ./store --namesrv x:1', 2, '--store and --namesrv name two targets', 'Give one of --store, --namesrv and --profile.'],
  ['delay list nope', 3, 'topic nope does not exist', 'List topics with "mqlite topics list"'],
  ['groups create billing', 5, 'group billing exists already', 'See it with "mqlite groups show billing"'],
  ['produce orders hi -X pullBatchSize=1', 2, '-X pullBatchSize has no effect in this command, but in "consume" and "bench consume"', 'It counts in consume --group; when it is not set as much as is fast is read at a time.'],
  ['config nope', 3, 'there is no setting nope', '"mqlite config" lists them all.'],
];

describe('what a new user types wrong', () => {
  const words = (line: string): string[] => line.replaceAll('~', home).split(' ').map((word) => word.replace(/(?<=bad)_/, ' ').replaceAll('\u0000', '_'));

  it.each(MISTAKES.map((row) => [row[0].replaceAll('\u0000', '_'), row] as const))('mqlite %s', (_name, [line, exitCode, message, hint]) => {
    const before = snapshotTree(home);
    const expected = `mqlite: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`.replaceAll('~', home);
    expect(mqlite(words(line))).toEqual({ status: exitCode, stdout: '', stderr: expected });
    const [json, ...more] = mqlite([...words(line), '--json']).stderr.split('\n').slice(0, -1);
    if (!line.includes('--json')) expect([more, JSON.parse(json!)]).toMatchObject([[], { error: { exitCode } }]);
    expect(changed(before, snapshotTree(home))).toEqual([]);
  });

  /** Files whose content or place changed; attaching writers touch the times of directories and the state of mqlite. */
  function changed(before: Record<string, string>, after: Record<string, string>): string[] {
    const names = new Set([...Object.keys(before), ...Object.keys(after)].filter((name) => /^(store\/(commitlog|consumequeue|index|config)|file|rocksdb)/.test(name)));
    const content = (row: string | undefined): string | undefined => row?.replace(/ \d{15,}(?= |$)/, '');
    return [...names].filter((name) => content(before[name]) !== content(after[name]));
  }
});

describe('on a terminal', () => {
  it('one without a size ends, too: spinners stay away', () => {
    const result = onTerminal('$MQLITE store verify');
    if (result === null) return;
    expect(result.status).toBe(0);
    expect(result.text).toMatch(/^sound: 3 records/);
  });

  it('bytes of a message that a terminal would obey are shown, in every command', () => {
    const target = ['--store', join(home, 'evil')];
    mqlite(['store', 'init', ...target, '--segment-size', '1m', '--index-slots', '100', '--index-entries', '1000']);
    const evil = '\u001b]52;c;aGk=\u0007\u001b[31m\u202e\u009b';
    const body = join(home, 'body');
    writeFileSync(body, Buffer.concat([Buffer.from(evil), Buffer.from([0xff, 0x00])]));
    expect(mqlite(['produce', 'evil', '--file', body, '--tag', `t${evil}`, '--key', `k${evil}`, '--property', `p=${evil}`, ...target]).status).toBe(0);
    for (const command of ['consume evil --until-end', 'consume evil --until-end --json', 'consume evil --until-end --format "%k %g %v %h{%k=%v }"', 'tail evil --from first --until-end', 'tail --commitlog --from first --until-end --body', 'tail --commitlog --from first --until-end --json --body', 'store dump commitlog', 'message find evil --from @-1h --json', 'message find evil --from @-1h']) {
      const result = onTerminal(`$MQLITE ${command} --no-color --store ${join(home, 'evil')}`);
      if (result === null) return;
      expect(result.status, command).toBe(0);
      // oxlint-disable-next-line no-control-regex -- control characters are the point
      expect(result.text.replace(/\r\n/g, '\n'), command).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it('produce without a body does not wait for typing', () => {
    const result = onTerminal('$MQLITE produce orders');
    if (result === null) return;
    expect([result.status, result.text.split('\r\n')[0]]).toEqual([2, 'mqlite: no BODY, and standard input is a terminal']);
  });
});

describe('pipes', () => {
  it('a reader that has enough is no error, a full disk is one', () => {
    const shell = (command: string) => spawnSync('/bin/bash', ['--norc', '-c', command], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: home, MQLITE_STORE: store, MQLITE: `${process.execPath} ${LAUNCHER}` } });
    expect(shell('$MQLITE consume orders --until-end | head -1; echo ${PIPESTATUS[0]}')).toMatchObject({ stdout: 'first\n0\n', stderr: '' });
    if (process.platform === 'linux') expect(shell('$MQLITE consume orders --until-end > /dev/full')).toMatchObject({ status: 8, stderr: 'mqlite: standard output: no space left on the device\n' });
  });

  it('NAMESRV_ADDR redirects nothing, and is answered with a hint where the default store is meant', () => {
    expect(mqlite(['topics', 'list'], '', { NAMESRV_ADDR: 'x:1' })).toMatchObject({ status: 0, stderr: '' });
    const { status, stderr } = mqlite(['topics', 'list'], '', { NAMESRV_ADDR: 'x:1', MQLITE_STORE: '' });
    expect([status, stderr.split('\n')[0]]).toEqual([3, expect.stringContaining('NAMESRV_ADDR is set, but mqlite works on the local store')]);
  });
});
