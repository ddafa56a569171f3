import { listSegments } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { listQueues } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import { abortExists, readAbortPid } from '../state/abort.ts';
import { EngineStateFile, readBootId } from '../state/engine-state.ts';
import type { EngineState } from '../state/engine-state.ts';
import type { StoreContext } from '../store-context.ts';
import { LogEndWatch } from './log-end-watch.ts';
import { findBatchQueueEnd } from './batch-queue-reader.ts';

/**
 * Where the log ends for a reader. While an mqlite writes, its published tail counts and nothing behind it; on a store
 * that a broker writes or wrote, the last sound record does.
 */
export class LogTail {
  readonly #context: StoreContext;
  readonly #watch: LogEndWatch;
  #state: EngineStateFile | null = null;
  #scanned = -1;
  #oldest: LogSegment | null = null;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#watch = new LogEndWatch(context.fs, context.paths.commitLog, context.identity.segmentSizeBytes);
  }

  /** End of the readable log, now. */
  current(): number {
    const state = this.#readState();
    if (state !== null && this.#isOpenedBy(state)) return state.committedTail;
    return this.#scanForward(state?.committedTail ?? 0);
  }

  /** Whether an mqlite writes, or died at it: then every batch raises the generation. A broker that writes leaves the record as it was. */
  isWrittenByMqlite(): boolean {
    const state = this.#readState();
    return state !== null && this.#isOpenedBy(state);
  }

  /** Whether nobody has closed the store since it was last opened for writing; says nothing about whether that one still lives. */
  isLeftOpen(): boolean {
    return abortExists(this.#context.fs, this.#context.paths.abort) || this.#readState()?.status === 'live';
  }

  /**
   * On a store left open: the part of the log whose records may be missing in queues. A broker fills its queues in the order of the log;
   * `listedEnd` is the end of the last record that any of them lists.
   */
  undispatched(): { readonly from: number; readonly to: number; readonly listedEnd: number } {
    const state = this.#readState();
    const listedEnd = this.#dispatchedEnd();
    let from = listedEnd;
    if (state !== null && state.status === 'live') {
      from = Math.min(from, state.bootId === readBootId(this.#context.fs) ? state.committedTail : state.syncedTail);
    }
    return { from, to: this.current(), listedEnd };
  }

  /** Another number after every batch of an mqlite writer; -1 without one. Cheap enough to ask a hundred times a second. */
  generation(): number {
    return this.#stateFile()?.peek() ?? -1;
  }

  /** Calls `onBatch` once, soon after an mqlite writer has changed what `generation` tells; null where that is not told. See `FileSystem.watch`. */
  watchGeneration(onBatch: () => void): (() => void) | null {
    return this.#context.fs.watch(this.#context.paths.state, onBatch);
  }

  /** Whether `current` knows where to go on: the first time it looks at every queue. */
  get isEndKnown(): boolean {
    return this.#scanned > 0;
  }

  /** On a store that a broker writes: reads the log to its end, for `hasGrown` to go by; true when that has moved. */
  watchEnd(): boolean {
    return this.#watch.remember(this.current());
  }

  /** Whether a broker has stored something since `watchEnd`. As cheap as `generation`. */
  hasGrown(): boolean {
    return this.#watch.hasChanged();
  }

  /** Start of the log. The oldest file stays the oldest until it is removed: asked at every pull, it costs no listing of the directory. */
  minOffset(): number {
    if (this.#oldest === null || this.#context.fs.stat(this.#oldest.path) === null) this.#oldest = this.#segments()[0] ?? null;
    return this.#oldest?.baseOffset ?? 0;
  }

  close(): void {
    this.#watch.close();
    this.#state?.close();
    this.#state = null;
  }

  /** `abort` names the writer: another pid in it is that of a broker that came after a killed mqlite. */
  #isOpenedBy({ status, writerPid }: EngineState): boolean {
    const { fs, paths } = this.#context;
    return status === 'live' && readAbortPid(fs, paths.abort) === writerPid;
  }

  #stateFile(): EngineStateFile | null {
    const { fs, paths } = this.#context;
    return (this.#state ??= EngineStateFile.open(fs, paths.state, 'read', paths.temp));
  }

  #readState(): EngineState | null {
    const file = this.#stateFile();
    return file === null || file.read() === 'invalid' ? null : file.state;
  }

  #segments(): readonly LogSegment[] {
    const { fs, paths, identity } = this.#context;
    return listSegments(fs, paths.commitLog, identity.segmentSizeBytes);
  }

  #scanForward(known: number): number {
    const segments = this.#segments();
    const last = segments.at(-1);
    if (last === undefined) return 0;
    let from = Math.max(this.#scanned, known);
    if (from <= 0) from = this.#dispatchedEnd();
    if (from > last.baseOffset + last.sizeBytes) from = last.baseOffset;
    from = Math.max(from, segments[0]!.baseOffset);
    const scanner = new LogScanner(this.#context.fs, segments, { from, windowBytes: 1 << 16 });
    try {
      for (;;) {
        const kind = scanner.next();
        if (kind === 'end' || kind === 'damaged') break;
        from = scanner.commitLogOffset + scanner.sizeBytes;
      }
    } finally {
      scanner.close();
    }
    this.#scanned = from;
    return from;
  }

  #dispatchedEnd(): number {
    const { fs, paths, identity } = this.#context;
    let end = 0;
    for (const queue of listQueues(fs, paths.root)) {
      const found = queue.family === 'batch' ? findBatchQueueEnd(fs, queue.path) : findQueueEnd(fs, queue.path, identity.consumeQueueFileSizeBytes);
      end = Math.max(end, found.commitLogEnd);
    }
    return end;
  }
}
