import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { Child, CLI, cleanEnvironment, jsonLines, outputOf, runCli, runShell, startCli } from '../support/processes.ts';

const newStore = (): string => path.join(temporaryDirectory('cli'), 'store');
const errorOf = (stderr: string): { code: string; exitCode: number; message: string; hint: string | null } => {
  const lines = stderr.trim().split('\n');
  return (JSON.parse(lines.at(-1)!) as { error: { code: string; exitCode: number; message: string; hint: string | null } }).error;
};

describe('exit codes', () => {
  const store = newStore();
  outputOf(['produce', 't'], { store, input: 'one\ntwo\nthree\n' });

  it('0: done', () => {
    expect(runCli(['consume', 't', '--until-end'], { store })).toEqual({ status: 0, stdout: 'one\ntwo\nthree\n', stderr: '' });
  });

  // Node's own mkdir with `recursive` never comes back from there.
  it.runIf(process.platform === 'linux')('8: where no directory can be made, at once; a cache that cannot be kept is done without', () => {
    const run = (words: readonly string[], env: Readonly<Record<string, string>>) =>
      spawnSync(CLI[0], [CLI[1], ...words], { env: cleanEnvironment(env), encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL', input: '' });
    const { status, stderr } = run(['produce', 't', 'x', '--store', '/proc/mqlite/store'], {});
    expect({ status, stderr: stderr.trim().split('\n') }).toEqual({ status: 8, stderr: [expect.stringContaining('/proc/mqlite')] });
    expect(run(['topics', 'list', '--store', store], { XDG_CACHE_HOME: '/proc/mqlite' }).status).toBe(0);
  });

  it('1: fewer than --count, and damage found', () => {
    const { status, stdout } = runCli(['consume', 't', '--count', '5', '--until-end'], { store });
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'one\ntwo\nthree\n' });
    const copy = unpackFixture('clean');
    const log = path.join(copy, 'commitlog', '00000000000000000000');
    const fd = fs.openSync(log, 'r+');
    const byte = Buffer.alloc(1);
    fs.readSync(fd, byte, 0, 1, 100);
    byte[0]! ^= 1;
    fs.writeSync(fd, byte, 0, 1, 100);
    fs.closeSync(fd);
    const verify = runCli(['store', 'verify'], { store: copy });
    expect(verify.status).toBe(1);
    expect(verify.stdout + verify.stderr).toContain('00000000000000000000');
    const consume = runCli(['consume', 'Orders', '--until-end'], { store: copy });
    expect(consume.status).toBe(1);
    expect(consume.stdout.split('\n')).toHaveLength(40);
    expect(consume.stderr).toContain('damaged');
  });

  it.each<[string, string[], string]>([
    ['an unknown flag', ['produce', 't', 'x', '--nope'], ''],
    ['an unknown command', ['prodce', 't'], ''],
    ['no topic', ['produce'], ''],
    ['a topic with illegal characters', ['produce', 'a b', 'x'], ''],
    ['a topic of 128 characters', ['produce', 'a'.repeat(128), 'x'], ''],
    ['an empty topic', ['produce', '', 'x'], ''],
    ['an empty body', ['produce', 't', ''], ''],
    ['a body of 4 MiB + 1', ['produce', 't'], 'a'.repeat(4 * 1024 * 1024 + 1)],
    ['a bad line of NDJSON', ['produce', 't', '--json-input'], '{"body":"ok"}\nnope\n'],
    ['a property that is the system\'s', ['produce', 't', 'x', '--property', 'UNIQ_KEY=1'], ''],
    ['a bad tag expression', ['consume', 't', '--tag', 'A | B'], ''],
    ['a bad position', ['consume', 't', '--from', 'yesterday'], ''],
    ['two targets', ['topics', 'list', '--namesrv', 'h:1', '--store', 's'], ''],
    ['--read-only with a write', ['produce', 't', 'x', '--read-only'], ''],
  ])('2: %s, in one line with a hint', (_, args, input) => {
    const { status, stdout, stderr } = runCli([...args, '--json'], { store, input });
    const error = errorOf(stderr);
    expect({ status, exitCode: error.exitCode }).toEqual({ status: 2, exitCode: 2 });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(error.message).not.toBe('');
    expect(error.hint === null || error.hint.length > 5).toBe(true);
    expect(jsonLines<{ status?: string }>(stdout).filter((line) => line.status === 'SEND_OK').length).toBe(input.startsWith('{') ? 1 : 0);
  });

  it.each<[string, string[]]>([
    ['topic', ['consume', 'nothere', '--until-end']], ['topic under --no-create', ['produce', 'nothere', 'x', '--no-create']], ['group', ['groups', 'show', 'nothere']],
    ['message', ['message', 'get', '7F00000100002A9F0000000000FFFFFF']], ['topic', ['topics', 'show', 'nothere']],
    ['queue', ['consume', 't', '--queue', '9', '--until-end']],
  ])('3: no such %s', (_, args) => {
    expect(runCli([...args, '--json'], { store })).toMatchObject({ status: 3, stdout: '' });
  });

  it('3: no such queue to send to, said of the line', () => {
    const { status, stdout, stderr } = runCli(['produce', 't', 'x', '--queue', '9', '--json'], { store });
    expect([status, errorOf(stderr).exitCode, jsonLines<{ error?: { code: string } }>(stdout).map(({ error }) => error?.code)]).toEqual([3, 3, ['NOT_FOUND']]);
  });

  it('3: no such store; 7: a directory of another kind', () => {
    expect(runCli(['topics', 'list'], { store: path.join(store, 'nothere') })).toMatchObject({ status: 3, stdout: '' });
    const other = temporaryDirectory('other');
    fs.writeFileSync(path.join(other, 'file'), 'x');
    expect(runCli(['produce', 't', 'x'], { store: other }).status).toBe(3);
    expect(fs.readdirSync(other)).toEqual(['file']);
    const rocks = newStore();
    fs.mkdirSync(path.join(rocks, 'consumequeue'), { recursive: true });
    fs.mkdirSync(path.join(rocks, 'commitlog'));
    fs.writeFileSync(path.join(rocks, 'consumequeue', 'CURRENT'), 'MANIFEST-000004\n');
    expect(runCli(['consume', 't', '--json'], { store: rocks })).toMatchObject({ status: 7, stdout: '' });
  });

  it('5: refused: a topic without permission, a system topic', () => {
    outputOf(['topics', 'create', 'sealed'], { store });
    outputOf(['topics', 'alter', 'sealed', '--perm', '4'], { store });
    expect(runCli(['produce', 'sealed', 'x'], { store })).toMatchObject({ status: 5 });
  });

  it('8: standard output on a full disk', () => {
    expect(runShell('$MQLITE consume t --until-end > /dev/full', { store })).toMatchObject({ status: 8, stderr: expect.stringContaining('no space') as string });
  });

  it.each<[NodeJS.Signals, number]>([['SIGINT', 130], ['SIGTERM', 143]])('%s: %i, and the store is closed', async (signal, code) => {
    const own = newStore();
    const producer = startCli(['produce', 't'], { store: own });
    await producer.write('a line\n');
    await sleep(600);
    const consumer = startCli(['consume', 't', '--group', 'g'], { store: own });
    await consumer.until(() => consumer.lines.length === 1, 'the line');
    for (const child of [consumer, producer]) {
      child.kill(signal);
      expect(await child.finish()).toEqual({ code, signal: null });
    }
    expect(fs.existsSync(path.join(own, 'abort'))).toBe(false);
    expect(outputOf(['consume', 't', '--group', 'g', '--until-end'], { store: own })).toBe('');
  });

  it.each(['consume t --until-end', 'consume t --group piped --until-end', 'tail t --from first --until-end --json', 'tail --commitlog --from first --until-end', 'store dump commitlog'])('0 when the reader closes the pipe: %s | head -1', (words) => {
    const { status, stdout, stderr } = runShell(`$MQLITE ${words} | head -1; echo "\${PIPESTATUS[0]}"`, { store, input: '' });
    const lines = stdout.trim().split('\n');
    expect({ status, last: lines.at(-1), stderr }).toEqual({ status: 0, last: '0', stderr: '' });
    expect(lines).toHaveLength(2);
  });
});

