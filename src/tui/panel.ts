import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { RedriveEntry } from '../client/redrive.ts';

/** What a piece of text means; the theme decides how that looks, so that all stays readable in black and white. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad' | 'accent' | 'selected' | 'match' | 'selected-match';

/** Text that is safe for a terminal (control characters are escaped before), without line feeds. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** One line of the screen, at most as many columns wide as it was asked for. */
export type Line = readonly Span[];

/** What a view may show of: topics and groups that the user chose; empty means all that are not RocketMQ's own. */
export interface PanelScope {
  readonly topics: readonly string[];
  readonly groups: readonly string[];
}

/** What is known of sending the dead letters of a group again: of each, by its offsetMsgId, the last of each topic. Errors: MqliteError. */
export type RedrivesOf = (group: string) => ReadonlyMap<string, readonly RedriveEntry[]>;

export interface PanelContext<Snapshot> {
  readonly broker: Broker;
  readonly scope: PanelScope;
  readonly clock: Clock;
  readonly redrives: RedrivesOf;
  /** What was loaded before: rates and sparklines come of the difference. null the first time. */
  readonly previous: Snapshot | null;
  readonly signal: AbortSignal;
}

/** Where the record of a row is, for Enter: it is read again from the store. */
export interface RecordReference {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** Where it was seen in the commit log: of a topic that was made anew, another record is at that place of the queue. */
  readonly commitLogOffset?: number;
}

export interface PanelRow {
  /** The same for the same thing in each snapshot: the selection stays on it. */
  readonly id: string;
  readonly line: Line;
  readonly record?: RecordReference;
}

export interface PanelLayout {
  /** Columns of the terminal that a line may take. */
  readonly widthColumns: number;
  readonly nowMs: number;
}

export interface BriefLayout extends PanelLayout {
  readonly maxRows: number;
}

/**
 * A view that is a table of a snapshot, loaded again and again: queues, groups, delayed, dead letters, half messages. It knows no ink: `load` asks the port,
 * and the rest is pure.
 */
export interface Panel<Snapshot = unknown> {
  readonly id: string;
  readonly title: string;
  readonly intervalMs: number;
  /** Why this target cannot give it, in words for the user; null when it can. */
  unavailable(broker: Broker): string | null;
  /** Errors: those of the port; what was shown stays, with its age. */
  load(context: PanelContext<Snapshot>): Promise<Snapshot>;
  header(layout: PanelLayout): Line;
  rows(snapshot: Snapshot, layout: PanelLayout): readonly PanelRow[];
  /** One line about the whole: how many, what is cut off. */
  summary(snapshot: Snapshot, layout: PanelLayout): Line;
  /** `referenceId`s of dead letters that were sent to their groups again. */
  sentAgain?(snapshot: Snapshot): ReadonlySet<string>;
  /** Rows for a few lines beside a stream, under the same header; only panels that have a place there give them. */
  brief?(snapshot: Snapshot, layout: BriefLayout): readonly Line[];
}
