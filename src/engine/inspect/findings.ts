import type { DamageReport, MessageQueue } from '../../broker/types.ts';

export type DamageFamily = 'commitlog' | 'consumequeue' | 'index' | 'config' | 'checkpoint' | 'timer' | 'directory';

/** Damage as `store verify` reports it. `commitLogOffset` is -1 where no record is concerned. */
export interface StoreDamage extends DamageReport {
  readonly family: DamageFamily;
}

/** A queue entry as it should be, from the record it belongs to. */
export interface EntryContent {
  readonly commitLogOffset: number;
  readonly sizeBytes: number;
  readonly tagsCode: bigint;
}

/** The place of a record in its queue. */
export interface QueuePlace {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** What was found, with all that a repair needs to know. */
export type Finding =
  | UnreadableFinding
  /** A full log file without its end-of-file record. */
  | { readonly kind: 'blank'; readonly damage: StoreDamage; readonly from: number; readonly to: number }
  /** A sound record whose header names another place than the queue entry that points at it. */
  | { readonly kind: 'header'; readonly damage: StoreDamage; readonly offset: number; readonly place: QueuePlace }
  /** A sound record with a field that nobody writes. */
  | { readonly kind: 'field'; readonly damage: StoreDamage; readonly offset: number; readonly field: SuspectField; readonly previousStoreTimestamp: number; readonly previousOffset: number }
  /** A sound record that no queue has room for: its place is taken, and no entry points at it. */
  | { readonly kind: 'orphan'; readonly damage: StoreDamage; readonly offset: number }
  /** An entry that differs from its record, or is missing: it should be `content`. `following`: so do later ones of the queue. */
  | { readonly kind: 'entry'; readonly damage: StoreDamage; readonly place: QueuePlace; readonly content: EntryContent; readonly following: boolean }
  /** An entry without a record: nobody knows what it should be. */
  | { readonly kind: 'dangling'; readonly damage: StoreDamage; readonly place: QueuePlace; readonly content: EntryContent }
  | { readonly kind: 'index'; readonly damage: StoreDamage; readonly path: string }
  | { readonly kind: 'config'; readonly damage: StoreDamage; readonly path: string; readonly hasBak: boolean }
  | { readonly kind: 'file'; readonly damage: StoreDamage; readonly path: string; readonly repair: 'move-aside' | 'resize' | 'none'; readonly expectedBytes: number | null };

/** Bytes [from, to) of the log hold no sound record. */
export interface UnreadableFinding {
  readonly kind: 'unreadable';
  readonly damage: StoreDamage;
  readonly from: number;
  readonly to: number;
  /** `missing`: there is no file; `last`: nothing sound follows, `to` is only where the file ends. */
  readonly extent: 'inside' | 'missing' | 'last';
  readonly previousStoreTimestamp: number;
}

export type SuspectField = 'STORETIMESTAMP' | 'BORNHOST' | 'STOREHOST' | 'RECONSUMETIMES' | 'PREPARED_TRAN_OFFSET' | 'SYSFLAG' | 'BODYCRC' | 'PROPERTIES';

/** How many findings are kept one by one; the rest is counted. Keeps memory flat on a store that is all damage. */
export const MAX_FINDINGS = 10_000;

/** Gathers findings in the order they were made. */
export class Findings {
  readonly list: Finding[] = [];
  readonly notes: string[] = [];
  /** All findings, kept or not. */
  count = 0;

  add(finding: Finding): void {
    this.count++;
    if (this.list.length < MAX_FINDINGS) this.list.push(finding);
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

export const queueOf = (place: { readonly topic: string; readonly queueId: number }, brokerName: string): MessageQueue => ({
  topic: place.topic, brokerName, queueId: place.queueId,
});
