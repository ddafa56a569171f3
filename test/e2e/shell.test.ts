import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory, unpackFixture } from '../support/fixtures.ts';
import { CLI, outputOf, runCli, startCli } from '../support/processes.ts';
import { KEYS, Terminal } from '../support/terminal.ts';
import { snapshotTree } from '../support/tree-snapshot.ts';

let home: string;
let store: string;
let env: Record<string, string>;
const opened: Terminal[] = [];

beforeEach(() => {
  home = temporaryDirectory('shell-home');
  store = join(home, 'shop');
  env = { HOME: home };
  outputOf(['produce', 'orders', 'first', '--tag', 'created'], { store, env });
  outputOf(['produce', 'orders', 'second', '--tag', 'cancelled'], { store, env });
  outputOf(['groups', 'create', 'billing'], { store, env });
});

afterEach(() => {
  for (const terminal of opened.splice(0)) terminal.kill('SIGKILL');
});

const PROMPT = 'mqlite ~/shop>';
const history = (): string => join(home, '.config/mqlite/shell_history');

async function openShell(args: readonly string[] = ['--store', store], prompt = PROMPT): Promise<Terminal> {
  const terminal = new Terminal(['shell', ...args], { columns: 100, rows: 40, env, cwd: home });
  opened.push(terminal);
  await terminal.line(prompt);
  return terminal;
}

/** Types a line and waits for the next prompt; what was printed in between. */
async function run(terminal: Terminal, line: string, prompt = PROMPT): Promise<string[]> {
  const before = terminal.transcript.length;
  terminal.press(`${line}${KEYS.enter}`);
  await terminal.until(() => terminal.transcript.length > before && terminal.transcript.at(-1)!.trimEnd() === prompt, `"${line}" and the next prompt`);
  return terminal.transcript.slice(before, -1);
}

const exitOf = async (terminal: Terminal): Promise<number | null> => {
  await terminal.finished();
  return terminal.exitCode;
};

/** Until a line of the screen is this. */
const shows = (terminal: Terminal, line: string | RegExp): Promise<void> =>
  terminal.until(() => terminal.transcript.some((shown) => (typeof line === 'string' ? shown === line : line.test(shown))), `a line ${String(line)}`);

