import { join } from 'node:path';
import type { DispatchView } from '../../record/dispatch-view.ts';
import { QueueCursor, cursorBufferBytes } from '../consume-queue/queue-cursor.ts';
import { inspectQueueFiles, listQueues } from '../consume-queue/queue-directory.ts';
import { findQueueEnd } from '../consume-queue/queue-end.ts';
import { isSystemTopic } from '../../broker/names.ts';
import { addOddities } from './directory-check.ts';
import { MAX_FINDINGS, queueOf } from './findings.ts';
import type { EntryContent, Findings, QueuePlace } from './findings.ts';
import { LevelChecks } from './level-checks.ts';
import { QueueCheck } from './queue-check.ts';
import type { CrossCheckContext, RecordClaim, SuspectRecord } from './queue-check.ts';
import { isListedTopic } from './store-view.ts';
import type { StoreView } from './store-view.ts';

/** All read-ahead buffers together. */
const CURSOR_MEMORY_BYTES = 16 * 1024 * 1024;
const LMQ_PREFIX = '%LMQ%';

interface LogFacts {
  isUnreadable(offset: number): boolean;
  locate(offset: number): { readonly file: string; readonly position: number };
}

interface MissingQueue {
  readonly topic: string;
  readonly queueId: number;
  records: number;
  readonly first: { readonly place: QueuePlace; readonly content: EntryContent };
  /** The first few, to be taken back when their header turns out to be what is wrong. */
  readonly offsets: number[];
}

/** Every queue of a store, compared with the log while it is scanned. */
export class QueueChecks {
  /** Log offset of the newest record that an entry points at; -1 when no queue has entries. */
  readonly coveredTo: number;
  readonly lostEntries: { readonly place: QueuePlace; readonly content: EntryContent }[] = [];
  readonly #view: StoreView;
  readonly #findings: Findings;
  readonly #checks = new Map<string, Map<number, QueueCheck>>();
  readonly #batchTopics = new Set<string>();
  readonly #missing = new Map<string, MissingQueue>();
  readonly #suspects = new Map<number, SuspectRecord>();
  readonly #levels = new LevelChecks();
  #facts: LogFacts | null = null;

