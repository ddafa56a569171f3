import type { Writable } from 'node:stream';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { ClientSettings } from '../remote/client-settings.ts';
import type { Target } from './target.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** What a command asks for when it opens its target. */
export interface OpenRequest {
  readonly target: Target;
  /** read: nothing is ever written to the target. */
  readonly mode: 'read' | 'write';
  /** write only: make the store directory when it does not exist. */
  readonly create: boolean;
  readonly lockTimeoutMs: number;
  readonly flush: 'async' | 'sync' | undefined;
  readonly readOnly: boolean;
  readonly clock: Clock;
  /** Where mqlite keeps what is nobody's target: offsets of broadcasting groups of clusters. */
  readonly dataDirectory: string;
  /** Of a client of a cluster, those that are not by default. */
  readonly clientSettings?: ClientSettings | undefined;
  /** Where keys named by `env:NAME` are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onNotice: (notice: string) => void;
}

export type BrokerFactory = (request: OpenRequest) => Promise<Broker>;

export interface HostInput extends AsyncIterable<Buffer> {
  readonly isTTY?: boolean | undefined;
  destroy(): unknown;
}

export interface HostOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Bytes written and not yet handed to the system. */
  readonly writableLength?: number | undefined;
  /** What programs of the system that a command runs are to write to, a stream or a descriptor; absent: the standard output of this process. */
  readonly forPrograms?: Writable | number | undefined;
  /** False: wait for `drain` before writing more. */
  write(chunk: string | Uint8Array): boolean;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

/** Everything of the outside world that a command touches: tests put their own in its place. */
export interface Host {
  readonly stdin: HostInput;
  readonly stdout: HostOutput;
  readonly stderr: HostOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly openBroker: BrokerFactory;
  setExitCode(code: number): void;
  /** Ends the process at once: a second signal, or a command that does not heed the first. */
  exit(code: number): void;
  /** Returns how to stop listening. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
}

/** The real process. Streams are looked up on use: opening them costs start-up time. */
export const systemHost: Host = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  env: process.env,
  clock: systemClock,
  openBroker: async (request) => {
    const { openTarget } = await import('./open-broker.ts');
    return openTarget(request);
  },
  setExitCode: (code) => {
    process.exitCode = code;
  },
  exit: (code) => {
    process.exit(code);
  },
  onSignal: (listener) => {
    const onInterrupt = (): void => listener('SIGINT');
    const onTerminate = (): void => listener('SIGTERM');
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', onTerminate);
    return () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    };
  },
};