describe('the prompt', () => {
  it('runs commands, says what is wrong, and goes on; Ctrl-D leaves', async () => {
    const terminal = await openShell();
    expect(terminal.transcript[0]).toBe('mqlite: Tab completes, "help" explains, Ctrl-D leaves');
    expect((await run(terminal, 'consume orders --until-end --count 1 --format "%v\\n"')).at(-1)).toBe('first');
    expect((await run(terminal, 'topics lst')).slice(-2)).toEqual(['mqlite: unknown command "topics lst"', '  Did you mean "topics list"?']);
    expect((await run(terminal, 'topics show nope')).join('\n')).toContain('there is no topic "nope"');
    expect((await run(terminal, 'help topics list')).join('\n')).toContain('USAGE');
    expect((await run(terminal, 'help')).join('\n')).toMatch(/use DIR\|HOST:PORT\|PROFILE[^]*produce/);
    terminal.press(KEYS['ctrl-d']);
    expect(await exitOf(terminal)).toBe(0);
  });

  it('is there whenever somebody types, wherever the output goes', async () => {
    const terminal = await openShell();
    const shell = `${CLI.map((word) => `'${word}'`).join(' ')} shell --store other`;
    terminal.press(`!${shell} | tee log${KEYS.enter}`);
    await terminal.line('mqlite ~/other>');
    // It goes on behind a failure.
    await run(terminal, 'topics lst', 'mqlite ~/other>');
    await run(terminal, 'produce mails hello -q', 'mqlite ~/other>');
    terminal.press(`consume mails --until-end${KEYS.enter}`);
    await terminal.until(() => existsSync(join(home, 'log')) && readFileSync(join(home, 'log'), 'utf8') === 'hello\n', 'the message, and nothing else, in the log');
    await terminal.until(() => terminal.transcript.at(-1)!.trimEnd() === 'mqlite ~/other>', 'the prompt');
    terminal.press(KEYS['ctrl-d']);
    await terminal.line(PROMPT);
    expect(readFileSync(join(home, 'log'), 'utf8')).toBe('hello\n');
    expect((await run(terminal, `!${shell} > log 2>&1; cat log`)).join('\n')).toContain('mqlite: there is no terminal to show the prompt on');
  });

  it('exit leaves with the code that is given', async () => {
    const terminal = await openShell();
    terminal.press(`exit 7${KEYS.enter}`);
    expect(await exitOf(terminal)).toBe(7);
  });

  it('Ctrl-C clears the line at the prompt, and ends a command that runs', async () => {
    const terminal = await openShell();
    terminal.press(`nonsense${KEYS['ctrl-c']}`);
    await terminal.until(() => terminal.transcript.at(-2) === `${PROMPT} nonsense^C` && terminal.transcript.at(-1)!.trimEnd() === PROMPT, 'a new prompt');
    terminal.press(`consume orders --format "%v!\\n"${KEYS.enter}`);
    await shows(terminal, 'second!');
    terminal.press(KEYS['ctrl-c']);
    await terminal.line(PROMPT);
    expect(await run(terminal, '!echo still here')).toContain('still here');
    terminal.press(`!echo begun; sleep 60${KEYS.enter}`);
    await shows(terminal, 'begun');
    terminal.press(KEYS['ctrl-c']);
    await terminal.line(PROMPT);
    terminal.press(KEYS['ctrl-d']);
    expect(await exitOf(terminal)).toBe(0);
  });

  it('a second Ctrl-C gives up a command that does not heed the first; the shell goes on, and can be left', async () => {
    const terminal = await openShell();
    terminal.press(`consume orders --group g --exec 'trap "" INT TERM; echo begun; while :; do sleep 1; done'${KEYS.enter}`);
    await shows(terminal, 'begun');
    terminal.press(KEYS['ctrl-c']);
    await terminal.until(() => terminal.text.includes('^C'), 'the first Ctrl-C');
    terminal.press(KEYS['ctrl-c']);
    await terminal.line(PROMPT);
    expect((await run(terminal, 'topics list')).join('\n')).toContain('orders');
    terminal.press(KEYS['ctrl-d']);
    expect(await exitOf(terminal)).toBe(0);
  });

  it('SIGTERM ends it, at the prompt and while a command runs', async () => {
    const idle = await openShell();
    process.kill(idle.pid, 'SIGTERM');
    expect(await exitOf(idle)).toBe(143);
    const busy = await openShell();
    busy.press(`consume orders --format "%v!\\n"${KEYS.enter}`);
    await shows(busy, 'second!');
    process.kill(busy.pid, 'SIGTERM');
    expect(await exitOf(busy)).toBe(143);
  });

  it('Tab completes commands, flags, values, topics, tags and files', async () => {
    writeFileSync(join(home, 'orders 1.txt'), 'from a file\n');
    const terminal = await openShell();
    const completed = async (typed: string, line: string): Promise<void> => {
      terminal.press(typed);
      await terminal.line(`${PROMPT} ${typed}`);
      // A look-up that takes too long on a busy machine answers nothing: then a person presses Tab once more.
      const isCompleted = (): boolean => terminal.transcript.at(-1)!.trimEnd() === `${PROMPT} ${line}`;
      for (let presses = 0; presses < 10 && !isCompleted(); presses++) {
        terminal.press(KEYS.tab);
        await terminal.until(isCompleted, 'completion', 3000).catch(() => undefined);
      }
      await terminal.line(`${PROMPT} ${line}`);
      terminal.press(KEYS['ctrl-c']);
      await terminal.line(PROMPT);
    };
    await completed('cons', 'consume');
    await completed('topics sh', 'topics show');
    await completed('topics show ord', 'topics show orders');
    await completed('consume orders --unt', 'consume orders --until-end');
    await completed('consume orders --tag cr', 'consume orders --tag created');
    await completed('consume orders --mode pus', 'consume orders --mode push');
    await completed('consume orders --group b', 'consume orders --group billing');
    await completed('produce orders < ord', "produce orders < 'orders 1.txt'");
    await completed('use sh', 'use shop/');
    // Twice: everything there is.
    terminal.press(`topics ${KEYS.tab}`);
    terminal.press(KEYS.tab);
    await shows(terminal, /^alter +create +delete +list +show/);
    terminal.press(KEYS['ctrl-c']);
    await terminal.line(PROMPT);
  });

  it('reads bodies of several lines, pipes, redirects, and runs programs of the system', async () => {
    const terminal = await openShell();
    terminal.press(`produce orders 'one${KEYS.enter}`);
    await terminal.line('>');
    terminal.press(`two'${KEYS.enter}`);
    await terminal.line(PROMPT);
    expect((await run(terminal, 'consume orders --from -1 --until-end --json | grep -o \'"body":"[^"]*"\'')).at(-1)).toBe('"body":"one\\ntwo"');
    await run(terminal, 'consume orders --until-end > out.txt');
    expect(readFileSync(join(home, 'out.txt'), 'utf8')).toBe('first\nsecond\none\ntwo\n');
    await run(terminal, 'produce copy < out.txt');
    expect((await run(terminal, 'consume copy --until-end | wc -l')).at(-1)!.trim()).toBe('4');
    expect(await run(terminal, '!echo "$((6 * 7))"')).toContain('42');
    // A program gets the terminal, and gives it back.
    terminal.press(`!read answer; echo "got $answer"${KEYS.enter}`);
    await shows(terminal, /!read answer/);
    terminal.press(`something${KEYS.enter}`);
    await shows(terminal, 'got something');
    await terminal.line(PROMPT);
  });

  it('asks at the terminal before something is deleted, and still has it afterwards', async () => {
    const terminal = await openShell();
    terminal.press(`topics delete orders${KEYS.enter}`);
    await terminal.until(() => terminal.transcript.at(-1)!.includes('Type yes:'), 'the question');
    terminal.press(`no${KEYS.enter}`);
    await terminal.line(PROMPT);
    expect((await run(terminal, 'topics list')).join('\n')).toContain('orders');
  });

  it('takes pasted lines one after the other', async () => {
    const terminal = await openShell();
    terminal.press(`!echo a-1${KEYS.enter}!echo a-2${KEYS.enter}!echo a-`);
    await terminal.line(`${PROMPT} !echo a-`);
    terminal.press(`3${KEYS.enter}`);
    await shows(terminal, 'a-3');
    expect(terminal.transcript.filter((line) => line.startsWith('a-'))).toEqual(['a-1', 'a-2', 'a-3']);
  });

  it('use changes the target, set gives defaults, and the prompt shows both', async () => {
    const terminal = await openShell();
    expect((await run(terminal, 'use nowhere')).at(-2)).toBe('mqlite: "nowhere" is neither a profile nor a directory');
    await run(terminal, 'use ./other', 'mqlite ~/other>');
    await run(terminal, 'produce mails hello', 'mqlite ~/other>');
    await run(terminal, 'profile create dev --store ~/shop', 'mqlite ~/other>');
    await run(terminal, 'use dev', 'mqlite dev>');
    const WITH_TOPIC = 'mqlite dev topic=orders>';
    await run(terminal, 'set topic orders', WITH_TOPIC);
    expect(await run(terminal, 'set', WITH_TOPIC)).toEqual(expect.arrayContaining(['topic orders', 'group -']));
    await run(terminal, 'produce third', WITH_TOPIC);
    expect((await run(terminal, 'consume --until-end --format "%v "', WITH_TOPIC)).join('')).toMatch(/^first second third %\s*$/m);
    const WITH_BOTH = 'mqlite dev topic=orders group=billing>';
    await run(terminal, 'set group billing', WITH_BOTH);
    await run(terminal, 'consume --until-end', WITH_BOTH);
    expect((await run(terminal, 'groups show', WITH_BOTH)).join('\n')).toContain('orders');
    await run(terminal, 'unset', 'mqlite dev>');
    await run(terminal, 'use localhost:1', 'mqlite localhost:1>');
    expect(outputOf(['offsets', 'show', 'billing', '--json'], { store, env })).toContain('"lag":0');
    expect(outputOf(['consume', 'mails', '--until-end'], { store: join(home, 'other'), env })).toBe('hello\n');
  });
});

