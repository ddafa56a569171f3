import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { jsonLines, outputOf, runCli, startCli } from '../support/processes.ts';
import type { Child } from '../support/processes.ts';
import { Terminal } from '../support/terminal.ts';
import type { TerminalOptions } from '../support/terminal.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

let store: string;
const terminals: Terminal[] = [];
const children: Child[] = [];

beforeAll(() => {
  store = unpackFixture('clean');
});

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill('SIGKILL');
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function tail(words: readonly string[] = [], options: TerminalOptions = {}, directory = store): Terminal {
  const terminal = new Terminal(['tail', ...words, '--store', directory], options);
  terminals.push(terminal);
  return terminal;
}

function newStore(count: number): string {
  const directory = join(temporaryDirectory('view'), 'store');
  outputOf(['produce', 'orders'], { store: directory, input: Array.from({ length: count }, (_, index) => `order ${index}\n`).join('') });
  return directory;
}

describe('the view', { timeout: 120_000 }, () => {
  it('shows the end of the stream and each key moves in it', async () => {
    const view = tail();
    await view.shows(/FOLLOWING[^]*> .*delay level 6/);
    view.press('k');
    await view.shows(/PAUSED[^]*> .*%DLQ%/);
    view.press('home');
    await view.shows(/^> /m);
    await view.shows((text) => text.split('\n')[3]!.startsWith('> '));
    view.press('j', 'j', 'down');
    await view.shows((text) => text.split('\n')[6]!.startsWith('> '));
    view.press('pagedown');
    await view.shows((text) => !text.split('\n')[6]!.startsWith('> '));
    view.press('G');
    await view.shows(/FOLLOWING[^]*> .*delay level 6/);
    view.press('p');
    await view.shows('PAUSED');
    view.press('F');
    await view.shows('FOLLOWING');
    view.press('right');
    await view.shows('body from column 9');
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
  });

  it('has a view for each number, and the next and the one before by tab', async () => {
    const view = tail();
    await view.shows('delay level 6');
    const views: readonly (readonly [string, RegExp])[] = [
      ['3', /\[3 Queues\][^]*32 queues of 11 topics[^]*> .*Batch/], ['4', /\[4 Groups\][^]*3 groups[^]*> .*dump-reader/], ['5', /\[5 Delayed\][^]*overdue[^]*> .*Delayed/],
      ['6', /\[6 Dead letters\][^]*1 dead letter[^]*> .*retry-group/], ['7', /\[7 Half messages\][^]*2 given up[^]*> .*Tx/], ['2', /\[2 Commit log\][^]*> +\d+ /], ['1', /\[1 Messages\][^]*> .*delay level 6/],
    ];
    for (const [key, expected] of views) {
      view.press(key);
      await view.shows(expected);
    }
    view.press('tab');
    await view.shows('[2 Commit log]');
    view.press('tab');
    await view.shows('[3 Queues]');
    view.press('shift-tab');
    await view.shows('[2 Commit log]');
    view.press('ctrl-c');
    await view.finished();
  });

  it('takes the other keys that move, too', async () => {
    const view = tail([], { columns: 160, rows: 24 });
    const cursorLine = (): number => view.lines.findIndex((line) => line.startsWith('> '));
    await view.shows(/FOLLOWING[^]*> .*delay level 6/);
    view.press('<');
    await view.shows((text) => text.includes('PAUSED') && text.split('\n')[3]!.startsWith('> '));
    for (const [forth, back] of [['ctrl-f', 'ctrl-b'], ['pagedown', 'pageup'], ['ctrl-d', 'ctrl-u']] as const) {
      const before = view.text;
      view.press(forth);
      await view.shows((text) => text !== before && cursorLine() > 3);
      view.press(back, '<');
      await view.shows((text) => text.split('\n')[3]!.startsWith('> '));
    }
    view.press('l');
    await view.shows('body from column 9');
    view.press('h');
    await view.shows((text) => !text.includes('body from column'));
    view.press('right', 'right');
    await view.shows('body from column 17');
    view.press('left');
    await view.shows('body from column 9');
    view.press('left');
    await view.shows((text) => !text.includes('body from column'));
    view.press('g', '1');
    await view.shows(/go to: 1/);
    view.press('backspace');
    await view.shows((text) => /go to: /.test(text) && !/go to: 1/.test(text));
    view.press('esc');
    await view.shows((text) => !text.includes('go to: '));
    view.press('s');
    await view.shows(/│.*queues of 11 topics/);
    view.press('s');
    await view.shows((text) => !text.includes('queues of 11 topics'));
    view.press('>');
    await view.shows(/FOLLOWING[^]*> .*delay level 6/);
    view.press('home');
    await view.shows('PAUSED');
    view.press('end');
    await view.shows(/FOLLOWING[^]*> .*delay level 6/);
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
  });

  it('goes to a place, searches, filters while it is live, and says what is wrong with a filter', async () => {
    const view = tail();
    await view.shows('delay level 6');
    view.press(':', '@2026-11-23T06:53:20Z', 'enter');
    await view.shows(/> {1,3}11-23 06:53:20 +Tx .*tx u0/);
    view.press('/', 'lz4');
    await view.shows(/> .*compress me LZ4/);
    view.press('enter', 'N');
    await view.shows('not found above; n looks below');
    view.press('f', 'sql:TAGS =', 'enter');
    await view.shows(/sql, character \d+/);
    view.press('ctrl-u', 'D /level [56]/', 'enter');
    await view.shows((text) => text.includes('filter D /level [56]/') && text.includes('delay level 6') && !text.includes('delay level 4'));
    view.press('f', 'ctrl-u', 'enter');
    await view.shows((text) => !text.includes('filter D') && text.includes('delay level 4'));
    view.press('q');
    await view.finished();
  });

  it('opens a message, follows the link of a dead letter to its original, shows the body in each way, and copies', async () => {
    const view = tail([], { columns: 120, rows: 50 });
    await view.shows('%DLQ%retry-gro');
    view.press('/', 'dlq', 'enter', 'enter');
    await view.shows(/^..topic +%DLQ%retry-group/m);
    await view.shows('订单 #0');
    const original = view.lines.findIndex((line) => /^.. *original/.test(line));
    expect(original).toBeGreaterThan(0);
    for (let row = 3; row < original; row++) view.press('j');
    await view.shows((text) => text.split('\n')[original]!.startsWith('>'));
    view.press('enter');
    await view.shows(/^..topic +Orders/m);
    view.press('o');
    await view.shows(/dead letter +→ %DLQ%/);
    view.press('b');
    await view.shows(/as (hex|text)[^]*/);
    view.press('home', 'y');
    await view.shows('copied');
    expect(view.output).toContain(`\u001b]52;c;${Buffer.from('Orders').toString('base64')}\u0007`);
    view.press('esc');
    await view.shows(/^..topic +%DLQ%retry-group/m);
    view.press('q', 'q');
    await view.finished();
  });

  it('exports what is marked, and never over a file', async () => {
    const file = join(temporaryDirectory('export'), 'out.ndjson');
    const view = tail();
    await view.shows('delay level 6');
    view.press('k', 'space', 'up', 'up', 'space', 'e');
    await view.shows('2 marked records to');
    view.press('ctrl-u', file, 'enter');
    await view.shows('2 records written');
    const exported = jsonLines<{ topic: string; body: string }>(readFileSync(file, 'utf8'));
    expect(exported.map(({ topic }) => topic)).toEqual(expect.arrayContaining(['Delayed']));
    expect(exported).toHaveLength(2);
    writeFileSync(file, 'precious');
    view.press('e');
    await view.shows('2 marked records to');
    view.press('ctrl-u', file, 'enter');
    await view.shows('is there already');
    expect(readFileSync(file, 'utf8')).toBe('precious');
    // What was typed stays, to be mended.
    view.press('2', 'enter');
    await view.shows('2 records written');
    expect(readFileSync(`${file}2`, 'utf8')).not.toBe('');
    view.press('q');
    await view.finished();
  });

  it('sends marked dead letters again once that is confirmed', async () => {
    const directory = join(temporaryDirectory('letters'), 'store');
    outputOf(['produce', 'mails'], { store: directory, input: 'to nobody\nto ada\n' });
    runCli(['consume', 'mails', '--group', 'mailer', '--until-end', '--exec', 'false', '--max-reconsume', '0'], { store: directory });
    const view = tail(['%DLQ%mailer'], { columns: 120 }, directory);
    await view.shows(/to nobody[^]*to ada|to ada[^]*to nobody/);
    view.press('k', 'space', 'D');
    await view.shows('send 1 dead letter to mailer again');
    view.press('n');
    await view.shows('nothing was sent');
    view.press('D', 'y');
    await view.shows('1 sent');
    view.press('D');
    await view.shows('mark dead letters');
    view.press('u', 'k', 'space', 'D');
    await view.shows('send 1 dead letter (sent before) to mailer again');
    view.press('y');
    await view.shows('1 sent before');
    view.press('6');
    await view.shows(/2 dead letters of 1 group, 1 sent again/);
    // From another terminal.
    runCli(['dlq', 'redrive', 'mailer'], { store: directory });
    await view.shows(/2 dead letters of 1 group, 2 sent again/);
    view.press('space', 'D');
    await view.shows('send 1 dead letter (sent before) to mailer again');
    view.press('n');
    view.press('q');
    await view.finished();
    // Each once, whoever asked for it how often.
    expect(outputOf(['consume', 'mails', '--group', 'mailer', '--until-end', '--exec', 'cat', '--quiet'], { store: directory })).toMatch(/^(to adato nobody|to nobodyto ada)$/);
  });

  it('has the physical log, with --commitlog and by its number', async () => {
    const view = tail(['--commitlog', '--from', 'first'], { columns: 160, rows: 30 });
    await view.shows(/PAUSED[^]*log offset +bytes +topic[^]*> +0 /);
    view.press('G');
    await view.shows(/FOLLOWING[^]*> +111297 +303 +Delayed/);
    view.press('enter');
    await view.shows(/commit log +offset 111297/);
    view.press('esc');
    await view.shows(/FOLLOWING[^]*log offset/);
    view.press('1');
    await view.shows(/FOLLOWING[^]*stored \(UTC\)/);
    view.press('2');
    await view.shows('log offset');
    view.press('q');
    await view.finished();
  });

  it('shows damage where it lies, in words as well as in colour', async () => {
    const directory = unpackFixture('clean');
    const log = join(directory, 'commitlog', '00000000000000000000');
    const fd = openSync(log, 'r+');
    // A body that is not what its CRC says, and a record that is none.
    const record = Buffer.alloc(315);
    readSync(fd, record, 0, record.length, 0);
    writeSync(fd, Buffer.from([record[92]! ^ 1]), 0, 1, 92);
    writeSync(fd, Buffer.alloc(8, 0xee), 0, 8, 315 + 4);
    closeSync(fd);
    const view = tail(['--commitlog', '--from', 'first', '--no-color'], { columns: 120 }, directory);
    await view.shows(/> +0 +315 Orders .* BAD /);
    await view.shows(/ 315 +\d+ .* DMG /);
    view.press('q');
    await view.finished();
    const messages = tail(['Orders'], { columns: 120 }, directory);
    await messages.shows('damaged record skipped');
    await messages.shows('订单 #39');
  });

  it('takes the size that the terminal has, and takes a new one', async () => {
    const view = tail();
    await view.shows('delay level 6');
    expect(view.lines.every((line) => line.length <= 80)).toBe(true);
    view.resize(160, 50);
    await view.shows(/2026-11-23 06:55:15\.980Z +Delayed/);
    expect(view.lines[49]).toContain('keys');
    view.resize(60, 12);
    await view.shows((text) => text.split('\n').length === 12 && text.split('\n')[11]!.includes('keys') && text.includes('FOLLOWING'));
    view.press('?');
    await view.shows(/1-8 of/);
    view.press('q', 'q');
    await view.finished();
  });

  it('is without colour where none is wanted, and the cursor is still to be seen', async () => {
    const view = tail(['--no-color']);
    await view.shows(/> .*delay level 6/);
    // oxlint-disable-next-line no-control-regex -- colours are what this is about
    expect(view.output.match(/\u001b\[(3|4|9|10)\d(;[\d;]*)?m/g)).toBeNull();
    const other = tail([], { env: { NO_COLOR: '1' } });
    await other.shows(/> .*delay level 6/);
    // oxlint-disable-next-line no-control-regex -- colours are what this is about
    expect(other.output.match(/\u001b\[(3|4|9|10)\d(;[\d;]*)?m/g)).toBeNull();
  });

  it.each(['clean', 'killed'] as const)('writes nothing to a store of a %s broker', async (name) => {
    const directory = name === 'clean' ? store : unpackFixture(name);
    const before = snapshotTree(directory);
    const view = tail([], {}, directory);
    await view.shows('delay level 6');
    view.press('2');
    await view.shows(/> +1\d{5} /);
    view.press('home');
    await view.shows(/> +0 /);
    view.press('enter');
    await view.shows('offsetMsgId');
    view.press('q', 'q');
    await view.finished();
    expect(snapshotTree(directory)).toEqual(before);
  });

  it('shows user data that a terminal could obey as text', async () => {
    const directory = newStore(1);
    outputOf(['produce', 'evil', '--tag', '\u001b[31mt', '--key', 'k\u0007'], { store: directory, input: '\u001b]0;owned\u0007\u202eabc\u001b[2J\n' });
    const view = tail(['evil', '--from', 'first'], { columns: 120 }, directory);
    await view.shows('\\e]0;owned\\a\\u202eabc\\e[2J');
    view.press('enter');
    await view.shows(/tags +\\e\[31mt/);
    expect(view.output).not.toContain('\u001b]0;');
    expect(view.output).not.toContain('\u202e');
  });
});

describe('a stream that flows', { timeout: 120_000 }, () => {
  it('comes in by itself; paused, rows stop and counting goes on; what came meanwhile is all there', async () => {
    const directory = newStore(100);
    const view = tail(['orders'], {}, directory);
    await view.shows('order 99');
    const producer = startCli(['produce', 'orders'], { store: directory });
    children.push(producer);
    await producer.write('fresh 0\n');
    await view.shows(/FOLLOWING[^]*> .*fresh 0/);
    view.press('p');
    await view.shows('PAUSED');
    const before = view.lines.slice(2, 23);
    for (let at = 1; at <= 3000; at += 100) await producer.write(Array.from({ length: 100 }, (_, index) => `fresh ${at + index}\n`).join(''));
    await view.shows('+3,000 new');
    expect(view.lines.slice(2, 23)).toEqual(before);
    view.press('pagedown', 'pagedown');
    await view.shows('fresh 2');
    view.press('G');
    await view.shows(/FOLLOWING[^]*> .*fresh 3000/);
    view.press('q');
    await view.finished();
    producer.end();
    await producer.finish();
  });

  it('shows topics that are made while it is open, and goes on when the store has been closed and opened', async () => {
    const directory = newStore(1);
    const view = tail([], {}, directory);
    await view.shows('order 0');
    outputOf(['produce', 'later', 'made later'], { store: directory });
    await view.shows('made later');
    outputOf(['produce', 'orders', 'order again'], { store: directory });
    await view.shows('order again');
  });
});

describe('the terminal is as it was before', { timeout: 120_000 }, () => {
  const restored = (view: Terminal): void => {
    expect(view.isAlternate).toBe(false);
    for (const sequence of ['\u001b[?1049l', '\u001b[?25h', '\u001b[?7h']) expect(view.output).toContain(sequence);
    expect(view.output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(view.output.lastIndexOf('\u001b[?25l'));
  };

  it('after q', async () => {
    const view = tail();
    await view.shows('delay level 6');
    view.press('q');
    expect(await view.finished()).toMatchObject({ code: 0 });
    restored(view);
  });

  it.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('after %s', async (signal, code) => {
    const view = tail();
    await view.shows('delay level 6');
    view.kill(signal);
    expect(await view.finished()).toMatchObject({ code });
    restored(view);
  });

  it('after an error that nobody expected', async () => {
    const preload = join(temporaryDirectory('preload'), 'throw.cjs');
    writeFileSync(preload, "process.on('SIGUSR2', () => { throw new Error('thrown on purpose'); });\n");
    const view = tail([], { env: { NODE_OPTIONS: `--require ${preload}` } });
    await view.shows('delay level 6');
    view.kill('SIGUSR2');
    expect((await view.finished()).code).not.toBe(0);
    restored(view);
    // Told on the screen that stays, not on the one that is gone.
    expect(view.text).toContain('thrown on purpose');
  });

  it('and what is wrong with the command line is said before it is taken', async () => {
    const view = tail(['nosuch']);
    expect(await view.finished()).toMatchObject({ code: 3 });
    expect(view.output).not.toContain('\u001b[?1049h');
    expect(view.text).toContain('nosuch');
  });
});

describe('what it costs', { timeout: 120_000 }, () => {
  it('plain commands load neither ink nor react', () => {
    const preload = join(temporaryDirectory('preload'), 'loaded.cjs');
    const list = join(temporaryDirectory('loaded'), 'modules.txt');
    // Modules of both kinds are read from files.
    writeFileSync(preload, `
const fs = require('node:fs');
const seen = new Set();
for (const name of ['readFileSync', 'openSync', 'readFile', 'open']) { const real = fs[name]; fs[name] = (file, ...rest) => { seen.add(String(file)); return real(file, ...rest); }; }
process.on('exit', () => fs.writeFileSync(${JSON.stringify(list)}, [...seen].join('\\n')));`);
    const env = { NODE_OPTIONS: `--require ${preload}` };
    for (const words of [['topics', 'list'], ['tail', '--from', 'first', '--until-end'], ['tail', '--help'], ['consume', 'Orders', '--until-end']]) {
      expect(runCli(words, { store, env })).toMatchObject({ status: 0 });
      const files = readFileSync(list, 'utf8').split('\n');
      expect(files.filter((file) => /tui\.mjs|node_modules\/(ink|react|yoga)/.test(file)), words.join(' ')).toEqual([]);
    }
    const bundle = readFileSync(join(import.meta.dirname, '../../dist/cli.cjs'), 'latin1');
    expect(bundle).not.toMatch(/yoga|react-reconciler/);
    expect(existsSync(join(import.meta.dirname, '../../dist/tui.mjs'))).toBe(true);
  });
});