describe('pipes', () => {
  it.each(['consume t', 'consume t --group g', 'tail t --from first', 'tail --commitlog --from first'])('a follower ends, 0, with the first message that nobody reads any more: %s', async (words) => {
    const store = newStore();
    outputOf(['produce', 't', 'one'], { store });
    const shell = new Child('/bin/bash', ['-c', `${CLI.join(' ')} ${words} | head -1; echo "\${PIPESTATUS[0]}"`], cleanEnvironment({ MQLITE_STORE: store }));
    await shell.until(() => shell.lines.length === 1, 'the first message');
    await sleep(100);
    outputOf(['produce', 't', 'two'], { store });
    await shell.finish();
    expect([shell.lines.at(-1), shell.stderr]).toEqual(['0', '']);
  });

  it('carry 100,000 lines through a store, unchanged and in order per queue', () => {
    const store = newStore();
    const { status, stdout, stderr } = runShell('set -eo pipefail; seq 1 100000 | $MQLITE produce big -q; $MQLITE consume big --until-end | sort -n | md5sum; seq 1 100000 | md5sum; $MQLITE consume big --queue 0 --until-end | sort -nc', { store });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [got, sent] = stdout.trim().split('\n');
    expect(got).toBe(sent);
    expect(outputOf(['store', 'verify', '--json'], { store })).toContain('"damageCount":0');
  });

  it('copy a topic, message by message, through JSON', () => {
    const store = newStore();
    const bodies = [Buffer.from([0, 1, 2, 255, 254]), Buffer.from('é\u{1f600}'), Buffer.from('x'.repeat(70_000))];
    const directory = temporaryDirectory('bodies');
    for (const [index, body] of bodies.entries()) {
      fs.writeFileSync(path.join(directory, String(index)), body);
      outputOf(['produce', 'from', '--file', path.join(directory, String(index)), '--tag', 'T', '--key', `k${index}`, '--property', 'n=v'], { store });
    }
    const { status, stderr } = runShell('set -eo pipefail; $MQLITE consume from --until-end --json | $MQLITE produce to --json-input -q', { store });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const of = (topic: string): unknown[] => jsonLines<Record<string, unknown>>(outputOf(['consume', topic, '--until-end', '--json'], { store }))
      .map(({ body, bodyEncoding, tags, keys, properties }) => ({ body, bodyEncoding, tags, keys, n: (properties as Record<string, string>)['n'] })).sort((a, b) => (String(a.keys) < String(b.keys) ? -1 : 1));
    expect(of('to')).toEqual(of('from'));
    expect(of('to')[0]).toEqual({ body: bodies[0]!.toString('base64'), bodyEncoding: 'base64', tags: 'T', keys: ['k0'], n: 'v' });
    // Raw bytes on a pipe.
    expect(runShell('$MQLITE consume from --until-end --count 1 | od -An -tx1', { store }).stdout.trim()).toBe('00 01 02 ff fe 0a');
  });

  it('a slow standard input does not stall: a line is readable within 100 ms while it stays open', async () => {
    const store = newStore();
    outputOf(['produce', 'other', 'x'], { store });
    outputOf(['topics', 'create', 'slow'], { store });
    const producer = startCli(['produce', 'slow', '--json'], { store });
    const follower = startCli(['consume', 'slow'], { store });
    await producer.write('warm up\n');
    await follower.until(() => follower.lines.length === 1, 'the first line');
    const delaysMs: number[] = [];
    for (let index = 0; index < 20; index++) {
      await sleep(30);
      const sent = process.hrtime.bigint();
      await producer.write(`${index}\n`);
      await follower.until(() => follower.lines.length === index + 2, 'the line');
      delaysMs.push(Number(follower.arrivedNs[index + 1]! - sent) / 1e6);
      expect(producer.lines.length).toBeGreaterThanOrEqual(index + 1);
    }
    // What stalls, stalls each of them; what else the machine does delays some.
    delaysMs.sort((left, right) => left - right);
    expect(delaysMs[10], delaysMs.map((delay) => delay.toFixed(0)).join(' ')).toBeLessThanOrEqual(100);
    producer.end();
    expect(await producer.finish()).toEqual({ code: 0, signal: null });
    follower.kill('SIGINT');
    await follower.finish();
  });

  it('-q says nothing, and errors all the same; -v says more; --json keeps data and errors apart', () => {
    const store = newStore();
    expect(runCli(['produce', 't', 'x', '-q'], { store })).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(runCli(['produce', 't', 'x'], { store }).stderr).toMatch(/stored in t, queue \d, offset \d/);
    expect(runCli(['consume', 'nothere', '-q'], { store }).stderr).not.toBe('');
    expect(runCli(['produce', 't', 'x', '--json'], { store })).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\{"line":1,"status":"SEND_OK",.*\}\n$/) as string });
  });
});