describe('mqlite alone', () => {
  it('shows on a terminal what there is, and the way here', async () => {
    const terminal = new Terminal([], { columns: 100, env, cwd: home, rows: 100 });
    opened.push(terminal);
    expect(await exitOf(terminal)).toBe(0);
    expect(terminal.transcript.at(-1)).toBe('At a prompt, with completion and a history: mqlite shell');
    expect(terminal.text).toContain('shell');
  });
});

describe('the history', () => {
  it('is there in the next run, for its owner alone, and without secrets', async () => {
    const first = await openShell();
    await run(first, 'topics list --all');
    await run(first, 'profile create prod --namesrv mq1:9876 --access-key ops --secret-key "env:OPS_SECRET"');
    await run(first, '!echo MQLITE_SECRET_KEY=abc');
    await run(first, ' !echo private');
    first.press(`produce orders 'x${KEYS.enter}y'${KEYS.enter}`);
    await shows(first, /stored in orders/);
    await first.line(PROMPT);
    first.press(KEYS['ctrl-d']);
    await first.finished();
    const second = await openShell();
    second.press(KEYS.up);
    await second.line(`${PROMPT} produce orders $'x\\ny'`);
    second.press(KEYS.up);
    await second.line(`${PROMPT} topics list --all`);
    second.press(`${KEYS['ctrl-c']}${KEYS['ctrl-d']}`);
    await second.finished();
    expect(readFileSync(history(), 'utf8').split('\n')).toEqual(['topics list --all', "produce orders $'x\\ny'", '']);
    expect(statSync(history()).mode & 0o777).toBe(0o600);
  });
});

