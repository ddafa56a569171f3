import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnSyncReturns } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { temporaryDirectory } from './fixtures.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const LAUNCHER = path.join(ROOT, 'bin', 'run.js');
const MAX_OUTPUT_BYTES = 1 << 29;
const DEFAULT_WAIT_MS = 30_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A child process: its output is kept, its lines are stamped with the time they came. Killed when the test process ends. */
export class Child {
  readonly exited: Promise<Exit>;
  readonly process: ChildProcess;
  exit: Exit | null = null;
  stderr = '';
  /** Complete lines of stdout. */
  readonly lines: string[] = [];
  /** process.hrtime of the arrival of each line, ns. */
  readonly arrivedNs: bigint[] = [];
  /** What follows the last newline. */
  rest = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this);
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // The child may be gone before it has read everything: its exit says so.
    this.process.stdin!.on('error', () => undefined);
    this.exited = new Promise((resolve, reject) => {
      this.process.once('error', reject);
      this.process.once('close', (code, signal) => {
        running.delete(this);
        resolve((this.exit = { code, signal }));
      });
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Writes to stdin; resolves when the pipe has room again. */
  async write(text: string | Buffer): Promise<void> {
    if (this.exit === null && !this.process.stdin!.write(text)) {
      await Promise.race([new Promise((resolve) => this.process.stdin!.once('drain', resolve)), this.exited]);
    }
  }

  end(text?: string | Buffer): void {
    this.process.stdin!.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.exit === null) this.process.kill(signal);
  }

  /** Resolves when `test` holds. Rejects when the time is over or the process ends first. */
  async until(test: () => boolean, what: string, timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!test()) {
      if (this.exit !== null && !test()) throw new Error(`${what}: the process ended (${JSON.stringify(this.exit)}) first\n${this.stderr}`);
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms\n${this.stderr}`);
      await sleep(2);
    }
  }

  /** Waits for the end. Rejects, and kills, when it takes too long. */
  async finish(timeoutMs = DEFAULT_WAIT_MS): Promise<Exit> {
    const timer = new AbortController();
    const late = sleep(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
    const first = await Promise.race([this.exited, late]);
    timer.abort();
    if (first !== 'late') return first;
    this.kill('SIGKILL');
    throw new Error(`process ${this.pid} did not end within ${timeoutMs} ms\n${this.stderr}`);
  }

  #take(text: string): void {
    const now = process.hrtime.bigint();
    const pieces = (this.rest + text).split('\n');
    this.rest = pieces.pop()!;
    for (const line of pieces) {
      this.lines.push(line);
      this.arrivedNs.push(now);
    }
  }
}

let home: string | undefined;

/** The environment of a user who has nothing but PATH: no profile, no variables of ours, a home of its own. */
export const cleanEnvironment = (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  home ??= temporaryDirectory('home');
  return { PATH: process.env['PATH'], HOME: home, TZ: 'UTC', LC_ALL: 'C.UTF-8', ...extra };
};

export interface CliOptions {
  readonly store?: string;
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const cliEnvironment = ({ store, env }: CliOptions): NodeJS.ProcessEnv => cleanEnvironment({ ...(store === undefined ? {} : { MQLITE_STORE: store }), ...env });

/** Words of a shell that run the command-line tool. */
export const CLI = [process.execPath, LAUNCHER] as const;

/** Starts the command-line tool. */
export const startCli = (args: readonly string[], options: CliOptions = {}): Child => {
  const child = new Child(CLI[0], [CLI[1], ...args], cliEnvironment(options));
  if (options.input !== undefined) child.end(options.input);
  return child;
};

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command-line tool to its end. */
export const runCli = (args: readonly string[], options: CliOptions = {}): CliResult =>
  textOf(spawnSync(CLI[0], [CLI[1], ...args], { env: cliEnvironment(options), input: options.input ?? '', maxBuffer: MAX_OUTPUT_BYTES, timeout: options.timeoutMs ?? 120_000 }));

/** Runs a line of shell in which `$MQLITE` is the command-line tool. */
export const runShell = (script: string, options: CliOptions = {}): CliResult =>
  textOf(spawnSync('/bin/bash', ['-c', script], {
    env: { ...cliEnvironment(options), MQLITE: CLI.join(' ') }, input: options.input ?? '', maxBuffer: MAX_OUTPUT_BYTES, timeout: options.timeoutMs ?? 120_000,
  }));

const textOf = ({ status, stdout, stderr, error }: SpawnSyncReturns<Buffer>): CliResult => {
  if (error !== undefined && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  return { status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
};

/** stdout of a command that must succeed. */
export const outputOf = (args: readonly string[], options: CliOptions = {}): string => {
  const { status, stdout, stderr } = runCli(args, options);
  if (status !== 0) throw new Error(`mqlite ${args.join(' ')} ended with ${status}\n${stdout.slice(0, 2000)}\n${stderr}`);
  return stdout;
};

export const jsonLines = <T>(text: string): T[] => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as T);

/** Bundles a worker written in TypeScript, so that plain Node runs it in a process of its own; returns the script's path. */
export const bundleWorker = (source: string): string => {
  const directory = temporaryDirectory('worker');
  // Packages stay outside the bundle, native code above all.
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  const outfile = path.join(directory, 'worker.mjs');
  buildSync({ entryPoints: [source], bundle: true, format: 'esm', platform: 'node', target: 'node20', packages: 'external', outfile, logLevel: 'warning' });
  return outfile;
};

/** Starts a bundled worker; `task` is its only argument, as JSON. */
export const startWorker = (script: string, task: unknown): Child => new Child(process.execPath, [script, JSON.stringify(task)], cleanEnvironment());

/** Time on a processor that a process has used so far, all threads, ms. Linux. */
export const cpuTimeMs = (pid: number): number => {
  const tasks = `/proc/${pid}/task`;
  // What the scheduler counts, in ns.
  if (fs.existsSync(`${tasks}/${pid}/schedstat`)) {
    return fs.readdirSync(tasks).reduce((sum, task) => sum + Number(fs.readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')[0]), 0) / 1e6;
  }
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command's name, in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime are fields 14 and 15 of proc(5), in ticks of 10 ms; the first one here is field 3.
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

const WINDOWS = 5;
const WINDOW_MS = 4000;

/**
 * Which part of a processor each process uses while it idles: the least of several windows. What else the machine does, and what the engine
 * of JavaScript cleans up now and then, only ever adds to it.
 */
export const idleShares = async (pids: readonly number[]): Promise<number[]> => {
  const least = pids.map(() => Infinity);
  for (let window = 0; window < WINDOWS; window++) {
    const before = pids.map(cpuTimeMs);
    const startedMs = performance.now();
    await sleep(WINDOW_MS);
    const tookMs = performance.now() - startedMs;
    pids.forEach((pid, index) => (least[index] = Math.min(least[index]!, (cpuTimeMs(pid) - before[index]!) / tookMs)));
  }
  return least;
};
