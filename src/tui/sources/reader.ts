import type { Position } from '../../client/positions.ts';
import type { StreamRow } from '../rows.ts';

/** What has come at the end of a stream. `newest` makes rows of it, when somebody wants to see them. */
export interface Arrivals {
  readonly count: number;
  readonly rows: () => StreamRow[];
  /** How old the newest was when it came, ms; 0 when nothing came. */
  readonly behindMs: number;
}

/**
 * Reads a stream in both directions from a window over it. It keeps where the window's two edges are, and a follower at the end of the stream, which
 * may be far from the window. One `older`, `newer` or `begin` at a time; `arrivals` may go on meanwhile. Errors: those of the broker.
 */
export interface StreamReader {
  /** An empty window at a place: both edges are there. `last` also moves the follower to the end as it is now. */
  begin(to: Position, signal: AbortSignal): Promise<void>;
  /** Rows before the window, which then belong to it. Fewer than asked for, unless the signal aborted: there are no more. */
  older(count: number, signal: AbortSignal): Promise<StreamRow[]>;
  /** Rows behind the window and before the follower. */
  newer(count: number, signal: AbortSignal): Promise<StreamRow[]>;
  /** Nothing lies between window and follower. */
  isAtEnd(): boolean;
  /** What came last belongs to the window. Only at its end. */
  takeArrivals(): void;
  /** The window gives up rows at its start, or at its end. */
  dropOldest(rows: readonly StreamRow[]): void;
  dropNewest(rows: readonly StreamRow[]): void;
  arrivals(waitMs: number): Promise<Arrivals>;
  close(): void;
}

export const NOTHING: Arrivals = { count: 0, rows: () => [], behindMs: 0 };
