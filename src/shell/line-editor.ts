import type { Completer } from 'node:readline';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export type Entry =
  | { readonly kind: 'line'; readonly text: string }
  /** Ctrl-C */
  | { readonly kind: 'interrupt' }
  /** Ctrl-D on an empty line, or the terminal is gone. */
  | { readonly kind: 'end' };

export interface EditorOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** The terminal obeys escape sequences. */
  readonly isSmart: boolean;
  /** What can replace the end of the text up to the cursor: candidates, and the end that they replace. */
  readonly complete: (text: string) => Promise<[string[], string]>;
  /** Ends a `read` under way, as Ctrl-D does. */
  readonly signal: AbortSignal;
}

/**
 * Lines from a terminal, edited by Node's readline. Between two reads the terminal is as it was before: nothing listens to it, it is not in raw
 * mode; what runs then has it for itself.
 */
export class LineEditor {
  readonly #options: EditorOptions;
  /** Newest first, as readline has it. */
  readonly #history: string[];
  /** Lines that came in one piece with one that was read: pasted ones. */
  readonly #pasted: string[] = [];
  #isLeft = false;
  #begun = '';

  /** `history`: oldest first. */
  constructor(options: EditorOptions, history: readonly string[]) {
    this.#options = options;
    this.#history = [...history].reverse();
  }

  remember(entry: string): void {
    const known = this.#history.indexOf(entry);
    if (known >= 0) this.#history.splice(known, 1);
    this.#history.unshift(entry);
  }

  /** `isFirst`: something may have run before, and left the cursor behind its last words. */
  async read(prompt: string, isFirst = true): Promise<Entry> {
    const { input, output, complete, signal } = this.#options;
    if (isFirst && this.#options.isSmart) output.write(freshLine(output.columns));
    const pasted = this.#pasted.shift();
    if (pasted !== undefined) {
      output.write(`${prompt}${pasted}\n`);
      return { kind: 'line', text: pasted };
    }
    if (signal.aborted || this.#isLeft) return { kind: 'end' };
    const echo = new Echo(output);
    const completer = ((line: string, answer: (error: null, result: [string[], string]) => void): void => {
      complete(line).then((result) => answer(null, result), () => answer(null, [[], line]));
    }) as unknown as Completer;
    const editor = createInterface({ input, output: echo, terminal: true, prompt, history: [...this.#history], historySize: this.#history.length + 1, completer });
    const onAbort = (): void => editor.close();
    let isClosed = false;
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<Entry>((resolve) => {
        let isRead = false;
        editor.on('line', (text) => {
          // What else came in the same piece is read before the promise goes on: it is kept, and shown when its turn comes.
          echo.mute();
          if (isRead) this.#pasted.push(text);
          isRead = true;
          resolve({ kind: 'line', text });
        });
        editor.on('SIGINT', () => {
          if (isRead) return;
          isRead = true;
          output.write('^C\n');
          echo.mute();
          // What is typed next, in the same piece, begins a line of its own.
          editor.write(null, { ctrl: true, name: 'e' });
          editor.write(null, { ctrl: true, name: 'u' });
          resolve({ kind: 'interrupt' });
        });
        editor.on('close', () => {
          // Typed in one piece with what was read before it; a close that nobody typed comes later.
          if (isRead && !isClosed) this.#isLeft = true;
          resolve({ kind: 'end' });
        });
        editor.prompt();
        if (this.#begun !== '') editor.write(this.#begun);
        this.#begun = '';
      }).then((entry) => {
        if (entry.kind !== 'end') this.#begun = editor.line;
        return entry;
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      isClosed = true;
      editor.close();
      echo.destroy();
    }
  }
}

/**
 * Begins a new line where the cursor is not at the beginning of one, and says so with a % as zsh does: readline would write its prompt over what
 * stands there. The blanks fill a line that is empty, and go on to the next one otherwise.
 */
function freshLine(columns: number | undefined): string {
  return columns === undefined || columns < 2 ? '' : `\u001b[7m%\u001b[0m${' '.repeat(columns - 1)}\r\u001b[K`;
}

/** The terminal as far as readline is to write to it. */
class Echo extends Writable {
  readonly isTTY = true;
  readonly #output: NodeJS.WriteStream;
  readonly #onResize = (): void => void this.emit('resize');
  #isMute = false;

  constructor(output: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    this.#output = output;
    output.on('resize', this.#onResize);
  }

  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  mute(): void {
    this.#isMute = true;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#isMute) this.#output.write(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#output.off('resize', this.#onResize);
    done(error);
  }
}
