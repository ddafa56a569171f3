import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { builtinHelp, BUILTINS } from '../../src/shell/builtins.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { jsonLines, outputOf, runCli, runShell, startCli } from '../support/processes.ts';
import type { CliResult } from '../support/processes.ts';

let home: string;
let store: string;
let env: Record<string, string>;

const schemaOf = (name: string): object => JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/json', `${name}.schema.json`), 'utf8')) as object;
const validateError = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).addSchema(schemaOf('common')).compile(schemaOf('error'));

beforeEach(() => {
  home = temporaryDirectory('shell');
  store = join(home, 'store');
  env = { HOME: home };
});

const command = (text: string, input?: string): CliResult => runCli(['shell', '-c', text], { store, env, input: input ?? '' });
const script = (text: string, flags: readonly string[] = []): CliResult => runCli(['shell', ...flags], { store, env, input: text });

describe('shell -c', () => {
  it('runs commands one after the other, in one process', () => {
    const { status, stdout, stderr } = command("produce orders first -q; consume orders --until-end\nproduce orders 'two words' -q\nconsume orders --until-end --from -1 --format '%v|'");
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'first\ntwo words|' });
    expect(stderr).not.toContain('line');
  });

  it.each([
    ['topics list; topics show nope; produce never x', 3, 'line 1: "topics show" ended with 3: nothing after it was run'],
    ['\n\nproduce orders a -q\nconsume orders --until-end --count 9', 1, 'line 4: "consume" ended with 1: nothing after it was run'],
    ['xyzzy', 2, 'line 1: "xyzzy" ended with 2: nothing after it was run'],
    ['topics list --store /nowhere/at/all', 3, 'line 1: "topics list" ended with 3: nothing after it was run'],
    ['profile create p --namesrv a:1 --secret-key plain; topics list', 2, 'line 1: "profile create" ended with 2: nothing after it was run'],
    ['!exit 9', 9, 'line 1: the system\'s command ended with 9: nothing after it was run'],
    ['!kill -9 $$', 137, 'line 1: the system\'s command ended with 137: nothing after it was run'],
    ["mqlite produce orders 'a secret body' --delay nonsense", 2, 'line 1: "produce" ended with 2: nothing after it was run'],
    ['consume nope --until-end', 3, 'line 1: "consume" ended with 3: nothing after it was run'],
    ['topics lst', 2, 'line 1: "topics" ended with 2: nothing after it was run'],
    ['shell -c x', 2, 'line 1: "shell" ended with 2: nothing after it was run'],
    ['use nowhere', 3, 'line 1: "use" ended with 3: nothing after it was run'],
    ['set tag x', 2, 'line 1: "set" ended with 2: nothing after it was run'],
    ['use ./x > f', 2, 'line 1: "use" ended with 2: nothing after it was run'],
  ])('%j stops with %i', (text, status, last) => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const result = command(text);
    expect([result.status, result.stderr.trim().split('\n').at(-1)]).toEqual([status, `mqlite: ${last}`]);
    expect(outputOf(['topics', 'list', '--json'], { store, env })).not.toContain('never');
  });

  it.each([
    ["topics list\nproduce t 'open", 'mqlite: line 2: the script ends within quotes, or behind a backslash\n  Close the quote.\n'],
    ['\n\ntopics list && topics list', 'mqlite: line 3: "&&" is not understood here\n'],
    ['topics list\n\n  consume t |', 'mqlite: line 3: nothing follows "|"\n'],
  ])('what cannot be read is said with its line: %j', (text, message) => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const { status, stderr } = command(text);
    expect([status, stderr.includes(message)]).toEqual([2, true]);
  });

  it('exit ends it, with a code where one is given', () => {
    expect(command('exit; xyzzy')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(command('exit 7; xyzzy')).toEqual({ status: 7, stdout: '', stderr: '' });
    expect(command('exit x').status).toBe(2);
  });

  it('a command reads what the shell was given, once', () => {
    expect(command("produce orders -q; consume orders --until-end --format '%v,'; produce orders", 'a\nb\n')).toMatchObject({ status: 0, stdout: 'a,b,' });
  });

  it('pipes, redirects and reads files; the pipe that fails counts, too', () => {
    writeFileSync(join(home, 'in.txt'), 'a\nb\nc\n');
    const out = join(home, 'out file');
    expect(command(`produce orders -q < ${home}/in.txt\nconsume orders --until-end | sed s/^/x/ | sort -r\nconsume orders --until-end > '${out}'\nconsume orders --until-end >> '${out}'`)).toMatchObject({ status: 0, stdout: 'xc\nxb\nxa\n' });
    expect(readFileSync(out, 'utf8')).toBe('a\nb\nc\na\nb\nc\n');
    expect(command('consume orders --until-end | grep nothing').status).toBe(1);
    expect(command('topics show nope | cat').status).toBe(3);
    expect(command('consume orders --until-end | head -1')).toMatchObject({ status: 0, stdout: 'a\n' });
    expect(command('help topics list | grep -c USAGE')).toMatchObject({ status: 0, stdout: '1\n' });
    expect(command(`produce orders < ${home}/missing`)).toMatchObject({ status: 3, stderr: expect.stringContaining(`mqlite: ${home}/missing: no such file or directory`) as string });
  });

  it('a file is one word, and the statement goes on behind it', () => {
    writeFileSync(join(home, 'in.txt'), 'a\nb\n');
    expect(command(`produce orders > ${home}/out < ~/in.txt -q; consume orders > ~/out --until-end; consume orders --until-end --count 1 >> ~/out -q`)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(join(home, 'out'), 'utf8')).toBe('a\nb\na\n');
  });

  it.runIf(existsSync('/dev/full'))('what did not reach the file is not consumed', () => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const lag = (): number => (JSON.parse(outputOf(['groups', 'show', 'g', '--json'], { store, env })) as { lag: number }).lag;
    const full = command('consume orders --group g --until-end > /dev/full');
    expect(full).toMatchObject({ status: runShell('$MQLITE consume orders --group g --until-end > /dev/full', { store, env }).status, stdout: '' });
    expect([full.status, full.stderr.split('\n')[0], lag()]).toEqual([8, 'mqlite: standard output: no space left on the device', 1]);
    expect(command('consume orders --group g --until-end --mode pull >> /dev/full').status).toBe(8);
    expect(command('help topics list > /dev/full')).toMatchObject({ status: 8, stderr: expect.stringContaining('mqlite: /dev/full: no space left on the device') as string });
    expect([command(`consume orders --group g --until-end > ${home}/f`).status, readFileSync(join(home, 'f'), 'utf8'), lag()]).toEqual([0, 'a\n', 0]);
  });

  it.each([['/nowhere/at/all', 3, 'no such file or directory'], ['.', 2, 'it is a directory']])('a file that cannot be opened stops the command: %s', (file, status, reason) => {
    const { status: ended, stderr } = command(`produce orders never > ${file}`);
    expect([ended, stderr.split('\n')[0]]).toEqual([status, `mqlite: ${file}: ${reason}`]);
    expect(existsSync(store)).toBe(false);
  });

  it('a named pipe is written to, too', () => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const { stdout, status } = runShell('mkfifo "$HOME/it\'s"; cat "$HOME/it\'s" & $MQLITE shell -c "consume orders --until-end > \\"$HOME/it\'s\\""; status=$?; wait; exit $status', { store, env });
    expect([stdout, status]).toEqual(['a\n', 0]);
  });

  it('what a command of --exec prints goes where the output of its command goes', () => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    expect(command('consume orders --group g --until-end --exec cat | sed s/^/x/')).toMatchObject({ status: 0, stdout: 'xa' });
    expect([command('consume orders --group h --until-end --exec cat > ~/f').stdout, readFileSync(join(home, 'f'), 'utf8')]).toEqual(['', 'a']);
  });

  it('its flags are those of every command', () => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const { stdout } = runCli(['shell', '--json', '-c', 'topics list; groups list'], { store, env });
    expect(jsonLines<object>(stdout).map((document) => Object.keys(document)[0])).toEqual(['topics', 'groups']);
    expect(runCli(['shell', '--read-only', '-c', 'produce orders x'], { store, env }).status).toBe(2);
    expect(runCli(['shell', '-X', 'sendMsgTimeout=1', '-c', 'topics list'], { store, env }).status).toBe(2);
    expect(runCli(['shell', '--store', join(home, 'other'), '-c', 'produce t other -q; consume t --until-end; consume orders --until-end --store store'], { store, env: { ...env, PWD: home } }).stdout).toBe('other\n');
    expect(runCli(['shell', '--store', 'a', '--namesrv', 'b:1', '-c', 'exit'], { env }).status).toBe(2);
  });

  it.each(['topics:create x', 'mqlite topics:create x', 'produce:x', 'topics:create x --help=1'])('never runs what it does not know as a command: %s', (line) => {
    const { status, stderr } = runCli(['shell', '--read-only', '--store', join(home, 'other'), '-c', line], { env });
    expect(status).toBe(2);
    expect(stderr).toContain(line.includes('topics') ? 'mqlite: unknown command "topics:create"\n  Did you mean "topics create"?' : 'mqlite: unknown command "produce:x"');
    expect([existsSync(join(home, 'other')), existsSync(join(home, '.local'))]).toEqual([false, false]);
  });

  it('explains its own words', () => {
    expect(command('help use; help set topic; help quit; help unset | wc -l')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^ {2}use DIR.*\n {2}set topic NAME .*\n {2}clear, exit, quit .*\n\s*1\n$/) as string });
    for (const { words } of BUILTINS) expect(builtinHelp(words), words.join(' ')).toMatch(/^( {2}\S.*\n)+$/);
  });

  it('settings of its target reach each command of it, and a command has the last word', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((started) => silent.listen(0, '127.0.0.1', started));
    try {
      const namesrv = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const said = async (text: string, flags: readonly string[]): Promise<string> => {
        const child = startCli(['shell', '--namesrv', namesrv, ...flags, '-c', text], { env, input: '' });
        await child.finish();
        return child.stderr;
      };
      expect(await said('profile list; config; topics list', ['-X', 'mqClientApiTimeout=41'])).toContain('within 41 ms');
      expect(await said('topics list -X mqClientApiTimeout=42', ['-X', 'mqClientApiTimeout=41'])).toContain('within 42 ms');
      expect(await said(`topics create t --store ${store}; use ${store}; topics list`, ['-X', 'mqClientApiTimeout=41'])).not.toContain('has no effect');
      expect(await said('topics list', ['-X', 'nonsense=1'])).toBe("mqlite: -X nonsense: no such setting\n  \"mqlite config\" lists the names.\n");
    } finally {
      silent.close();
    }
  });

  it.each<[string, number, object]>([
    ['topics lst', 2, { code: 'USAGE', message: 'unknown command "topics lst"', line: 1 }],
    ['set topic orders\n\nuse nowhere', 3, { code: 'NOT_FOUND', line: 3 }],
    ['set tag x', 2, { code: 'USAGE', line: 1 }],
    ['topics list\ntopics list && topics list', 2, { code: 'USAGE', message: '"&&" is not understood here', line: 2 }],
    ["topics list\nproduce orders 'open", 2, { code: 'USAGE', line: 2 }],
    ['topics list; topics show nope', 3, { code: 'TOPIC_NOT_FOUND', line: 1 }],
    ['!true\nconsume orders --until-end --count 9', 1, { code: 'VERDICT', line: 2 }],
    ['topics list > /nowhere/at/all', 3, { code: 'NOT_FOUND', line: 1 }],
    ['!exit 9', 9, { code: 'VERDICT', exitCode: 9, message: 'the system\'s command ended with 9: nothing after it was run', line: 1 }],
    ['topics list | grep nothing', 1, { code: 'VERDICT', exitCode: 1, message: '"topics list" ended with 1: nothing after it was run', line: 1 }],
  ])('--json: one error document for a failure: %j', (text, status, error) => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const result = runCli(['shell', '--json', '-q', '-c', text], { store, env, input: '' });
    const documents = jsonLines<{ error: object }>(result.stderr);
    expect([result.status, documents]).toEqual([status, [{ error: expect.objectContaining({ exitCode: status, ...error }) as object }]]);
    expect(validateError(documents[0]), JSON.stringify(validateError.errors)).toBe(true);
  });

  it('profile show without a name shows its target', () => {
    outputOf(['profile', 'create', 'dev', '--store', join(home, 'dev')], { env });
    outputOf(['profile', 'use', 'dev'], { env });
    const { stdout } = runCli(['shell', '--store', store, '-c', `profile show --json; use ${home}; profile show --json; profile show dev --json`], { env });
    expect(jsonLines<{ store: string }>(stdout).map((shown) => shown.store)).toEqual([store, home, join(home, 'dev')]);
  });

  it('use, set and unset', () => {
    mkdirSync(join(home, 'there'));
    expect(command(`use ${home}/other; produce t x -q; use; use ${home}/there; use`)).toMatchObject({ status: 0, stdout: `${home}/other\n${home}/there\n` });
    expect(command('set topic orders; produce hello -q; set group g; set; consume --until-end; unset group; consume --until-end; groups show g --json').stdout)
      .toMatch(/^topic orders\ngroup g\nhello\nhello\n\{.*"lag":0/);
    expect(command('use --store a --json').status).toBe(2);
  });
});

