import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CodecError } from '../base/codec-error.ts';
import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { FLAG_RESPONSE } from '../wire/codes.ts';
import { isOneway, isResponse } from '../wire/command.ts';
import { encodeFrame, FrameReader } from '../wire/frame.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { closedByPeer, connectFailure, noAnswer } from './failures.ts';
import type { TlsOptions } from './tls.ts';
import { tlsConnectOptions } from './tls.ts';

export interface ConnectionOptions {
  readonly clock: Clock;
  /** null: plain text. */
  readonly tls: TlsOptions | null;
  readonly connectTimeoutMs: number;
  /** A request of the peer's; the answer goes back over `respond`. Must not throw. */
  readonly onRequest: (connection: Connection, request: RemotingCommand) => void;
  readonly onClosed: (connection: Connection) => void;
}

interface Pending {
  readonly deadlineMs: number;
  readonly sentAtMs: number;
  readonly timeoutMs: number;
  readonly asked: string;
  readonly resolve: (response: RemotingCommand) => void;
  readonly reject: (error: MqliteError) => void;
}

/** How often it is looked whether requests are out of time, in ms: no answer is waited for longer than this beyond its time. */
const SWEEP_MS = 50;
const KEEP_ALIVE_MS = 60_000;
/** Opaques are Java ints. */
const MAX_OPAQUE = 0x7fff_ffff;

/**
 * One connection, over which any number of requests are under way: who asked is found by the opaque. A request that ran out of time is forgotten;
 * when its answer comes all the same, it is dropped. Whoever does not read is not written to: requests wait for the socket to drain.
 */
export class Connection {
  readonly address: string;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  #lastOpaque = 0;
  #isSweeping = false;
  #isCorked = false;
  #receivedAtMs: number;
  #drained: Promise<void> | null = null;
  #failure: MqliteError | null = null;
  /** The peer asked us to leave: what is under way may end, nothing new begins. */
  #isRetired = false;

