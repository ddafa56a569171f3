import { callAfter } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { DamageReport } from '../broker/types.ts';
import type { Position } from '../client/positions.ts';
import { plural } from '../text/numbers.ts';
import type { Effect, StreamId, TuiEvent } from './events.ts';
import { exportLines } from './export-lines.ts';
import type { ViewFilter } from './filter.ts';
import { FramePacer } from './frame-pacer.ts';
import type { Panel, RecordReference, RedrivesOf } from './panel.ts';
import { reduce } from './reduce/index.ts';
import { findById, readRecord } from './sources/lookup.ts';
import { LogsReader } from './sources/logs-reader.ts';
import { MessageReader } from './sources/message-reader.ts';
import { PanelLoader } from './sources/panel-loader.ts';
import type { StreamReader } from './sources/reader.ts';
import { CAPACITY, StreamWindow } from './sources/stream-window.ts';
import { isStream, pageRows, shownPanels, startState } from './state.ts';
import type { State } from './state.ts';
import { paint } from './theme.ts';
import { frame } from './views/frame.ts';

export interface SessionOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly panels: readonly Panel[];
  readonly start: StreamId;
  /** Empty: all that are not RocketMQ's own. */
  readonly topics: readonly string[];
  readonly queueId: number | undefined;
  readonly filter: ViewFilter | null;
  readonly from: Position;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly hasColor: boolean;
  /** Writes lines into a new file; answers how many. Errors: MqliteError, for a file that is there already among others. */
  readonly writeFile: (file: string, lines: AsyncIterable<string>) => Promise<number>;
  /** The name of a file, or one like it, that is not there yet. */
  readonly freeName: (file: string) => string;
  /** Sends dead letters to their groups again; answers what became of them, in words, and which of them were sent. Errors: MqliteError. */
  readonly redrive: (letters: readonly RecordReference[], signal: AbortSignal) => Promise<{ readonly text: string; readonly isGood: boolean; readonly sent: readonly RecordReference[] }>;
  readonly redrives: RedrivesOf;
  readonly copy: (text: string) => void;
  readonly isBlocked: () => boolean;
}

const CLOCK_MS = 1000;

