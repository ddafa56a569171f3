import { setTimeout as sleep } from 'node:timers/promises';
import type { IPty } from '@lydell/node-pty';
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import type { Terminal as Emulator } from '@xterm/headless';
import { cleanEnvironment, CLI } from './processes.ts';

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Generous: the machine may be busy. Nothing waits this long unless it fails. */
const WAIT_MS = 30_000;

export const KEY = { enter: '\r', tab: '\t', up: '\u001b[A', ctrlC: '\u0003', ctrlD: '\u0004' } as const;

/** A program in a real pseudo-terminal, and an emulator that shows what a person would see. */
export class Terminal {
  readonly #pty: IPty;
  readonly #emulator: Emulator;
  #written: Promise<void> = Promise.resolve();
  exitCode: number | undefined;

  constructor(file: string, args: readonly string[], { columns = 100, rows = 40, env = {}, cwd }: TerminalOptions = {}) {
    this.#emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 2000 });
    this.#pty = spawn(file, [...args], { name: 'xterm-256color', cols: columns, rows, env: cleanEnvironment({ TERM: 'xterm-256color', ...env }) as Record<string, string>, ...(cwd === undefined ? {} : { cwd }) });
    this.#pty.onData((data) => {
      this.#written = this.#written.then(() => new Promise((resolve) => this.#emulator.write(data, resolve)));
    });
    this.#pty.onExit(({ exitCode, signal }) => {
      this.exitCode = signal !== undefined && signal > 0 ? 128 + signal : exitCode;
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** Lines of the screen, what was scrolled out of it included, without what is empty at the end. */
  get lines(): string[] {
    const buffer = this.#emulator.buffer.active;
    const lines = Array.from({ length: buffer.length }, (_, index) => buffer.getLine(index)!.translateToString(true));
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  get text(): string {
    return this.lines.join('\n');
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
    this.#emulator.resize(columns, rows);
  }

  /** Resolves when the screen is as `test` wants it. Rejects with the screen when the time is over. */
  async until(test: (terminal: this) => boolean, what: string, timeoutMs = WAIT_MS): Promise<void> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      await this.#written;
      if (test(this)) return;
      if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms; exit ${this.exitCode}\n${this.text}`);
      await sleep(5);
    }
  }

  /** Until the last line is this, blanks at its end aside. */
  line(text: string): Promise<void> {
    return this.until(({ lines }) => (lines.at(-1) ?? '').trimEnd() === text.trimEnd(), `the last line is to be ${JSON.stringify(text)}`);
  }

  async exited(): Promise<number> {
    await this.until(({ exitCode }) => exitCode !== undefined, 'the end');
    return this.exitCode!;
  }

  close(): void {
    if (this.exitCode === undefined) this.#pty.kill('SIGKILL');
    this.#emulator.dispose();
  }
}

/** The command-line tool in a terminal. */
export const cliTerminal = (args: readonly string[], options: TerminalOptions = {}): Terminal => new Terminal(CLI[0], [CLI[1], ...args], options);
