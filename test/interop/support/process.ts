import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Every wait lasts so many times as long: for a long run on a machine that has other work. */
const PATIENCE = Number(process.env['MQLITE_INTEROP_PATIENCE'] ?? 1);

/** A child process whose output is kept, and which can be waited for in every way a test needs. */
export class Child {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  exit: Exit | null = null;
  private readonly child: ChildProcess;

  constructor(command: string, args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {}) {
    this.child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    this.pid = this.child.pid ?? -1;
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.stdout += text; });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr += text; });
    this.child.stdin?.on('error', () => { /* the child is gone: its exit says so */ });
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.stderr += `${error.message}\n`;
        resolve(this.exit ??= { code: -1, signal: null });
      });
      this.child.once('close', (code, signal) => resolve(this.exit ??= { code, signal }));
    });
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  endInput(): void {
    this.child.stdin?.end();
  }

  /** Resolves true once `test` holds, false when the process ended first. Rejects after `timeoutMs`. */
  async until(test: () => boolean, timeoutMs: number, what: string): Promise<boolean> {
    const deadline = Date.now() + timeoutMs * PATIENCE;
    while (!test()) {
      if (this.exit !== null) return test();
      if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs * PATIENCE} ms\n${this.stdout}\n${this.stderr}`);
      await sleep(20);
    }
    return true;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.exit === null) this.child.kill(signal);
  }

  /** Sends the signal and waits; SIGKILL and a rejection when it takes longer than `timeoutMs`. */
  async stop(signal: NodeJS.Signals, timeoutMs: number): Promise<Exit> {
    this.kill(signal);
    const late = Symbol('late');
    const timer = new AbortController();
    const first = await Promise.race([this.exited, sleep(timeoutMs * PATIENCE, late, { signal: timer.signal }).catch(() => late)]);
    timer.abort();
    if (typeof first !== 'symbol') return first;
    this.child.kill('SIGKILL');
    await this.exited;
    throw new Error(`process ${this.pid} did not end within ${timeoutMs * PATIENCE} ms of ${signal}\n${this.stdout}\n${this.stderr}`);
  }
}