  /** Errors: UNREACHABLE, TIMED_OUT, REFUSED (TLS), naming the address. */
  static open(address: string, options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { host, port } = splitAddress(address);
      const { clock, tls, connectTimeoutMs } = options;
      const socket = tls === null ? connectTcp({ host, port }) : connectTls({ host, port, ...tlsConnectOptions(tls) });
      const settled = new AbortController();
      const fail = (error: MqliteError): void => {
        settled.abort();
        socket.destroy();
        reject(error);
      };
      socket.once('error', (error: NodeJS.ErrnoException) => fail(connectFailure(address, error, tls !== null)));
      socket.once(tls === null ? 'connect' : 'secureConnect', () => {
        settled.abort();
        socket.removeAllListeners('error');
        resolve(new Connection(address, socket, options));
      });
      void clock.sleep(connectTimeoutMs, settled.signal).then(() => {
        if (settled.signal.aborted) return;
        fail(new MqliteError('TIMED_OUT', `${address}: no connection within ${connectTimeoutMs} ms`, { hint: 'Is the address right, and does a firewall let this machine through?' }));
      });
    });
  }

  private constructor(address: string, socket: Socket, options: ConnectionOptions) {
    this.address = address;
    this.#socket = socket;
    this.#options = options;
    this.#receivedAtMs = options.clock.elapsedMs();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(connectFailure(address, error, options.tls !== null)));
    socket.on('close', () => this.#end(closedByPeer(address, this.#reader.pendingBytes)));
  }

  get isUsable(): boolean {
    return this.#failure === null && !this.#isRetired;
  }

  /** Requests that wait for their answers. */
  get underWay(): number {
    return this.#pending.size;
  }

  /** Our own address as the socket has it. */
  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1';
  }

  nextOpaque(): number {
    this.#lastOpaque = this.#lastOpaque === MAX_OPAQUE ? 1 : this.#lastOpaque + 1;
    return this.#lastOpaque;
  }

  /**
   * Sends a request and waits for its answer, whatever its code.
   * @param asked names the request in messages.
   * Errors: TIMED_OUT; UNREACHABLE when the connection ends before; MESSAGE_ILLEGAL, INVALID_INPUT where it cannot be encoded.
   */
  async invoke(request: RemotingCommand, asked: string, timeoutMs: number, signal?: AbortSignal): Promise<RemotingCommand> {
    const frame = encode(request);
    if (this.#drained !== null) await this.#drained;
    if (this.#failure !== null) throw this.#failure;
    return new Promise((resolve, reject) => {
      const sentAtMs = this.#options.clock.elapsedMs();
      const { opaque } = request;
      const onAbort = (): void => {
        this.#pending.delete(opaque);
        reject(new MqliteError('TIMED_OUT', `${this.address}: ${asked} was called off`));
      };
      const settle = <T>(then: (value: T) => void) => (value: T): void => {
        signal?.removeEventListener('abort', onAbort);
        then(value);
      };
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(opaque, { deadlineMs: sentAtMs + timeoutMs, sentAtMs, timeoutMs, asked, resolve: settle(resolve), reject: settle(reject) });
      this.#write(frame);
      this.#startSweeping();
    });
  }

  /** Sends what is not answered; resolves once the socket takes more. */
  async send(command: RemotingCommand): Promise<void> {
    const frame = encode(command);
    if (this.#drained !== null) await this.#drained;
    if (this.#failure !== null) throw this.#failure;
    this.#write(frame);
  }

  /** Answers a request of the peer's, unless that was one-way or the connection has ended. */
  async respond(request: RemotingCommand, response: RemotingCommand): Promise<void> {
    if (isOneway(request) || this.#failure !== null) return;
    await this.send({ ...response, opaque: request.opaque, flag: response.flag | FLAG_RESPONSE });
  }

  /** Nothing new is sent over it; it is closed when nothing is under way any more. */
  retire(): void {
    this.#isRetired = true;
    if (this.#pending.size === 0) this.close();
  }

  /** Closes at once. Requests under way are UNREACHABLE. */
  close(): void {
    this.#end(new MqliteError('UNREACHABLE', `${this.address}: the connection was closed`));
  }

  #receive(chunk: Buffer): void {
    this.#receivedAtMs = this.#options.clock.elapsedMs();
    try {
      this.#reader.push(chunk, (command) => this.#dispatch(command));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#end(new MqliteError('UNREACHABLE', `${this.address}: ${error.message}`, {
        hint: 'Is this the port of a RocketMQ name server or broker (9876, 10911)? Where TLS is on, use --tls.', cause: error,
      }));
    }
  }

  #dispatch(command: RemotingCommand): void {
    if (!isResponse(command)) return this.#options.onRequest(this, command);
    const pending = this.#pending.get(command.opaque);
    if (pending === undefined) return;
    this.#pending.delete(command.opaque);
    pending.resolve(command);
    if (this.#isRetired && this.#pending.size === 0) this.close();
  }

  /** What is written in one turn leaves together: a system call for many requests. */
  #write(frame: Buffer): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    if (this.#socket.write(frame) || this.#drained !== null) return;
    this.#drained = new Promise((resolve) => {
      const done = (): void => {
        this.#drained = null;
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  #startSweeping(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#options.clock.repeat(SWEEP_MS, () => {
      this.#sweep();
      this.#isSweeping = this.#pending.size > 0;
      return this.#isSweeping ? SWEEP_MS : -1;
    });
  }

  #sweep(): void {
    const nowMs = this.#options.clock.elapsedMs();
    let isDead = false;
    for (const [opaque, pending] of this.#pending) {
      if (pending.deadlineMs > nowMs) continue;
      this.#pending.delete(opaque);
      // Nothing at all came since: the peer is gone without a word, and whoever asks next shall connect anew. [clientCloseSocketIfTimeout]
      isDead ||= this.#receivedAtMs < pending.sentAtMs;
      pending.reject(noAnswer(this.address, pending.asked, pending.timeoutMs));
    }
    if (isDead) this.close();
  }

  #end(error: MqliteError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#socket.destroy();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) one.reject(error);
    this.#options.onClosed(this);
  }
}

const encode = (command: RemotingCommand): Buffer => {
  try {
    return encodeFrame(command);
  } catch (error) {
    if (error instanceof CodecError) throw new MqliteError(error.code, error.message, { cause: error });
    throw error;
  }
};

/** `host:port`, `[ipv6]:port`. */
export const splitAddress = (address: string): { readonly host: string; readonly port: number } => {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) throw new MqliteError('UNREACHABLE', `"${address}" is no address: HOST:PORT expected`, { hint: 'It is what the cluster says of itself: see brokerIP1 and listenPort of the broker.' });
  return { host, port };
};
