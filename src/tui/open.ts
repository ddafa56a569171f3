import type { ReadStream } from 'node:tty';
import { createElement } from 'react';
import { render } from 'ink';
import { App } from './app.tsx';
import { flagFilter } from './filter.ts';
import type { FilterFlags } from './filter.ts';
import { PANELS } from './panels/index.ts';
import { Screen } from './screen.ts';
import type { TerminalOutput } from './screen.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session.ts';

export interface TuiOptions extends Omit<SessionOptions, 'panels' | 'size' | 'copy' | 'isBlocked' | 'filter'> {
  /** Flags that narrow the view. */
  readonly filter: FilterFlags;
  readonly stdin: ReadStream;
  readonly stdout: TerminalOutput;
  /** Aborts: the view ends as if the user had quit. */
  readonly signal: AbortSignal;
  /** Takes what a user should be told while the view has the terminal; undefined: it has it no more. */
  readonly sayThrough: (listener: ((text: string) => void) | undefined) => void;
}

/**
 * The full-screen view until the user leaves it or the signal aborts. The terminal is as it was before when this settles, and when the process
 * ends in any way that it can notice. Rejects with what the view could not go on with.
 */
export async function openTui(options: TuiOptions): Promise<void> {
  const { stdin, stdout, signal } = options;
  const screen = new Screen(stdout);
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const session = new Session({ ...options, filter: flagFilter(options.filter), panels: PANELS, size: size(), copy: (text) => screen.copy(text), isBlocked: () => screen.isBlocked });
  const onResize = (): void => {
    screen.clear();
    session.dispatch({ type: 'resize', ...size() });
  };
  const onAbort = (): void => session.end();
  process.once('exit', screen.leave);
  stdout.on('resize', onResize);
  signal.addEventListener('abort', onAbort, { once: true });
  options.sayThrough((text) => session.dispatch({ type: 'notice', text, tone: 'warn' }));
  screen.enter();
  // Ink reads keys; what it would write itself, its cursor and frames of nothing, goes nowhere.
  const ink = render(createElement(App, { session, paint: screen.paint }), { stdin, stdout: nowhere(), debug: true, exitOnCtrlC: false, patchConsole: false });
  // What goes wrong while ink draws ends the session, too.
  ink.waitUntilExit().then(() => session.end(), (error: unknown) => session.end(error));
  try {
    session.run();
    if (signal.aborted) session.end();
    await session.ended;
  } finally {
    screen.leave();
    ink.unmount();
    stdout.off('resize', onResize);
    signal.removeEventListener('abort', onAbort);
    process.off('exit', screen.leave);
    options.sayThrough(undefined);
    // Else a terminal that nobody reads any more keeps the process.
    stdin.pause();
    stdin.unref();
  }
}

/** As much of a stream as ink asks for. */
function nowhere(): NodeJS.WriteStream {
  return { columns: 80, rows: 24, isTTY: true, write: () => true, on: () => undefined, off: () => undefined } as unknown as NodeJS.WriteStream;
}