describe('a script on standard input', () => {
  it('is run, comments and blank lines left out', () => {
    expect(script("# makes a topic\n\nproduce orders 'a\nb' -q   # a body of two lines\nconsume orders --until-end\n!echo \"$((1 + 1))\"")).toEqual({ status: 0, stdout: 'a\nb\n2\n', stderr: '' });
  });

  it('stops at the first failure', () => {
    const { status, stdout, stderr } = script('produce orders a -q\ntopics show nope\nconsume orders --until-end\n');
    expect([status, stdout, stderr.trim().split('\n').at(-1)]).toEqual([3, '', 'mqlite: line 2: "topics show" ended with 3: nothing after it was run']);
  });

  it('commands do not read the script', () => {
    expect(script('produce orders -q\n!cat\nproduce orders a -q\nconsume orders --until-end\n')).toMatchObject({ status: 0, stdout: 'a\n' });
  });

  it('is run as it arrives, whatever the pieces', async () => {
    const child = startCli(['shell'], { store, env });
    await child.write('produce orders first -q\ncons');
    await child.write('ume orders --until-end\n');
    await child.until(() => child.lines.includes('first'), 'the first message, before the script has ended');
    await child.write("produce orders 'sec");
    await child.write("ond\n\\\n' -q; consume orders --until-end --from -1 \\\n--json");
    child.end();
    expect(await child.finish()).toEqual({ code: 0, signal: null });
    expect((JSON.parse(child.lines.at(-1)!) as { body: string }).body).toBe('second\n\\\n');
  });

  it.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('%s ends the command and the script', async (signal, code) => {
    const child = startCli(['shell'], { store, env, input: "produce orders a -q\nconsume orders --format '%v\\n'\nproduce orders never -q\n" });
    await child.until(() => child.lines.includes('a'), 'the message');
    child.kill(signal);
    expect(await child.finish()).toEqual({ code, signal: null });
    expect(child.stderr).not.toContain('nothing after it');
    expect(outputOf(['consume', 'orders', '--until-end'], { store, env })).toBe('a\n');
  });

  it('a closed pipe ends nothing but the command that writes to it', () => {
    outputOf(['produce', 'orders', 'a'], { store, env });
    const { status } = runShell(`printf 'topics list\\ntopics list\\nproduce orders b -q\\n' | $MQLITE shell | true; exit "\${PIPESTATUS[1]}"`, { store, env });
    expect(status).toBe(0);
    expect(outputOf(['consume', 'orders', '--until-end'], { store, env })).toBe('a\nb\n');
  });

  it('a store that is replaced between two commands is another one', async () => {
    const child = startCli(['shell'], { store, env });
    await child.write('produce old a -q\ntopics list\n');
    await child.until(() => child.lines.some((line) => line.startsWith('old')), 'the topic');
    // Who removes a store under a writer has a writer that puts back what it has open; before a program of the system it is let go.
    await child.write('!echo let go\n');
    await child.until(() => child.lines.includes('let go'), 'the end of the writer');
    rmSync(store, { recursive: true });
    outputOf(['produce', 'fresh', 'b'], { store, env });
    child.end('!echo again\ntopics list\n');
    await child.finish();
    expect(child.lines.slice(child.lines.indexOf('again')).filter((line) => /^(old|fresh)/.test(line)).map((line) => line.split('\t')[0])).toEqual(['fresh']);
  });
});
