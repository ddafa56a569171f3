import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import type { Credentials } from '../wire/acl.ts';
import { signFields } from '../wire/acl.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import { responseCommand } from '../wire/command.ts';
import { decodeResponse, encodeRequest } from '../wire/definition.ts';
import type { Decoded, RequestDefinition } from '../wire/definition.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { responseError } from '../wire/response-error.ts';
import type { ClientSettings } from './client-settings.ts';
import { Connection } from './connection.ts';
import { toPortError } from './failures.ts';
import type { TlsOptions } from './tls.ts';

/** Answers a request of a broker's; null: nothing is answered. */
export type RequestHandler = (request: RemotingCommand, address: string) => Promise<RemotingCommand | null> | RemotingCommand | null;

export interface RemotingOptions {
  readonly clock: Clock;
  readonly tls: TlsOptions | null;
  /** null: requests are not signed. */
  readonly credentials: Credentials | null;
  readonly connectTimeoutMs: number;
  /** Of a request unless it says otherwise. [ClientConfig#mqClientApiTimeout] */
  readonly requestTimeoutMs: number;
  readonly settings?: ClientSettings | undefined;
}

export interface AskOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** After a failed attempt to connect, the next is made so much later: doubled each time, in ms. Until then the failure is repeated at once. */
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 3000;

/** They ride on any request, and are signed with it. [NamespaceRpcHook#doBeforeRequest] */
const namespaceFields = (namespace: string): Readonly<Record<string, string>> => ({ nsd: 'true', ns: namespace });

interface Backoff {
  readonly error: MqliteError;
  readonly delayMs: number;
  readonly untilMs: number;
}

/** Connections to name servers and brokers, one an address, made on use; requests are signed, and those of brokers handed to their handlers. */
export class RemotingClient {
  readonly options: RemotingOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #backoffs = new Map<string, Backoff>();
  readonly #reached = new Set<string>();
  readonly #handlers = new Map<number, RequestHandler>();
  readonly #connectedListeners: ((address: string) => void)[] = [];
  #isClosed = false;

  constructor(options: RemotingOptions) {
    this.options = options;
  }

  /** What is done about requests with this code. */
  handle(code: number, handler: RequestHandler): void {
    this.#handlers.set(code, handler);
  }

  /** Called when a new connection is there: whoever was registered over the old one has to be anew. */
  onConnected(listener: (address: string) => void): void {
    this.#connectedListeners.push(listener);
  }

  /** A connection to it was made at some time: the address is right. */
  hasReached(address: string): boolean {
    return this.#reached.has(address);
  }

  /** The answer, whatever its code. Errors: UNREACHABLE, TIMED_OUT, REFUSED (TLS). */
  async ask<Q, QB>(address: string, definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB, { timeoutMs = this.options.requestTimeoutMs, signal }: AskOptions = {}): Promise<RemotingCommand> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connection(address);
      const response = await connection.invoke(this.#signed(definition, connection.nextOpaque(), header, body, false), definition.name, timeoutMs, signal);
      if (response.code !== RESPONSE_CODE.GO_AWAY) return response;
      // It is being shut down in order: over a new connection its successor answers, if there is one. [NettyRemotingClient#invokeImpl]
      connection.retire();
      if (attempt === 2) return response;
    }
  }

  /** The decoded answer. Errors: those of `ask`, and what the answer's code means. */
  async call<Q, QB, S, SB>(address: string, definition: RequestDefinition<Q, QB, S, SB>, header: Q, body: QB, options?: AskOptions): Promise<Decoded<S, SB>> {
    const response = await this.ask(address, definition, header, body, options);
    if (response.code !== RESPONSE_CODE.SUCCESS) throw responseError(address, definition.name, response);
    return this.decode(address, definition, response);
  }

  decode<S, SB>(address: string, definition: RequestDefinition<unknown, unknown, S, SB>, response: RemotingCommand): Decoded<S, SB> {
    try {
      return decodeResponse(definition, response);
    } catch (error) {
      throw toPortError(error, `${address}: the answer to ${definition.name}`);
    }
  }

  /** Sends without waiting for an answer. */
  async tell<Q, QB>(address: string, definition: RequestDefinition<Q, QB, unknown, unknown>, header: Q, body: QB): Promise<void> {
    const connection = await this.#connection(address);
    await connection.send(this.#signed(definition, connection.nextOpaque(), header, body, true));
  }

  /** Our own IP address as that peer's connection has it; undefined without a connection. */
  async localAddress(address: string): Promise<string | undefined> {
    return (await this.#connections.get(address)?.catch(() => undefined))?.localAddress;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    for (const opening of connections) await opening.then((connection) => connection.close(), () => undefined);
  }

  #signed<Q, QB>(definition: RequestDefinition<Q, QB, unknown, unknown>, opaque: number, header: Q, body: QB, oneway: boolean): RemotingCommand {
    let command: RemotingCommand;
    try {
      command = encodeRequest(definition, opaque, header, body, oneway);
    } catch (error) {
      throw toPortError(error, definition.name);
    }
    const { credentials, settings } = this.options;
    if (settings?.namespace !== undefined) command = { ...command, extFields: { ...command.extFields, ...namespaceFields(settings.namespace) } };
    return credentials === null ? command : { ...command, extFields: signFields(command.extFields, command.body, credentials) };
  }

  async #connection(address: string): Promise<Connection> {
    if (this.#isClosed) throw new MqliteError('REFUSED', 'the connection to the cluster is closed');
    const known = this.#connections.get(address);
    if (known !== undefined) {
      const connection = await known;
      if (connection.isUsable) return connection;
      if (this.#connections.get(address) === known) this.#connections.delete(address);
      return this.#connection(address);
    }
    const backoff = this.#backoffs.get(address);
    if (backoff !== undefined && this.options.clock.elapsedMs() < backoff.untilMs) throw backoff.error;
    const opening = this.#open(address);
    this.#connections.set(address, opening);
    opening.catch(() => {
      if (this.#connections.get(address) === opening) this.#connections.delete(address);
    });
    return opening;
  }

  async #open(address: string): Promise<Connection> {
    const { clock, tls, connectTimeoutMs } = this.options;
    try {
      const connection = await Connection.open(address, {
        clock, tls, connectTimeoutMs,
        onRequest: (at, request) => void this.#serve(at, request),
        onClosed: () => undefined,
      });
      if (this.#isClosed) connection.close();
      this.#backoffs.delete(address);
      this.#reached.add(address);
      for (const listener of this.#connectedListeners) listener(address);
      return connection;
    } catch (error) {
      const failure = toPortError(error, address);
      if (isGone(failure)) this.#backOff(address, failure);
      throw failure;
    }
  }

  #backOff(address: string, error: MqliteError): void {
    const before = this.#backoffs.get(address)?.delayMs ?? FIRST_BACKOFF_MS / 2;
    const delayMs = Math.min(MAX_BACKOFF_MS, 2 * before);
    this.#backoffs.set(address, { error, delayMs, untilMs: this.options.clock.elapsedMs() + delayMs });
  }

  async #serve(connection: Connection, request: RemotingCommand): Promise<void> {
    const handler = this.#handlers.get(request.code);
    try {
      const response = handler === undefined
        ? responseCommand(request, RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, ` request type ${request.code} not supported`)
        : await handler(request, connection.address);
      if (response !== null) await connection.respond(request, response);
    } catch (error) {
      await connection.respond(request, responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, error instanceof Error ? error.message : String(error))).catch(() => undefined);
    }
  }
}
