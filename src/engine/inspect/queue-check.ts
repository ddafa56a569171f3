import { PRE_BLANK_RECORD_SIZE, isExtAddress } from '../consume-queue/layout.ts';
import type { QueueCursor } from '../consume-queue/queue-cursor.ts';
import type { QueueDirectory } from '../consume-queue/queue-directory.ts';
import type { LevelChecks } from './level-checks.ts';
import { MAX_FINDINGS, queueOf } from './findings.ts';
import type { EntryContent, Findings, QueuePlace, StoreDamage } from './findings.ts';

/** What a queue check needs to know of one record; one object is reused. */
export interface RecordClaim {
  queueOffset: number;
  commitLogOffset: number;
  sizeBytes: number;
  tagsHigh: number;
  tagsLow: number;
  /** STORETIMESTAMP of a message that waits at a delay level, whose tags code is a time; -1 for any other. */
  waitsSinceMs: number;
}

/** What all queues of a store share while they are checked. */
export interface CrossCheckContext {
  readonly brokerName: string;
  readonly findings: Findings;
  readonly logMin: number;
  readonly unclean: boolean;
  /** The store has consume-queue-ext files, whose addresses stand in place of tags codes. */
  readonly hasExt: boolean;
  /** The bytes around `offset` are known to be unreadable. */
  isUnreadable(offset: number): boolean;
  /** A sound record lies at `offset` whose header claims a place that is not its own. */
  readonly suspects: Map<number, SuspectRecord>;
  /** Entries whose record is unreadable: what a repair knows about it. */
  readonly levels: LevelChecks;
  readonly lostEntries: { readonly place: QueuePlace; readonly content: EntryContent }[];
  /** Log file and position of a commit-log offset. */
  locate(offset: number): { readonly file: string; readonly position: number };
}

export interface SuspectRecord {
  readonly claimed: QueuePlace;
  readonly sizeBytes: number;
  /** false: its transaction type keeps it out of every queue, so that it may well be right. */
  readonly isQueued: boolean;
}

/** A record that claimed an entry which points elsewhere: either may be the damaged one, later records tell. */
interface Pending {
  readonly place: QueuePlace;
  readonly content: EntryContent;
}

const LOOK_AHEAD_ENTRIES = 16;

/**
 * Compares one queue with the log, in log order: entry n must be the n-th record of the queue. Records come through
 * `record()`, what nobody claimed is looked at in `finish()`.
 */
export class QueueCheck {
  readonly queue: QueueDirectory;
  readonly cursor: QueueCursor;
  /** Entries that agree with their record. */
  matched = 0;
  /** Records that a later incarnation of the topic left behind: they lie before the queue's first entry. */
  earlierRecords = 0;
  /** Records without an entry behind the queue's end. */
  behind = 0;
  #behindFirst: Pending | null = null;
  readonly #context: CrossCheckContext;
  readonly #dangling: { place: QueuePlace; content: EntryContent }[] = [];
  /** The newest of those with the number of the first entry: the record of that entry, if the entry is what is damaged. */
  #earlierFirst: Pending | null = null;
  #pending: Pending | null = null;
  #expected = -1;
  #firstRecord = 0;

  constructor(queue: QueueDirectory, cursor: QueueCursor, context: CrossCheckContext) {
    this.queue = queue;
    this.cursor = cursor;
    this.#context = context;
  }

