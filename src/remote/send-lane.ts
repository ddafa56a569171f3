import type { RoutableMessage } from '../broker/prepare-message.ts';
import type { MessageQueue, SendOutcome } from '../broker/types.ts';

/** A message on its way to a queue that is chosen. */
export interface LaneJob {
  readonly message: RoutableMessage;
  readonly queue: MessageQueue;
  readonly isNewTopic: boolean;
  /** May go together with its neighbours. */
  readonly mayJoin: boolean;
  /** The broker is to answer only when it is stored as safely as it is configured to. */
  readonly waits: boolean;
  readonly settle: (outcome: SendOutcome) => void;
}

/** Of one batch: enough to make the cost of a request vanish, little enough for a broker that takes 4 MiB. */
const MAX_JOBS = 1024;
const MAX_BYTES = 1 << 20;

/**
 * What goes to one queue, in order: one request is under way at a time, for a broker that gets two handles them in any order. Meanwhile others gather,
 * and go together.
 */
export class SendLane {
  readonly #send: (jobs: readonly LaneJob[]) => Promise<void>;
  #jobs: LaneJob[] = [];
  #isRunning = false;

  /** @param send settles every job; never rejects */
  constructor(send: (jobs: readonly LaneJob[]) => Promise<void>) {
    this.#send = send;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  add(job: LaneJob): void {
    this.#jobs.push(job);
    if (this.#isRunning) return;
    this.#isRunning = true;
    // What is added in the same turn goes along.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#jobs.length > 0) await this.#send(this.#take());
    this.#isRunning = false;
  }

  #take(): LaneJob[] {
    const [first] = this.#jobs;
    let count = 1;
    let bytes = first!.message.body.length + first!.message.properties.length;
    while (first!.mayJoin && count < MAX_JOBS && count < this.#jobs.length) {
      const next = this.#jobs[count]!;
      bytes += next.message.body.length + next.message.properties.length;
      if (!next.mayJoin || next.waits !== first!.waits || bytes > MAX_BYTES) break;
      count++;
    }
    return this.#jobs.splice(0, count);
  }
}
