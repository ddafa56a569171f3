import type { Broker } from '../broker/broker.ts';
import type { AllocateStrategy, DamageReport, Membership, MessageFilter, MessageModel } from '../broker/types.ts';
import type { Position } from './positions.ts';

/** What every consumer of a group is told. */
export interface GroupOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly queueId?: number | undefined;
  readonly filter?: MessageFilter | undefined;
  readonly messageModel?: MessageModel | undefined;
  readonly allocate?: AllocateStrategy | undefined;
  readonly instance?: string | undefined;
  readonly orderly?: boolean | undefined;
  /** Where queues without a committed offset start; undefined: at their first message. */
  readonly from?: Position | undefined;
  /** The same, but of no account once the group has committed something. */
  readonly fallbackFrom?: Position | undefined;
  readonly to?: Position | undefined;
  /** Stop at the end of the owned queues as it was when they were taken up. */
  readonly untilEnd: boolean;
  /** Stop when nothing came for this long. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long one wait for messages lasts. */
  readonly suspendMs: number;
  /** ms between commits. */
  readonly commitIntervalMs: number;
  /** false: offsets are never committed. */
  readonly autoCommit: boolean;
  readonly signal: AbortSignal;
  readonly onDamage: (report: DamageReport) => void;
  /** Something a user should be told. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** How often a member looks for members, resets and queues, in ms: a killed member's queues have a new owner within a second. */
export const REBALANCE_MS = 400;
/** How long a run that ends at the end waits for queues that are its own and still another's. */
export const AWAIT_QUEUES_MS = 2000;

export function join(broker: Broker, { group, topics, filter, queueId, messageModel, allocate, instance, orderly }: GroupOptions): Promise<Membership> {
  return broker.joinGroup({
    group, queueId, messageModel, allocate, instance, orderly, subscriptions: [...new Set(topics)].map((topic) => ({ topic, filter })),
  });
}
