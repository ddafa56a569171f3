import { spawn } from '@lydell/node-pty';
import type { IPty } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { setTimeout as sleep } from 'node:timers/promises';
import { columnsOf } from '../../src/text/columns.ts';
import { CLI, cleanEnvironment } from './processes.ts';

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const DEFAULT_WAIT_MS = 30_000;
const open = new Set<Terminal>();
process.on('exit', () => {
  for (const terminal of open) terminal.kill('SIGKILL');
});

/** The command-line tool in a terminal of its own: keys go in, and what is on the screen is read as a person would. Killed when the test process ends. */
export class Terminal {
  readonly #pty: IPty;
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  exit: { readonly code: number; readonly signal: number | undefined } | null = null;
  /** Everything that the program wrote. */
  output = '';

  constructor(words: readonly string[], { columns = 80, rows = 24, env = {}, cwd }: TerminalOptions = {}) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 });
    // As terminals of today do; the one that comes with it knows no emoji.
    this.#screen.unicode.register({
      version: 'wide-emoji',
      wcwidth: (codePoint) => width(codePoint),
      charProperties: (codePoint, preceding) => {
        const own = width(codePoint);
        const joins = own === 0 && preceding !== 0;
        return (joins ? 1 : 0) | ((joins ? (preceding >> 1) & 3 : own) << 1);
      },
    });
    this.#screen.unicode.activeVersion = 'wide-emoji';
    this.#pty = spawn(CLI[0], [CLI[1], ...words], { name: 'xterm-256color', cols: columns, rows, env: cleanEnvironment({ TERM: 'xterm-256color', ...env }), ...(cwd === undefined ? {} : { cwd }) });
    open.add(this);
    this.#pty.onData((data) => {
      this.output += data;
      this.#screen.write(data);
    });
    this.#pty.onExit(({ exitCode, signal }) => {
      open.delete(this);
      this.exit = { code: exitCode, signal };
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** As a shell tells it: 128 and its number for a signal. null: it runs. */
  get exitCode(): number | null {
    if (this.exit === null) return null;
    const { code, signal = 0 } = this.exit;
    return signal > 0 ? 128 + signal : code;
  }

  get isAlternate(): boolean {
    return this.#screen.buffer.active.type === 'alternate';
  }

  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '');
  }

  /** All lines that were written, what was scrolled out of the screen included, without what is empty at the end. */
  get transcript(): string[] {
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: active.length }, (_, index) => active.getLine(index)!.translateToString(true));
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** The column that a piece of text begins at on a line; wide characters count as two. */
  columnOf(row: number, text: string): number {
    const { active } = this.#screen.buffer;
    const line = active.getLine(active.viewportY + row);
    for (let column = 0; column < this.#screen.cols; column++) if (line?.translateToString(true, column).startsWith(text) === true) return column;
    return -1;
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#pty.write(Object.hasOwn(KEYS, key) ? KEYS[key as keyof typeof KEYS] : key);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  kill(signal: string): void {
    if (this.exit === null) this.#pty.kill(signal);
  }

  /** Resolves once the screen, all lines joined, is as expected. */
  async shows(expected: string | RegExp | ((text: string) => boolean), timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
    const test = typeof expected === 'function' ? expected : (text: string) => (typeof expected === 'string' ? text.includes(expected) : expected.test(text));
    const deadline = Date.now() + timeoutMs;
    while (!test(this.text)) {
      if (Date.now() > deadline || this.exit !== null) {
        // What was written last may still be on its way to the screen.
        await sleep(50);
        if (test(this.text)) return;
        throw new Error(`the screen does not show ${String(expected)}${this.exit === null ? '' : `; the program ended (${JSON.stringify(this.exit)})`}:\n${this.text}`);
      }
      await sleep(10);
    }
  }

  /** Resolves once `test` holds; `what` names it when it does not. */
  async until(test: () => boolean, what: string, timeoutMs = DEFAULT_WAIT_MS): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; !test(); await sleep(5)) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms; exit ${JSON.stringify(this.exit)}\n${this.transcript.join('\n')}`);
    }
  }

  /** Until the last line is this, blanks at its end aside. */
  line(text: string): Promise<void> {
    return this.until(() => (this.transcript.at(-1) ?? '').trimEnd() === text.trimEnd(), `the last line is to be ${JSON.stringify(text)}`);
  }

  async finished(timeoutMs = DEFAULT_WAIT_MS): Promise<{ readonly code: number; readonly signal: number | undefined }> {
    const deadline = Date.now() + timeoutMs;
    while (this.exit === null) {
      if (Date.now() > deadline) throw new Error(`the program did not end:\n${this.text}`);
      await sleep(10);
    }
    // The screen takes what was written in turns of its own.
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    return this.exit;
  }
}

function width(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0)) return 0;
  return columnsOf(String.fromCodePoint(codePoint)) as 0 | 1 | 2;
}

/** What a terminal sends for a key, by the names that `press` takes. */
export const KEYS = {
  up: '\u001b[A', down: '\u001b[B', right: '\u001b[C', left: '\u001b[D', pageup: '\u001b[5~', pagedown: '\u001b[6~', home: '\u001b[H', end: '\u001b[F',
  enter: '\r', esc: '\u001b', tab: '\t', 'shift-tab': '\u001b[Z', backspace: '\u007f', space: ' ', 'ctrl-b': '\u0002', 'ctrl-c': '\u0003', 'ctrl-d': '\u0004', 'ctrl-f': '\u0006', 'ctrl-u': '\u0015',
} as const satisfies Readonly<Record<string, string>>;