  record(claim: RecordClaim): void {
    if (this.#expected < 0) this.#begin();
    if (claim.commitLogOffset < this.#firstRecord) {
      this.earlierRecords++;
      if (claim.queueOffset === this.cursor.firstOffset) this.#earlierFirst = this.#toPending(claim);
      return;
    }
    const { queueOffset } = claim;
    const state = this.cursor.load(queueOffset);
    if (state === 'present' && this.cursor.commitLogOffset === claim.commitLogOffset) {
      if (queueOffset < this.#expected) return this.#disagree(claim);
      if (queueOffset > this.#expected) {
        this.#skipTo(queueOffset);
        this.cursor.load(queueOffset);
      }
      this.#compare(claim);
      if (this.#pending?.place.queueOffset === queueOffset) this.#suspectPending();
      this.#expected = queueOffset + 1;
      return;
    }
    if (this.#isExpectedHere(claim)) return this.#misnumbered(claim);
    if (state !== 'present' && queueOffset >= this.#expected) {
      this.behind++;
      this.#behindFirst ??= this.#toPending(claim);
      return;
    }
    this.#disagree(claim);
  }

  /** Everything of the log was seen; it ends at `logEnd`. */
  finish(logEnd: number): void {
    if (this.#expected < 0) this.#begin();
    const capacity = this.cursor.capacityOffset;
    let ahead = 0;
    for (let next = this.#expected; next < capacity && this.cursor.load(next) === 'present'; next++) {
      if (this.#context.unclean && this.cursor.commitLogOffset >= logEnd && this.#pending?.place.queueOffset !== next) ahead++;
      else this.#unclaimed(next);
    }
    if (this.#pending !== null) this.#reportEntry(this.#pending, 'its entry points elsewhere');
    this.#finishBehind();
    for (const { place, content } of this.#dangling) this.#reportDangling(place, content, logEnd);
    if (ahead > 0) this.#context.findings.note(`queue ${this.#name} has ${ahead} entries beyond the end of the log: recovery removes them`);
    if (this.earlierRecords > 0) {
      this.#context.findings.note(`${this.earlierRecords} records of ${this.#name} lie before its first entry: the topic was deleted and created again`);
    }
  }

  get #name(): string {
    return `${this.queue.topic}/${this.queue.queueId}`;
  }

  /** The first entries say where this incarnation of the queue begins; several are asked, because one may be damaged. */
  #begin(): void {
    const { cursor } = this;
    this.#expected = cursor.firstOffset;
    let first = Infinity;
    const end = Math.min(cursor.capacityOffset, this.#expected + LOOK_AHEAD_ENTRIES);
    for (let next = this.#expected; next < end && cursor.load(next) === 'present'; next++) {
      if (cursor.recordSize !== PRE_BLANK_RECORD_SIZE) first = Math.min(first, cursor.commitLogOffset);
    }
    this.#firstRecord = Number.isFinite(first) ? first : 0;
  }

  /** Entry `queueOffset` was found by its record; those before it that no record claimed are looked at. */
  #skipTo(queueOffset: number): void {
    for (let next = this.#expected; next < queueOffset; next++) {
      if (this.cursor.load(next) === 'present') this.#unclaimed(next);
      else if (this.#behindFirst !== null && this.#behindFirst.place.queueOffset === next) this.#reportHole(next);
      else this.#context.findings.add({
        kind: 'dangling', place: this.#place(next), content: { commitLogOffset: -1, sizeBytes: 0, tagsCode: 0n },
        damage: this.#entryDamage(next, -1, 'the entry is empty though entries follow it'),
      });
    }
  }

  /** An entry that no record claimed when its turn was over. */
  #unclaimed(queueOffset: number): void {
    const { cursor } = this;
    cursor.load(queueOffset);
    const offset = cursor.commitLogOffset;
    if (cursor.isPreBlank || (offset >= 0 && offset < this.#context.logMin && cursor.recordSize > 0)) return;
    const content = { commitLogOffset: offset, sizeBytes: cursor.recordSize, tagsCode: cursor.tagsCode };
    const pending = this.#pending;
    if (pending?.place.queueOffset === queueOffset) {
      this.#pending = null;
      this.#reportEntry(pending, `the entry points at ${offset}`);
    } else if (this.#earlierFirst !== null && queueOffset === cursor.firstOffset) {
      this.earlierRecords--;
      this.#reportEntry(this.#earlierFirst, `the entry points at ${offset}`);
      this.#earlierFirst = null;
    } else if (this.#context.isUnreadable(offset)) {
      if (this.#context.lostEntries.length < MAX_FINDINGS) this.#context.lostEntries.push({ place: this.#place(queueOffset), content });
    } else if (this.#dangling.length < 1000) {
      this.#dangling.push({ place: this.#place(queueOffset), content });
    } else {
      this.#reportDangling(this.#place(queueOffset), content, Infinity);
    }
  }

  #compare(claim: RecordClaim): void {
    const { cursor } = this;
    const wrongSize = cursor.recordSize !== claim.sizeBytes;
    const otherTags = (cursor.tagsLow !== claim.tagsLow || cursor.tagsHigh !== claim.tagsHigh)
      && !(this.#context.hasExt && isExtAddress(cursor.tagsCode));
    const wrongTags = claim.waitsSinceMs < 0 ? otherTags : otherTags && !this.#isOtherDelay(claim);
    if (!wrongSize && !wrongTags) {
      if (claim.waitsSinceMs >= 0 && !otherTags) this.#context.levels.asExpected(this.queue.queueId + 1, claim.queueOffset);
      this.matched++;
      return;
    }
    const what = wrongSize ? `size ${cursor.recordSize} instead of ${claim.sizeBytes}` : `tags code ${cursor.tagsCode} instead of ${contentOf(claim).tagsCode}`;
    this.#reportEntry(this.#toPending(claim), `the entry has ${what}`);
  }

  #isOtherDelay({ queueOffset, waitsSinceMs, tagsHigh, tagsLow }: RecordClaim): boolean {
    const times = { expectedMs: tagsHigh * 0x1_0000_0000 + (tagsLow >>> 0), foundMs: Number(this.cursor.tagsCode) };
    return this.#context.levels.explains(this.queue.queueId + 1, queueOffset, waitsSinceMs, times);
  }

  /** The next entry points at this record, whatever number the record gives itself. */
  #isExpectedHere(claim: RecordClaim): boolean {
    return this.cursor.load(this.#expected) === 'present' && this.cursor.commitLogOffset === claim.commitLogOffset && this.cursor.recordSize === claim.sizeBytes;
  }

  #misnumbered(claim: RecordClaim): void {
    const place = this.#place(this.#expected++);
    this.#reportHeader(place, this.#place(claim.queueOffset), claim.commitLogOffset);
  }

  /** The record's entry is taken by another record, or points elsewhere. */
  #disagree(claim: RecordClaim): void {
    if (this.#pending !== null) this.#suspectPending();
    this.#pending = this.#toPending(claim);
    if (claim.queueOffset < this.#expected) this.#suspectPending();
  }

  /** The entry was right: the record's header is not. A dangling entry of its real queue may tell what it should be. */
  #suspectPending(): void {
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null || this.#context.suspects.size >= MAX_FINDINGS) return;
    this.#context.suspects.set(pending.content.commitLogOffset, { claimed: pending.place, sizeBytes: pending.content.sizeBytes, isQueued: true });
  }

  #finishBehind(): void {
    const first = this.#behindFirst;
    if (first === null) return;
    if (this.#context.unclean) {
      this.#context.findings.note(`queue ${this.#name} is ${this.behind} records behind the log: recovery adds them`);
      return;
    }
    this.#reportEntry(first, this.behind === 1 ? 'the record has no entry' : `${this.behind} records from here on have no entry`, this.behind > 1);
  }

  #reportHole(queueOffset: number): void {
    const first = this.#behindFirst;
    this.#behindFirst = null;
    this.behind = 0;
    if (first !== null && first.place.queueOffset === queueOffset) this.#reportEntry(first, 'the entry is empty though entries follow it');
  }

  #reportEntry(pending: Pending, reason: string, following = false): void {
    const { place, content } = pending;
    this.#context.findings.add({
      kind: 'entry', place, content, following,
      damage: this.#entryDamage(place.queueOffset, content.commitLogOffset, `${reason}; record ${place.queueOffset} of the queue is at ${content.commitLogOffset} in the log`),
    });
  }