describe('a terminal', () => {
  it('is shown control characters, OSC 52 and bidi overrides escaped, wherever they stand; a pipe gets the bytes', () => {
    const store = newStore();
    const hostile = '\u001b]52;c;aGFjaw==\u0007\u001b]0;title\u0007\u001b[31mred\u202egnp.exe\u009b2J';
    const line = JSON.stringify({ body: `body${hostile}`, keys: [`key${hostile}`.replaceAll(' ', '')], tags: `tag${hostile}`, properties: { evil: `value${hostile}` } });
    outputOf(['produce', 't', '--json-input'], { store, input: `${line}\n` });
    const commands = ['consume t --until-end', String.raw`consume t --until-end --format '%v %k %g %h{%k=%v }\n'`, 'tail t --from first --until-end', 'tail --commitlog --from first --until-end --body', 'message find t --from @0'];
    for (const words of commands) {
      // `script` runs it with a terminal for its output.
      const shown = runShell(`script -qec "$MQLITE ${words.replaceAll('"', '\\"')}" /dev/null < /dev/null`, { store });
      expect(shown.status, words).toBe(0);
      expect(shown.stdout.length, words).toBeGreaterThan(10);
      // Colours of our own are fine: SGR sequences are taken out before the look.
      const left = shown.stdout.replace(/\u001b\[\d*(;\d+)*m/g, (sequence) => (sequence === '\u001b[31m' ? sequence : ''));
      expect(left, words).not.toMatch(/[\u001b\u0007\u202e\u009b]/);
    }
    expect(outputOf(['consume', 't', '--until-end'], { store })).toBe(`body${hostile}\n`);
    const refused = runShell(`script -qec "$MQLITE consume $'no\\x1b[31mpe'" /dev/null < /dev/null`, { store });
    expect(refused.stdout).not.toContain('\u001b[31m');
  });
});

describe('a consumer group', () => {
  it('goes on after a restart where it ended, and after kill -9 before what was not written out', async () => {
    const store = newStore();
    const produce = (from: number, to: number): void => {
      outputOf(['produce', 't', '-q'], { store, input: Array.from({ length: to - from }, (_, index) => `${from + index}\n`).join('') });
    };
    const seen = new Map<number, number>();
    const see = (lines: readonly string[]): void => {
      for (const line of lines) if (line !== '') seen.set(Number(line), (seen.get(Number(line)) ?? 0) + 1);
    };
    produce(0, 3000);
    see(outputOf(['consume', 't', '--group', 'g', '--count', '1000'], { store }).split('\n'));
    see(outputOf(['consume', 't', '--group', 'g', '--count', '2000'], { store }).split('\n'));
    // A clean end and a new start: nothing lost, nothing twice.
    expect([seen.size, [...seen.values()].every((times) => times === 1)]).toEqual([3000, true]);

    let end = 3000;
    for (const waitMs of [0, 0, 1300]) {
      produce(end, end + 20_000);
      end += 20_000;
      const consumer = startCli(['consume', 't', '--group', 'g', '-X', 'persistConsumerOffsetInterval=1000'], { store });
      await consumer.until(() => consumer.lines.length >= 1000, 'some lines');
      await sleep(waitMs);
      consumer.kill('SIGKILL');
      await consumer.finish();
      see(consumer.lines);
    }
    see(outputOf(['consume', 't', '--group', 'g', '--until-end'], { store }).split('\n'));
    // Each came at least once: no offset was committed ahead of what was written out.
    expect(seen.size).toBe(end);
    expect(outputOf(['consume', 't', '--group', 'g', '--until-end'], { store })).toBe('');
  });

  it('whose output nobody reads commits nothing of what does not fit the pipe', () => {
    const store = newStore();
    const count = 20_000;
    outputOf(['produce', 't', '-q'], { store, input: Array.from({ length: count }, (_, index) => `${index} ${'x'.repeat(100)}\n`).join('') });
    // Longer than several commits; then the pipe closes.
    const { stdout, stderr } = runShell('$MQLITE consume t --group g -X persistConsumerOffsetInterval=1000 | sleep 2.5; echo "${PIPESTATUS[0]}"', { store });
    expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
    const left = outputOf(['consume', 't', '--group', 'g', '--until-end'], { store }).split('\n').length - 1;
    // A pipe holds 64 KiB: some six hundred of these.
    expect(left).toBeGreaterThanOrEqual(count - 700);
  });
});
