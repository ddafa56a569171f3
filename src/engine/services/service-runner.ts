import { nextTurn } from '../../base/clock.ts';
import { toMqliteError } from '../files/storage-errors.ts';
import { openLockFile } from '../locks/write-lock.ts';
import { WHEN_STORE_CHANGES } from './store-service.ts';
import type { ServiceContext, StoreService } from './store-service.ts';

const LEADER_BYTE = 0;
/** How often a process that is not the one looks whether the one has gone, in ms. */
const ELECTION_MS = 500;
/** How often the one looks, while others store a lot, whether anything is due sooner than what it knows of, in ms: a delivery may be 100 ms late. */
const LOOK_MS = 80;
/** While nothing is stored it waits for that; the system clock may be set meanwhile, and something be due. */
const QUIET_LOOK_MS = 1000;

/**
 * Runs the services of a store in one of the processes that write it: whoever holds `mqlite/services.lock`, which vanishes with the
 * process. A command that writes runs them once before its own work (`runOnce`); one that stays goes on (`run`).
 */
export class ServiceRunner {
  readonly #context: ServiceContext;
  readonly #services: readonly StoreService[];
  #fd = -1;
  #isLeader = false;
  #nextMs = 0;
  /** The shared state's generation after the last run: a higher one means that something was stored. */
  #seenGeneration = -1;
  #lastNotice = '';
  #hasRun = false;

  constructor(context: ServiceContext, services: readonly StoreService[]) {
    this.#context = context;
    this.#services = services;
  }

  /** Everything that is due now, unless another process is at it. */
  async runOnce(): Promise<void> {
    if (this.#services.length === 0 || !this.#lead()) return;
    const { writer } = this.#context;
    const { clock } = writer.context;
    while ((await this.#runAll()) <= clock.nowMs()) await nextTurn();
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { writer } = this.#context;
    const { clock } = writer.context;
    while (!signal.aborted && this.#services.length > 0) {
      if (writer.failure !== null) return;
      if (!this.#lead()) {
        await clock.sleep(ELECTION_MS, signal);
        continue;
      }
      if (this.#hasWork()) {
        await this.#runAll();
        const leftMs = this.#nextMs - clock.nowMs();
        if (leftMs <= 0) await nextTurn();
        else await clock.sleep(Math.min(LOOK_MS, leftMs), signal);
      } else {
        await this.#untilWork(signal);
      }
    }
  }

  /** Another process may run them from now on. */
  async close(): Promise<void> {
    const { writer } = this.#context;
    try {
      if (this.#hasRun && writer.failure === null) await writer.locked(() => this.#services.forEach((service) => service.finish?.()));
    } catch (error) {
      this.#context.onNotice(toMqliteError(error, 'writing down what was delivered').message);
    }
    if (this.#fd >= 0) this.#context.writer.context.fs.close(this.#fd);
    this.#fd = -1;
    this.#isLeader = false;
  }

  #lead(): boolean {
    if (this.#isLeader) return true;
    const { fs, locks, paths } = this.#context.writer.context;
    try {
      if (this.#fd < 0) this.#fd = openLockFile(fs, paths.servicesLock);
      this.#isLeader = locks.tryLock(this.#fd, LEADER_BYTE, 'exclusive');
    } catch (error) {
      this.#tell(error);
    }
    return this.#isLeader;
  }

  #hasWork(): boolean {
    const { writer, reader } = this.#context;
    try {
      return this.#nextMs <= writer.context.clock.nowMs() || reader.tail.generation() !== this.#seenGeneration;
    } catch {
      // Whatever is wrong there is found, and told, by the run.
      return true;
    }
  }

  async #untilWork(signal: AbortSignal): Promise<void> {
    const { writer, reader } = this.#context;
    const { clock } = writer.context;
    const deadlineMs = clock.elapsedMs() + Math.min(QUIET_LOOK_MS, Math.max(0, this.#nextMs - clock.nowMs()));
    try {
      await reader.untilStored(() => this.#hasWork(), deadlineMs, signal);
    } catch {
      // Found, and told, by the run.
      this.#nextMs = 0;
    }
  }

  async #runAll(): Promise<number> {
    const { writer } = this.#context;
    try {
      await writer.locked(() => {
        this.#hasRun = true;
        let nextMs = WHEN_STORE_CHANGES;
        for (const service of this.#services) nextMs = Math.min(nextMs, service.run(writer.context.clock.nowMs()));
        this.#nextMs = nextMs;
        this.#seenGeneration = writer.state.generation;
      });
    } catch (error) {
      // A busy lock or a full disk: tried again; what is fatal to the writer is reported by its next write.
      this.#nextMs = writer.context.clock.nowMs() + ELECTION_MS;
      this.#tell(error);
    }
    return this.#nextMs;
  }

  /** What goes on being wrong is told once. */
  #tell(error: unknown): void {
    const notice = toMqliteError(error, 'delivering what is due').message;
    if (notice !== this.#lastNotice) this.#context.onNotice(notice);
    this.#lastNotice = notice;
  }
}
