import { Readable } from 'node:stream';
import type { HostInput, HostOutput } from '../host.ts';

type Listener = (...values: unknown[]) => void;
type OutputStream = NodeJS.WritableStream & Pick<HostOutput, 'isTTY' | 'columns' | 'writableLength'>;

/** A stream as one command has it. */
export interface CommandStream<S> {
  readonly stream: S;
  /** The command is over, or given up: what it still does with the stream is without effect. */
  end(): void;
}

/**
 * A stream that the shell keeps, lent to a command: what the command listens for ends with it, and so does what it writes. For everything else
 * it is the stream itself, so that a view that fills the terminal finds its size and its events. `forPrograms`: see HostOutput. `edit`: what is written in place of a text.
 */
export function commandOutput(stream: OutputStream, forPrograms?: HostOutput['forPrograms'], edit: (text: string) => string = (text) => text): CommandStream<HostOutput> {
  const listeners: [string, Listener][] = [];
  let isOver = false;
  const listen = (how: 'on' | 'once') => (event: string, listener: Listener): void => {
    listeners.push([event, listener]);
    stream[how](event, listener);
  };
  const own: Readonly<Record<string, unknown>> = {
    forPrograms,
    write: (chunk: string | Uint8Array): boolean => isOver || stream.write(typeof chunk === 'string' ? edit(chunk) : chunk),
    on: listen('on'), addListener: listen('on'), once: listen('once'),
  };
  return {
    stream: new Proxy(stream, { get: (target, name) => (typeof name === 'string' && Object.hasOwn(own, name) ? own[name] : property(target, name)) }) as unknown as HostOutput,
    end: () => {
      isOver = true;
      for (const [event, listener] of listeners) stream.off(event, listener);
    },
  };
}

/** Standard input of a command, opened when it is first used: a terminal, a file, or what the shell itself has. `open`: undefined where there is nothing to read. */
export function commandInput(isTTY: boolean, open: () => Readable | undefined): CommandStream<HostInput> {
  let opened: Readable | undefined;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    opened?.destroy();
  };
  const stream = (): Readable => {
    if (isOver && opened === undefined) return Readable.from([]);
    opened ??= open() ?? Readable.from([]);
    // One that was read to its end before has nothing more.
    return opened.destroyed ? Readable.from([]) : opened;
  };
  return {
    stream: new Proxy({} as HostInput, {
      get: (_target, name) => (name === 'isTTY' ? isTTY : name === 'destroy' ? end : property(stream(), name)),
    }),
    end,
  };
}

function property(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}
