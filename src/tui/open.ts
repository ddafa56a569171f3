import type { ReadStream } from 'node:tty';
import { createElement } from 'react';
import { render } from 'ink';
import { App } from './app.tsx';
import { PANELS } from './panels/index.ts';
import { Screen } from './screen.ts';
import type { TerminalOutput } from './screen.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session.ts';

export interface TuiOptions extends Omit<SessionOptions, 'panels' | 'size' | 'copy' | 'isBlocked'> {
  readonly stdin: ReadStream;
  readonly stdout: TerminalOutput;
  /** Aborts: the view ends as if the user had quit. */
  readonly signal: AbortSignal;
}

/**
 * The full-screen view until the user leaves it or the signal aborts. The terminal is as it was before when this settles, and when the process
 * ends in any way that it can notice. Rejects with what the view could not go on with.
 */
export async function openTui(options: TuiOptions): Promise<void> {
  const { stdin, stdout, signal } = options;
  const screen = new Screen(stdout);
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const session = new Session({ ...options, panels: PANELS, size: size(), copy: (text) => screen.copy(text), isBlocked: () => screen.isBlocked });
  const onResize = (): void => {
    screen.clear();
    session.dispatch({ type: 'resize', ...size() });
  };
  const onAbort = (): void => session.end();
  process.once('exit', screen.leave);
  stdout.on('resize', onResize);
  signal.addEventListener('abort', onAbort, { once: true });
  screen.enter();
  const ink = render(createElement(App, { session }), {
    // In this mode ink hands over whole frames; the screen writes what has changed of them.
    debug: true,
    stdout: inkOutput(screen, size) as unknown as NodeJS.WriteStream,
    stdin, exitOnCtrlC: false, patchConsole: false,
  });
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
    // Else a terminal that nobody reads any more keeps the process.
    stdin.pause();
    stdin.unref();
  }
}

/** As much of a stream as ink asks for. */
function inkOutput(screen: Screen, size: () => { readonly columns: number; readonly rows: number }): object {
  return {
    get columns() {
      return size().columns;
    },
    get rows() {
      return size().rows;
    },
    isTTY: true,
    write: (text: string) => screen.paint(text),
    on: () => undefined,
    off: () => undefined,
  };
}