  #reportDangling(place: QueuePlace, content: EntryContent, logEnd: number): void {
    const suspect = this.#context.suspects.get(content.commitLogOffset);
    if (suspect !== undefined && suspect.sizeBytes === content.sizeBytes) {
      this.#context.suspects.delete(content.commitLogOffset);
      this.#reportHeader(place, suspect.claimed, content.commitLogOffset, suspect.isQueued);
      return;
    }
    const where = content.commitLogOffset >= logEnd ? `, beyond the end of the log (${logEnd})` : ', where no record of this queue lies';
    this.#context.findings.add({
      kind: 'dangling', place, content,
      damage: this.#entryDamage(place.queueOffset, content.commitLogOffset, `the entry points at ${content.commitLogOffset}${where}`),
    });
  }

  #reportHeader(place: QueuePlace, claimed: QueuePlace, offset: number, isQueued = true): void {
    const says = isQueued ? `${claimed.topic}/${claimed.queueId}/${claimed.queueOffset}` : 'an undecided or rolled-back half of a transaction';
    this.#context.findings.add({
      kind: 'header', offset, place,
      damage: {
        family: 'commitlog', queue: queueOf(place, this.#context.brokerName), queueOffset: place.queueOffset, commitLogOffset: offset,
        ...this.#context.locate(offset), reason: `the record says it is ${says}, but it is ${place.topic}/${place.queueId}/${place.queueOffset}`,
      },
    });
  }

  #entryDamage(queueOffset: number, commitLogOffset: number, reason: string): StoreDamage {
    return {
      family: 'consumequeue', queue: queueOf(this.queue, this.#context.brokerName), queueOffset, commitLogOffset, ...this.cursor.locate(queueOffset), reason,
    };
  }

  #place(queueOffset: number): QueuePlace {
    return { topic: this.queue.topic, queueId: this.queue.queueId, queueOffset };
  }

  #toPending(claim: RecordClaim): Pending {
    return { place: this.#place(claim.queueOffset), content: contentOf(claim) };
  }
}

const contentOf = (claim: RecordClaim): EntryContent => ({
  commitLogOffset: claim.commitLogOffset,
  sizeBytes: claim.sizeBytes,
  tagsCode: (BigInt(claim.tagsHigh) << 32n) | BigInt(claim.tagsLow >>> 0),
});
