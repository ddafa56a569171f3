/** What of a terminal's stream is needed; a test has its own. */
export interface TerminalOutput {
  readonly columns: number;
  readonly rows: number;
  readonly writableLength: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

// Alternate screen, cursor hidden, no wrapping at the right edge; and back.
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J\u001b[H';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[0m\u001b[?1049l';
// A terminal that knows it shows what lies between as one change.
const BEGIN_UPDATE = '\u001b[?2026h';
const END_UPDATE = '\u001b[?2026l';

/** What brings a terminal that shows `before` to show `after`: only lines that differ are written, each from its own beginning. */
export function repaint(before: readonly string[], after: readonly string[]): string {
  let changes = '';
  for (let row = 0; row < Math.max(before.length, after.length); row++) {
    const line = after[row] ?? '';
    if (before[row] !== line) changes += `\u001b[${row + 1};1H\u001b[2K${line}`;
  }
  return changes === '' ? '' : BEGIN_UPDATE + changes + END_UPDATE;
}

/** The terminal while the view has it: entered once, restored once, whatever happens in between. */
export class Screen {
  readonly #output: TerminalOutput;
  #lines: readonly string[] = [];
  #isOpen = false;

  constructor(output: TerminalOutput) {
    this.#output = output;
  }

  enter(): void {
    this.#isOpen = true;
    this.#output.write(ENTER);
  }

  readonly leave = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.write(LEAVE);
  };

  get isBlocked(): boolean {
    return this.#output.writableLength > 0;
  }

  /** A whole frame: of it only what has changed is written. */
  readonly paint = (lines: readonly string[]): void => {
    if (!this.#isOpen) return;
    const changes = repaint(this.#lines, lines);
    this.#lines = lines;
    if (changes !== '') this.#output.write(changes);
  };

  /** Nothing of what is on it is known any more: a terminal that was resized has moved it about. */
  clear(): void {
    this.#lines = [];
    if (this.#isOpen) this.#output.write('\u001b[2J');
  }

  /** Into the clipboard of whoever sits before the terminal (OSC 52), over ssh, too. */
  copy(text: string): void {
    if (this.#isOpen) this.#output.write(`\u001b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\u0007`);
  }
}