/** The view at work: events go through the reducer, what it wants is done, and what there is to see is drawn in time. */
export class Session {
  readonly #options: SessionOptions;
  readonly #stopped = new AbortController();
  readonly #pacer: FramePacer;
  readonly #streams = new Map<StreamId, StreamWindow>();
  readonly #loaders = new Map<string, PanelLoader>();
  readonly #listeners = new Set<() => void>();
  readonly #ended: PromiseWithEnd = withEnd();
  #state: State;
  #lines: readonly string[];
  #cancelTick: () => void = () => undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { broker, clock, panels, size } = options;
    this.#state = startState({
      ...size, nowMs: clock.nowMs(), target: broker.target, active: options.start, topics: options.topics, filter: options.filter,
      isFollowing: follows(options.from), panels: panels.map((panel) => ({ panel, unavailable: panel.unavailable(broker) })),
    });
    this.#lines = this.#paint();
    this.#pacer = new FramePacer({ clock, isBlocked: options.isBlocked, draw: () => this.#draw() });
  }

  get state(): State {
    return this.#state;
  }

  /** Resolves when the user quits, or the session is ended; rejects with what cannot be mended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The screen as it was last drawn, with the terminal's own sequences. */
  readonly lines = (): readonly string[] => this.#lines;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  run(): void {
    this.#show(this.#state.active);
    const { clock, broker } = this.#options;
    // Of a store that was not closed cleanly, for one.
    const notice = broker.notices()[0];
    if (notice !== undefined) this.dispatch({ type: 'notice', text: notice, tone: 'warn' });
    const tick = (): void => {
      this.dispatch({ type: 'clock', nowMs: clock.nowMs(), absent: broker.cluster?.absent() ?? [] });
      this.#cancelTick = callAfter(clock, CLOCK_MS, tick);
    };
    this.#cancelTick = callAfter(clock, CLOCK_MS, tick);
  }

  readonly dispatch = (event: TuiEvent): void => {
    if (this.#stopped.signal.aborted) return;
    this.#orEnd(() => {
      const { state, effects } = reduce(this.#state, event);
      this.#state = state;
      for (const effect of effects) this.#do(effect);
      this.#pacer.request(event.type === 'key' || event.type === 'resize');
    });
  };

  /** Lets go of everything; without an error it has ended well. */
  end(error?: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#pacer.stop();
    // Else the process would live on until it comes.
    this.#cancelTick();
    for (const stream of this.#streams.values()) stream.close();
    for (const loader of this.#loaders.values()) loader.stop();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }

  #draw(): void {
    this.#orEnd(() => {
      // What came since the last frame comes as one event.
      for (const stream of this.#streams.values()) stream.flush();
      this.#lines = this.#paint();
      for (const listener of this.#listeners) listener();
    });
  }

  /** Events come from timers and the terminal, where nobody would catch what is thrown: the terminal has to be given back first. */
  #orEnd(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.end(error);
    }
  }

  #paint(): readonly string[] {
    return frame(this.#state).map((line) => paint(line, this.#options.hasColor));
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case 'show': return this.#show(effect.view);
      case 'older': return this.#stream(effect.stream).older(effect.count);
      case 'newer': return this.#stream(effect.stream).newer(effect.count);
      case 'jump': return this.#stream(effect.stream).jump(effect.to, effect.context, effect.row);
      case 'follow': return this.#stream(effect.stream).follow(effect.on);
      case 'filter': return this.#stream(effect.stream).replace(this.#reader(effect.stream, effect.filter), effect.to, effect.context);
      case 'read': return this.#try(async () => this.dispatch({ type: 'message', message: await readRecord(this.#options.broker, effect.record), withOthers: effect.withOthers }));
      case 'find': return this.#try(() => this.#find(effect));
      case 'copy': return this.#options.copy(effect.text);
      case 'export': return this.#try(() => this.#export(effect));
      case 'name-file': return this.dispatch({ type: 'file-name', wanted: effect.file, file: this.#options.freeName(effect.file) });
      case 'redrive': return this.#try(() => this.#redrive(effect.records));
      case 'quit': return this.end();
    }
  }

  #say(text: string): void {
    this.dispatch({ type: 'notice', text, tone: 'good' });
  }

  /** What fails for a reason that the user can do something about is told in a line. */
  #try(action: () => Promise<void>): void {
    action().catch((error: unknown) => {
      if (!(error instanceof MqliteError) || error.code === 'BUG') return this.end(error);
      this.dispatch({ type: 'notice', text: error.message, tone: 'bad' });
    });
  }

  async #find({ msgId, topic, open, of }: Extract<Effect, { type: 'find' }>): Promise<void> {
    const found = await findById(this.#options.broker, msgId, topic);
    if (!open) return this.dispatch({ type: 'related', offsetMsgId: of, found });
    const message = found.messages[0];
    if (message === undefined) throw new MqliteError('NOT_FOUND', `${msgId} is not in the store any more`);
    this.dispatch({ type: 'message', message, withOthers: false });
  }

  async #redrive(letters: readonly RecordReference[]): Promise<void> {
    this.dispatch({ type: 'redriven', ...await this.#options.redrive(letters, this.#stopped.signal) });
    for (const loader of this.#loaders.values()) loader.reload();
  }

  async #export({ file, what, label }: Extract<Effect, { type: 'export' }>): Promise<void> {
    const { broker, clock, topics, queueId, writeFile } = this.#options;
    const scope = 'all' in what && what.all === 'commitlog' ? this.#state.streams.commitlog.topics : topics;
    try {
      const count = await writeFile(file, exportLines({ broker, clock, topics: scope, queueId, signal: this.#stopped.signal }, what));
      this.#say(`${plural(count, 'record')} written to ${file}`);
    } catch (error) {
      if (!(error instanceof MqliteError) || error.code === 'BUG') throw error;
      this.dispatch({ type: 'export-failed', file, what, label, reason: error.message });
    }
  }

  /** Only what is looked at is read. */
  #show(view: string): void {
    for (const [id, stream] of this.#streams) stream.show(id === view);
    const shown = shownPanels(this.#state);
    for (const [id, loader] of this.#loaders) if (!shown.includes(id)) loader.stop();
    if (isStream(view)) this.#stream(view);
    for (const id of shown) this.#loader(id)?.start();
  }

  #stream(id: StreamId): StreamWindow {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const { clock, from, start } = this.#options;
    const to: Position = id === start ? from : { at: 'last' };
    const { filter } = this.#state.streams[id];
    const stream = new StreamWindow({
      id, clock, emit: this.dispatch, onChange: () => this.#pacer.request(false), onFatal: (error) => this.end(error),
    }, this.#reader(id, filter), follows(to));
    this.#streams.set(id, stream);
    stream.open(to, 2 * pageRows(this.#state));
    return stream;
  }

  #reader(id: StreamId, filter: ViewFilter | null): StreamReader {
    const { broker, clock, queueId } = this.#options;
    const { topics } = this.#state.streams[id];
    const onDamage = ({ file, position, reason }: DamageReport): void => this.dispatch({ type: 'notice', text: `damaged record skipped: ${file} at byte ${position}: ${reason}`, tone: 'bad' });
    return id === 'commitlog' ? new LogsReader({ broker, clock, topics, filter, onDamage }) : new MessageReader({ broker, clock, topics, queueId, filter, onDamage });
  }

  #loader(id: string): PanelLoader | null {
    const state = this.#state.panels[id];
    if (state === undefined || state.unavailable !== null) return null;
    const known = this.#loaders.get(id);
    if (known !== undefined) return known;
    const { broker, clock, topics, redrives } = this.#options;
    const loader = new PanelLoader(state.panel, { broker, clock, redrives, scope: { topics, groups: [] }, emit: this.dispatch, onFatal: (error) => this.end(error) });
    this.#loaders.set(id, loader);
    return loader;
  }
}

/** From a place in the past on one reads at one's own pace, and from one that is further from the end than a window reaches. */
export const follows = (from: Position): boolean => from.at === 'last' || (from.at === 'lastN' && from.count <= CAPACITY);

interface PromiseWithEnd {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function withEnd(): PromiseWithEnd {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((...both) => {
    [resolve, reject] = both;
  });
  // It may be over before anybody waits.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
