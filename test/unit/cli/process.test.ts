import { Readable } from 'node:stream';
import { Config, Flags, Plugin } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { ERROR_TABLE, MqliteError } from '../../../src/broker/errors.ts';
import type { ErrorCode } from '../../../src/broker/errors.ts';
import { BaseCommand } from '../../../src/cli/base-command.ts';
import { describeError, errorJson, errorText } from '../../../src/cli/error-report.ts';
import type { HostInput, HostOutput, StopSignal } from '../../../src/cli/host.ts';
import { openTarget } from '../../../src/cli/open-broker.ts';
import { Output } from '../../../src/cli/output.ts';
import { ChunkWriter } from '../../../src/cli/render/chunk-writer.ts';
import { FakeBroker } from '../../support/fake-broker.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- each event has its own argument
type Listener = (error?: any) => void;

/** A stream that the test fills, drains and breaks. */
class TestStream implements HostOutput {
  readonly written: Buffer[] = [];
  full = false;
  readonly #listeners: [string, Listener][] = [];

  write(chunk: string | Uint8Array): boolean {
    this.written.push(Buffer.from(chunk as string));
    return !this.full;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
  }

  once(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
  }

  off(event: string, listener: Listener): void {
    const index = this.#listeners.findIndex(([name, known]) => name === event && known === listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }

  emit(event: string, error?: unknown): void {
    for (const [name, listener] of [...this.#listeners]) if (name === event) listener(error);
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

const systemError = (code: string, path?: string): Error => Object.assign(new Error(`${code}: words of Node`), { code, path });

describe('errors', () => {
  it.each(Object.keys(ERROR_TABLE) as ErrorCode[])('%s keeps its row', (code) => {
    const report = describeError(new MqliteError(code, 'what', { hint: 'do', line: 3 }));
    expect(report).toEqual({ code, exitCode: ERROR_TABLE[code].exitCode, message: 'what', hint: 'do', line: 3 });
    expect(JSON.parse(errorJson(report))).toEqual({ error: report });
    expect(errorText(report)).toBe('mqlite: line 3: what\n  Do\n');
  });

  it.each([['ENOENT', 'NOT_FOUND', 3], ['EACCES', 'PERMISSION_DENIED', 5], ['EROFS', 'READ_ONLY', 5], ['ENOSPC', 'STORAGE_FAILED', 8], ['EIO', 'STORAGE_FAILED', 8]])('%s is %s', (system, code, exitCode) => {
    expect(describeError(systemError(system, '/p'))).toMatchObject({ code, exitCode, message: expect.stringMatching(/^\/p: /) as string });
  });

  it('what is unknown is a bug; what a pure layer throws is not', () => {
    expect(describeError(new RangeError('x'), {}, 'https://bugs')).toMatchObject({ code: 'BUG', exitCode: 70, hint: expect.stringContaining('https://bugs') as string });
    expect(describeError(new MqliteError('BUG', 'listing: x is not a function')).hint).toContain('Please report it');
    expect(describeError('text')).toMatchObject({ code: 'BUG', message: 'a bug in mqlite: text' });
    expect(describeError(new CodecError('DAMAGED', 'no zlib'))).toMatchObject({ code: 'DAMAGED', exitCode: 7 });
  });

  it('is one line that no terminal obeys', () => {
    expect(errorText(describeError(new MqliteError('USAGE', 'topic "a\nb\u001b[31m"')))).toBe('mqlite: topic "a b\\e[31m"\n');
    expect(JSON.parse(errorJson(describeError(new MqliteError('USAGE', 'm'))))).toEqual({ error: { code: 'USAGE', exitCode: 2, message: 'm', hint: null } });
  });
});

describe('output', () => {
  it('waits for a slow reader', async () => {
    const stream = new TestStream();
    const out = new Output(stream, () => undefined);
    expect(out.write('a')).toBeUndefined();
    stream.full = true;
    let drained = false;
    const waiting = out.write('b')!.then(() => {
      drained = true;
    });
    await Promise.resolve();
    expect(drained).toBe(false);
    stream.emit('drain');
    await waiting;
  });

  it('a closed pipe ends quietly, also for one who waits; a full disk does not', async () => {
    const stream = new TestStream();
    let closed = 0;
    const out = new Output(stream, () => closed++);
    stream.full = true;
    const waiting = out.write('a')!;
    stream.emit('error', systemError('EPIPE'));
    stream.emit('close');
    await waiting;
    expect([out.closed, closed, out.write('b'), stream.written.length]).toEqual([true, 1, undefined, 1]);

    const disk = new TestStream();
    const full = new Output(disk, () => undefined);
    void full.write('a');
    disk.emit('error', systemError('ENOSPC'));
    expect(() => full.write('b')).toThrow('standard output: no space left on the device');
  });

  it('gathers pieces of every size into the same bytes', async () => {
    const stream = new TestStream();
    const writer = new ChunkWriter(new Output(stream, () => undefined));
    const pieces = [Buffer.alloc(1), Buffer.alloc(131_071, 'a'), Buffer.alloc(131_072, 'b'), Buffer.alloc(300_000, 'c'), Buffer.alloc(5, 'd')];
    for (const piece of pieces) {
      writer.bytes(piece);
      writer.byte(10);
      writer.text('ü€😀');
    }
    writer.text('ö'.repeat(70_000));
    expect(writer.wantsFlush).toBe(true);
    await writer.flush();
    // Compared as a whole: byte by byte, as a matcher does, takes seconds.
    expect(Buffer.concat(stream.written).equals(Buffer.concat([...pieces.flatMap((piece) => [piece, Buffer.from('\nü€😀')]), Buffer.from('ö'.repeat(70_000))]))).toBe(true);
    expect(stream.written.length).toBeLessThan(12);
    writer.text('later');
    await writer.flush();
    expect(stream.written.at(-1)!.toString()).toBe('later');
  });
});

/** A configuration without any command. */
async function emptyConfig(): Promise<Config> {
  const plugin = new Plugin({ isRoot: true, root: process.cwd(), pjson: { name: 'mqlite', version: '0.0.0', oclif: { bin: 'mqlite' } } as Interfaces.PJSON, ignoreManifest: true });
  await plugin.load();
  const config = new Config({ root: process.cwd(), plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  return config;
}

describe('chunks that were written', () => {
  it.each([[0, 2], [7, 3]])('with %d bytes not yet taken by the system, three chunks take %d buffers', async (writableLength, buffers) => {
    const seen: Uint8Array[] = [];
    const stream = Object.assign(new TestStream(), { writableLength, write: (chunk: Uint8Array) => seen.push(chunk) > 0 });
    const writer = new ChunkWriter(new Output(stream as unknown as HostOutput, () => undefined));
    for (const letter of ['a', 'b', 'c']) {
      writer.text(letter);
      await writer.flush();
    }
    expect(new Set(seen.map((chunk) => chunk.buffer)).size).toBe(buffers);
    // What the stream still holds must not change under it.
    if (writableLength > 0) expect(seen.map((chunk) => Buffer.from(chunk).toString())).toEqual(['a', 'b', 'c']);
  });
});

describe('base command', () => {
  class Probe extends BaseCommand<typeof Probe> {
    static override id = 'probe';
    static override flags = { wait: Flags.boolean(), fail: Flags.string(), open: Flags.boolean() };

    async run(): Promise<void> {
      if (this.flags.open) await this.openBroker({ mode: 'write' });
      if (this.flags.fail !== undefined) throw new MqliteError(this.flags.fail as ErrorCode, 'failed');
      await this.out.line('data');
      if (this.flags.wait && !this.stopSignal.aborted) await new Promise((resolve) => this.stopSignal.addEventListener('abort', resolve, { once: true }));
    }
  }

  async function probe(argv: string[], during: (tools: { signal: (name: StopSignal) => void; stdout: TestStream }) => void = () => undefined) {
    const stdout = new TestStream();
    const stderr = new TestStream();
    const state = { exitCode: 0, exited: -1, closed: 0, listening: 0 };
    let signal: (name: StopSignal) => void = () => undefined;
    const before = BaseCommand.host;
    const broker = new FakeBroker();
    broker.close = async () => {
      state.closed++;
    };
    BaseCommand.host = {
      stdin: Readable.from([]) as HostInput, stdout, stderr, env: {}, clock: systemClock, openBroker: async () => broker,
      setExitCode: (code) => (state.exitCode = code), exit: (code) => (state.exited = code),
      onSignal: (listener) => {
        signal = listener;
        state.listening++;
        return () => state.listening--;
      },
    };
    try {
      const config = await emptyConfig();
      const running = (new Probe(argv, config) as unknown as { _run(): Promise<unknown> })._run();
      await new Promise((resolve) => setTimeout(resolve, 20));
      during({ signal, stdout });
      await running;
    } finally {
      BaseCommand.host = before;
    }
    return { ...state, stdout: stdout.text, stderr: stderr.text };
  }

  it('closes what it opened, also after a failure, and stops listening', async () => {
    expect(await probe(['--open'])).toMatchObject({ exitCode: 0, closed: 1, listening: 0, stdout: 'data\n' });
    expect(await probe(['--open', '--fail', 'DAMAGED'])).toMatchObject({ exitCode: 7, closed: 1, listening: 0, stderr: 'mqlite: failed\n' });
  });

  it.each<[StopSignal, number]>([['SIGINT', 130], ['SIGTERM', 143]])('%s: closes cleanly and is %d; the second ends at once', async (name, code) => {
    expect(await probe(['--open', '--wait'], ({ signal }) => signal(name))).toMatchObject({ exitCode: code, exited: -1, closed: 1, stderr: '' });
    expect(await probe(['--wait'], ({ signal }) => {
      signal(name);
      signal(name);
    })).toMatchObject({ exited: code });
  });

  it('a closed pipe is the end, and 0', async () => {
    expect(await probe(['--open', '--wait'], ({ stdout }) => stdout.emit('error', systemError('EPIPE')))).toMatchObject({ exitCode: 0, closed: 1, stderr: '' });
  });

  it('errors follow --json, also those of the parser', async () => {
    expect(JSON.parse((await probe(['--json', '--fail', 'LOCKED'])).stderr)).toEqual({ error: { code: 'LOCKED', exitCode: 6, message: 'failed', hint: null } });
    expect(JSON.parse((await probe(['--jso', '--json'])).stderr)).toMatchObject({ error: { code: 'USAGE', exitCode: 2, message: 'unknown flag --jso', hint: 'Did you mean "--json"?' } });
    expect(await probe(['extra'])).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^mqlite: unexpected argument "extra"\n/) as string });
    expect(await probe(['--store'])).toMatchObject({ exitCode: 2, stderr: 'mqlite: --store needs a value\n  See the flags with --help.\n' });
    expect(await probe(['--json=1'])).toMatchObject({ exitCode: 2, stderr: 'mqlite: --json takes no value\n  Write --json, or leave it out.\n' });
  });

  it('-v shows the stack of a bug, and of an expected error what the system said', async () => {
    expect((await probe(['--fail', 'LOCKED', '-v'])).stderr).toBe('mqlite: failed\n');
  });

  it('--read-only refuses to open for writing', async () => {
    expect(await probe(['--open', '--read-only'])).toMatchObject({ exitCode: 2, closed: 0, stderr: expect.stringContaining('--read-only: "probe" would write') as string });
  });

  it('a name server is told apart', async () => {
    const request = { mode: 'read' as const, create: false, lockTimeoutMs: 1, flush: undefined, readOnly: false, clock: systemClock, dataDirectory: '/nowhere', env: {}, onNotice: () => undefined };
    await expect(openTarget({ ...request, target: { kind: 'remote', addresses: ['127.0.0.1:9', '127.0.0.1:11'], source: '--namesrv', tls: null, credentials: null } })).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(/127\.0\.0\.1:9.*127\.0\.0\.1:11|127\.0\.0\.1:11.*127\.0\.0\.1:9/) as string });
    await expect(openTarget({ ...request, target: { kind: 'local', directory: '/no/such/store', commitLogDirectory: undefined, source: '--store' } })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  });

  it('keys named by env: are looked for in the environment of the host, not of the process', async () => {
    const target = { kind: 'remote' as const, addresses: ['127.0.0.1:9'], source: '--namesrv', tls: null, credentials: { accessKey: 'ops', secretKey: 'env:MQLITE_TEST_SECRET' } };
    const request = { target, mode: 'read' as const, create: false, lockTimeoutMs: 1, flush: undefined, readOnly: false, clock: systemClock, dataDirectory: '/nowhere', onNotice: () => undefined };
    process.env['MQLITE_TEST_SECRET'] = 'of the process';
    try {
      await expect(openTarget({ ...request, env: {} })).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('MQLITE_TEST_SECRET, which is not set') as string });
    } finally {
      delete process.env['MQLITE_TEST_SECRET'];
    }
    await expect(openTarget({ ...request, env: { MQLITE_TEST_SECRET: 'of the host' } })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