describe('what a shell holds', () => {
  it('an idle one that looked has written nothing and keeps nobody out', async () => {
    const broker = unpackFixture('killed');
    const before = snapshotTree(broker);
    const prompt = `mqlite ${`…${broker.slice(-39)}`.slice(-40)}>`;
    const terminal = await openShell(['--store', broker], broker.length > 40 ? prompt : `mqlite ${broker}>`);
    terminal.press(`topics list${KEYS.enter}`);
    await shows(terminal, /Orders /);
    terminal.press(`consume Orders --until-end --count 1 --format "[%v]\\n"${KEYS.enter}`);
    await shows(terminal, /^\[/);
    for (let presses = 0; presses < 10 && !terminal.text.includes('topics show OrdersFifo'); presses++) {
      terminal.press(presses === 0 ? `topics show OrdersF${KEYS.tab}` : KEYS.tab);
      await terminal.until(() => terminal.text.includes('topics show OrdersFifo'), 'a completed topic', 3000).catch(() => undefined);
    }
    terminal.press(KEYS.enter);
    await shows(terminal, /^OrdersFifo|QUEUE/);
    expect(snapshotTree(broker)).toEqual(before);
  });

  it('one that wrote has left the store: it is closed, and can be recovered by another', async () => {
    const terminal = await openShell();
    await run(terminal, 'produce orders more');
    await terminal.until(() => !existsSync(join(store, 'abort')), 'the end of the writer');
    expect(runCli(['store', 'recover', '--lock-timeout', '1s'], { store, env })).toMatchObject({ status: 0 });
    // Its own tools need not wait for it, nor do those that it runs.
    await run(terminal, 'produce orders again');
    expect((await run(terminal, 'store recover --lock-timeout 0s')).join('\n')).not.toContain('locked');
    await run(terminal, 'produce orders more');
    expect(await run(terminal, '!test -e shop/abort || echo closed')).toContain('closed');
    outputOf(['produce', 'orders', 'from outside'], { store, env });
    expect((await run(terminal, 'consume orders --until-end --from -1')).join('\n')).toContain('from outside');
    // Another store in the same place.
    rmSync(store, { recursive: true });
    outputOf(['produce', 'fresh', 'body'], { store, env });
    const listed = (await run(terminal, 'topics list')).join('\n');
    expect([listed.includes('fresh'), listed.includes('orders')]).toEqual([true, false]);
  });
});

describe('how fast it answers', () => {
  /** The design allows so many, on a store directory. */
  const ALLOWED_MS = 20;

  it.each(['topics list --json', 'consume orders --until-end --count 1', 'produce orders body --json', 'offsets list --json'])('%s', async (line) => {
    const shell = startCli(['shell'], { store, env });
    const answerMs = async (): Promise<number> => {
      const { length } = shell.lines;
      const startedNs = process.hrtime.bigint();
      await shell.write(`${line}\n`);
      await shell.until(() => shell.lines.length > length, 'an answer');
      return Number(shell.arrivedNs[length]! - startedNs) / 1e6;
    };
    for (let warming = 0; warming < 5; warming++) await answerMs();
    // What else the machine does only ever adds to it: the best of several medians.
    const medians: number[] = [];
    for (let round = 0; round < 5; round++) {
      const times: number[] = [];
      for (let count = 0; count < 9; count++) times.push(await answerMs());
      medians.push(times.sort((left, right) => left - right)[4]!);
    }
    shell.end();
    await shell.finish();
    // Nothing that a command listens for is left behind, either: Node warns of that.
    expect(shell.stderr).not.toMatch(/warning/i);
    expect(Math.min(...medians)).toBeLessThanOrEqual(ALLOWED_MS);
  });
});
