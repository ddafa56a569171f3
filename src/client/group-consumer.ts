import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { CommittedOffset, DamageReport, Membership, MessageFilter, MessageQueue, OffsetCommit } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { Position } from './positions.ts';
import { resolvePosition } from './positions.ts';
import { queueKey } from './queue-key.ts';
import { QueueMerger } from './queue-merger.ts';
import { queuesOf } from './browse.ts';

export interface GroupRequest {
  readonly group: string;
  readonly topics: readonly string[];
  readonly queueId?: number | undefined;
  /** Where queues without a committed offset start; undefined: at their first message. */
  readonly from?: Position | undefined;
  readonly to?: Position | undefined;
  /** Stop at the end of the owned queues as it is now. */
  readonly untilEnd: boolean;
  readonly filter?: MessageFilter | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly suspendMs: number;
  /** ms between commits. */
  readonly commitIntervalMs: number;
  /** false: offsets are never committed. */
  readonly autoCommit: boolean;
  readonly signal: AbortSignal;
  readonly onDamage: (report: DamageReport) => void;
  readonly batchLimit?: () => number;
  /** Writes a batch out; resolves once it is. Only then may its offsets be committed. */
  readonly deliver: (batch: readonly Message[]) => Promise<void>;
}

const BATCH = 4096;
/** A live member obeys a reset within this time, in ms: how often it asks. */
const RESET_CHECK_MS = 700;

/**
 * Consumes as a member of a group until the end, the idle timeout or the signal. Commits what was written out every
 * `commitIntervalMs` and at the end, never more. Errors: USAGE for `from` on a group that has offsets; those of the broker.
 */
export async function consumeAsGroup(broker: Broker, clock: Clock, request: GroupRequest): Promise<void> {
  await refuseFromOnKnownGroup(broker, request);
  const membership = await broker.joinGroup(request.group, request.topics);
  try {
    const consumer = new GroupConsumer(broker, clock, request, membership);
    await consumer.run();
  } finally {
    await membership.leave();
  }
}

async function refuseFromOnKnownGroup(broker: Broker, request: GroupRequest): Promise<void> {
  if (request.from === undefined || request.from.at === 'committed') return;
  for (const topic of request.topics) {
    const known = (await committedOrNone(broker, request.group, topic)).find((row) => row.committedOffset !== null);
    if (known === undefined) continue;
    throw new MqliteError('USAGE', `--from: group ${request.group} has committed offsets on ${topic} and goes on from them`, {
      hint: `To start elsewhere: mqlite offsets reset ${request.group} ${topic} --to first --execute`,
    });
  }
}

/** A group that nobody knows yet has committed nothing. */
async function committedOrNone(broker: Broker, group: string, topic: string): Promise<CommittedOffset[]> {
  try {
    return await broker.committedOffsets(group, topic);
  } catch (error) {
    if (error instanceof MqliteError && error.code === 'GROUP_NOT_FOUND') return [];
    throw error;
  }
}

class GroupConsumer {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #request: GroupRequest;
  readonly #membership: Membership;
  readonly #merger: QueueMerger;
  /** What was last committed, by queue: only changes are committed again. */
  readonly #committed = new Map<string, number>();
  /** Progress as of the last batch that was written out: what may be committed. */
  #written: readonly OffsetCommit[] = [];
  #committedAtMs: number;
  #checkedAtMs: number;

  constructor(broker: Broker, clock: Clock, request: GroupRequest, membership: Membership) {
    this.#broker = broker;
    this.#clock = clock;
    this.#request = request;
    this.#membership = membership;
    this.#merger = new QueueMerger({ broker, clock, filter: request.filter, onDamage: request.onDamage, signal: request.signal }, []);
    this.#committedAtMs = clock.elapsedMs();
    this.#checkedAtMs = this.#committedAtMs;
  }