  constructor(view: StoreView, findings: Findings) {
    this.#view = view;
    this.#findings = findings;
    const queues = listQueues(view.fs, view.paths.root);
    const context = this.#context();
    const bufferBytes = cursorBufferBytes(queues.length, CURSOR_MEMORY_BYTES);
    const sizeIsKnown = view.inferred.sources.consumeQueueFileSizeBytes !== 'unknown';
    let covered = -1;
    let batch = 0;
    let light = 0;
    for (const queue of queues) {
      const files = inspectQueueFiles(view.fs, queue, queue.family === 'simple' && sizeIsKnown ? view.identity.consumeQueueFileSizeBytes : null);
      addOddities(findings, files.oddities, files.fileSizeBytes, false);
      if (queue.family === 'batch') {
        batch++;
        this.#batchTopics.add(queue.topic);
        continue;
      }
      const check = new QueueCheck(queue, new QueueCursor(view.fs, files.segments, bufferBytes), context);
      if (queue.topic.startsWith(LMQ_PREFIX)) {
        light++;
        continue;
      }
      const ofTopic = this.#checks.get(queue.topic) ?? new Map<number, QueueCheck>();
      this.#checks.set(queue.topic, ofTopic.set(queue.queueId, check));
      covered = Math.max(covered, this.#lastOffset(check, files.fileSizeBytes));
    }
    this.coveredTo = covered;
    if (batch > 0) findings.note(`${batch} batch queues (queue.type=BatchCQ) were not compared with the log`);
    if (light > 0) findings.note(`${light} light queues (${LMQ_PREFIX}…) were not compared with the log`);
  }

  /** The log scan that feeds `record`. */
  attach(facts: LogFacts): void {
    this.#facts = facts;
  }

  get queues(): number {
    let count = 0;
    for (const ofTopic of this.#checks.values()) count += ofTopic.size;
    return count;
  }

  get matchedEntries(): number {
    let count = 0;
    for (const ofTopic of this.#checks.values()) for (const check of ofTopic.values()) count += check.matched;
    return count;
  }

  record(claim: RecordClaim, view: DispatchView): void {
    const check = this.#checks.get(view.topic)?.get(view.queueId);
    if (check !== undefined) check.record(claim);
    else if (!this.#batchTopics.has(view.topic)) this.#withoutQueue(claim, view);
  }

  /** A record that no queue has, because of its transaction type: unless that is what is damaged. */
  unqueued(view: DispatchView): void {
    if (this.#suspects.size >= MAX_FINDINGS) return;
    const { topic, queueId, queueOffset } = view;
    this.#suspects.set(view.commitLogOffset, { claimed: { topic, queueId, queueOffset }, sizeBytes: view.sizeBytes, isQueued: false });
  }

  finish(logEnd: number): void {
    for (const ofTopic of this.#checks.values()) for (const check of ofTopic.values()) check.finish(logEnd);
    for (const missing of this.#missing.values()) this.#finishMissing(missing);
    for (const note of this.#levels.notes(this.#view)) this.#findings.note(note);
    for (const [offset, { claimed, isQueued }] of this.#suspects) {
      if (!isQueued) continue;
      this.#findings.add({
        kind: 'orphan', offset,
        damage: {
          family: 'commitlog', queue: queueOf(claimed, this.#view.identity.brokerName), queueOffset: claimed.queueOffset, commitLogOffset: offset,
          ...this.#locate(offset),
          reason: `the record says it is ${claimed.topic}/${claimed.queueId}/${claimed.queueOffset}, which is another record, and no entry points at it`,
        },
      });
    }
  }

  #context(): CrossCheckContext {
    return {
      brokerName: this.#view.identity.brokerName, findings: this.#findings, logMin: this.#view.log.segments[0]?.baseOffset ?? 0,
      unclean: this.#view.unclean, hasExt: this.#view.fs.stat(join(this.#view.paths.root, 'consumequeue_ext')) !== null, suspects: this.#suspects, levels: this.#levels, lostEntries: this.lostEntries,
      isUnreadable: (offset) => this.#facts?.isUnreadable(offset) ?? false,
      locate: (offset) => this.#locate(offset),
    };
  }

  #locate(offset: number): { readonly file: string; readonly position: number } {
    return this.#facts?.locate(offset) ?? { file: this.#view.paths.commitLog, position: offset };
  }

  /** Offset of the record that the last entry points at, if it lies in the log at all. */
  #lastOffset(check: QueueCheck, fileSizeBytes: number | null): number {
    if (fileSizeBytes === null) return -1;
    const { endOffset } = findQueueEnd(this.#view.fs, check.queue.path, fileSizeBytes);
    const { cursor } = check;
    const last = this.#view.log.segments.at(-1);
    const logCapacity = last === undefined ? 0 : last.baseOffset + last.sizeBytes;
    // The last entry may be the damaged one; the one before it then still says how far the log went.
    for (let entry = endOffset - 1; entry >= Math.max(cursor.firstOffset, endOffset - 2); entry--) {
      if (cursor.load(entry) !== 'present' || cursor.isPreBlank) continue;
      if (cursor.commitLogOffset + cursor.recordSize <= logCapacity) return cursor.commitLogOffset;
    }
    return -1;
  }

  #withoutQueue(claim: RecordClaim, view: DispatchView): void {
    const { topic, queueId } = view;
    const key = `${topic}/${queueId}`;
    const known = this.#missing.get(key);
    const place = { topic, queueId, queueOffset: claim.queueOffset };
    if (this.#suspects.size < MAX_FINDINGS) this.#suspects.set(claim.commitLogOffset, { claimed: place, sizeBytes: claim.sizeBytes, isQueued: true });
    if (known !== undefined) {
      known.records++;
      if (known.offsets.length < MAX_FINDINGS) known.offsets.push(claim.commitLogOffset);
    } else if (this.#missing.size < MAX_FINDINGS) {
      const content = {
        commitLogOffset: claim.commitLogOffset, sizeBytes: claim.sizeBytes, tagsCode: (BigInt(claim.tagsHigh) << 32n) | BigInt(claim.tagsLow >>> 0),
      };
      this.#missing.set(key, { topic, queueId, records: 1, first: { place, content }, offsets: [claim.commitLogOffset] });
    }
  }

  /** Records of a queue that has no directory. Those whose header was wrong have been found by their real queue's entry. */
  #finishMissing(missing: MissingQueue): void {
    const { topic, queueId, first } = missing;
    const explained = missing.offsets.filter((offset) => !this.#suspects.delete(offset)).length;
    const records = missing.records - explained;
    if (records === 0) return;
    const { brokerName } = this.#view.identity;
    const belongs = isListedTopic(this.#view, topic) || isSystemTopic(topic, this.#view.identity);
    if (this.#view.unclean && belongs) {
      this.#findings.note(`queue ${topic}/${queueId} has no files yet for ${records} records: recovery makes them`);
    } else if (!belongs) {
      this.#findings.note(`${records} records of ${topic}/${queueId}, a topic that was deleted`);
    } else {
      const directory = `${this.#view.paths.consumeQueue}/${topic}/${queueId}`;
      this.#findings.add({
        kind: 'entry', ...first, following: true,
        damage: {
          family: 'consumequeue', queue: queueOf(first.place, brokerName), queueOffset: first.place.queueOffset, commitLogOffset: first.content.commitLogOffset,
          file: directory, position: 0, reason: `the queue has no files, but the log has ${records} records of it from ${first.content.commitLogOffset} on`,
        },
      });
    }
  }
}
