import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

/** A program in a pseudo-terminal, and what a person would see of it. */
export class Terminal {
  #pty;
  #screen;
  isOver = false;

  constructor(command, words, { columns, rows, env }) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#pty = spawn(command, words, { name: 'xterm-256color', cols: columns, rows, env: { ...env, TERM: 'xterm-256color' } });
    this.#pty.onData((data) => this.#screen.write(data));
    this.ended = new Promise((resolve) => this.#pty.onExit(() => {
      this.isOver = true;
      resolve();
    }));
  }

  /** The cells of a row, as @xterm/headless has them. */
  row(index) {
    const { active } = this.#screen.buffer;
    return active.getLine(active.viewportY + index);
  }

  get pid() {
    return this.#pty.pid;
  }

  get lines() {
    return Array.from({ length: this.#screen.rows }, (_, index) => this.row(index)?.translateToString(true) ?? '');
  }

  press(keys) {
    this.#pty.write(keys);
  }

  /** Resolves once `test` holds of the lines, looked at whenever there is something new; the time that took, in ms. */
  async until(test, what, timeoutMs = 60_000) {
    const started = performance.now();
    while (!test(this.lines)) {
      if (this.isOver || performance.now() - started > timeoutMs) throw new Error(`${what} did not come:\n${this.lines.join('\n')}`);
      await sleep(1);
    }
    return performance.now() - started;
  }

  async end() {
    this.press('q');
    const timer = setTimeout(() => this.#pty.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(timer);
  }
}