  async run(): Promise<void> {
    await queuesOf(this.#broker, this.#request.topics, this.#request.queueId);
    await this.#followOwnership();
    try {
      await this.#consume();
    } finally {
      if (this.#request.autoCommit) await this.#commit(this.#changes());
    }
  }

  async #consume(): Promise<void> {
    const { signal, deliver, batchLimit, idleTimeoutMs, suspendMs } = this.#request;
    let lastMessageAtMs = this.#clock.elapsedMs();
    while (!signal.aborted) {
      const idleMs = idleTimeoutMs === undefined ? Infinity : idleTimeoutMs - (this.#clock.elapsedMs() - lastMessageAtMs);
      const limit = Math.min(BATCH, batchLimit?.() ?? BATCH);
      if (limit <= 0) return;
      const waitMs = Math.max(0, Math.min(suspendMs, idleMs, RESET_CHECK_MS));
      let batch = await this.#merger.next(limit, waitMs);
      if (batch === null) {
        this.#written = this.#merger.progress();
        if (this.#bounded) return;
        await this.#clock.sleep(waitMs, signal);
        batch = [];
      }
      if (batch.length > 0) {
        await deliver(batch);
        lastMessageAtMs = this.#clock.elapsedMs();
      } else if (idleMs <= 0) {
        return;
      }
      this.#written = this.#merger.progress();
      await this.#tick();
    }
  }

  get #bounded(): boolean {
    return this.#request.untilEnd || this.#request.to !== undefined;
  }

  /** Commits when it is time to, and asks for resets and changed ownership more often than that. */
  async #tick(): Promise<void> {
    const nowMs = this.#clock.elapsedMs();
    if (this.#request.autoCommit && nowMs - this.#committedAtMs >= this.#request.commitIntervalMs) {
      this.#committedAtMs = nowMs;
      this.#checkedAtMs = nowMs;
      await this.#commit(this.#changes());
    } else if (nowMs - this.#checkedAtMs >= RESET_CHECK_MS) {
      this.#checkedAtMs = nowMs;
      await this.#commit([]);
    } else {
      return;
    }
    await this.#followOwnership();
  }

  /** Written out, and not yet committed. The start of a queue counts: it is where `--from last` must go on next time. */
  #changes(): OffsetCommit[] {
    return this.#written.filter(({ queue, offset }) => this.#committed.get(queueKey(queue)) !== offset);
  }

  /** Obeys the resets that the answer brings: the place read from moves, and with it what will be committed. */
  async #commit(commits: readonly OffsetCommit[]): Promise<void> {
    const resets = await this.#membership.commit(commits);
    for (const { queue, offset } of commits) this.#committed.set(queueKey(queue), offset);
    for (const { queue, offset } of resets) {
      this.#merger.seek(queue, offset);
      this.#committed.set(queueKey(queue), offset);
    }
    if (resets.length > 0) this.#written = this.#merger.progress();
  }

  /** Takes up queues gained and lets go of queues lost. */
  async #followOwnership(): Promise<void> {
    const { queueId } = this.#request;
    const owned = this.#membership.queues.filter((queue) => queueId === undefined || queue.queueId === queueId);
    const ownedKeys = new Set(owned.map(queueKey));
    const held = new Set<string>();
    for (const queue of this.#merger.queues) {
      const key = queueKey(queue);
      if (ownedKeys.has(key)) held.add(key);
      else {
        this.#merger.remove(queue);
        this.#committed.delete(key);
      }
    }
    const gained = owned.filter((queue) => !held.has(queueKey(queue)));
    if (gained.length > 0) await this.#takeUp(gained);
    this.#written = this.#merger.progress();
  }

  async #takeUp(queues: readonly MessageQueue[]): Promise<void> {
    const topics = [...new Set(queues.map((queue) => queue.topic))];
    const rows: CommittedOffset[] = (await Promise.all(topics.map((topic) => committedOrNone(this.#broker, this.#request.group, topic)))).flat();
    const committed = new Map(rows.map((row) => [queueKey(row.queue), row.committedOffset]));
    const { from, to, untilEnd } = this.#request;
    const starts = await resolvePosition(this.#broker, queues, from === undefined || from.at === 'committed' ? { at: 'first' } : from);
    const stops = to === undefined ? undefined : await resolvePosition(this.#broker, queues, to, rows);
    const ends = untilEnd ? await resolvePosition(this.#broker, queues, { at: 'last' }) : undefined;
    queues.forEach((queue, index) => {
      const known = committed.get(queueKey(queue)) ?? null;
      if (known !== null) this.#committed.set(queueKey(queue), known);
      this.#merger.add({ queue, start: known ?? starts[index]!, end: Math.min(stops?.[index] ?? Infinity, ends?.[index] ?? Infinity) });
    });
  }
}
