import type { FileSystem } from '../files/file-system.ts';
import { isMissing } from '../files/open-if-there.ts';
import { indexGeometry, recordKeyHashes, topicHash } from './layout.ts';
import type { IndexGeometry } from './layout.ts';
import { listIndexFiles } from './names.ts';
import { IndexFileCheck, ProblemList } from './verify-file.ts';
import type { FileBefore, IndexProblem } from './verify-file.ts';

export type { IndexProblem } from './verify-file.ts';

export interface IndexVerifierOptions {
  readonly fs: FileSystem;
  /** `<store>/index`. */
  readonly directory: string;
  readonly slotCount?: number;
  readonly maxIndexCount?: number;
  /** Where the log begins now: entries of records below it, which expired before their index file, can't be compared. */
  readonly logMinOffset?: number;
}

export interface IndexVerification {
  /** The first thousand. */
  readonly problems: readonly IndexProblem[];
  readonly damageCount: number;
  readonly noteCount: number;
  readonly entriesChecked: number;
  /** Records with keys before the beginning of the index (their files expired, or a broker was killed). */
  readonly recordsBeforeIndex: number;
  /** Records with keys behind its end: a reader finds them in the log. */
  readonly recordsBehindIndex: number;
}

/**
 * Compares the index with the log: fed with every record in log order, it walks the entries alongside and computes
 * chain and slots anew. Not damage: an index that begins later than the log or ends before it, entries of expired
 * records, a record indexed twice after a broker's restart, keys that a killed broker lost between two files. Reads
 * only; memory: 4 bytes a slot and one read buffer.
 */
export class IndexVerifier {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #geometry: IndexGeometry;
  readonly #logMinOffset: number;
  readonly #names: string[];
  readonly #table: Int32Array;
  readonly #problems = new ProblemList();
  #nextName = 0;
  /** null behind the last entry of the last file. */
  #check: IndexFileCheck | null = null;
  #before: FileBefore | null = null;

  readonly #hashes: number[] = [];
  #keyCount = 0;
  /** Whether the last of the hashes is that of the tags, which brokers before 5.5.0 do not index. */
  #hasTagKey = false;
  #topic: string | null = null;
  #topicHash = 0;
  /** The last record found in the index and its keys: a broker that restarts indexes it a second time. */
  #lastOffset = -1;
  #lastTimestamp = 0;
  readonly #lastHashes: number[] = [];
  #notedGapBefore: IndexFileCheck | null = null;

  #entriesChecked = 0;
  #recordsBeforeIndex = 0;
  #recordsBehindIndex = 0;

  constructor(options: IndexVerifierOptions) {
    this.#fs = options.fs;
    this.#directory = options.directory;
    this.#geometry = indexGeometry(options.slotCount, options.maxIndexCount);
    this.#logMinOffset = options.logMinOffset ?? 0;
    this.#names = listIndexFiles(options.fs, options.directory);
    this.#table = new Int32Array(this.#names.length > 0 ? this.#geometry.slotCount : 0);
    this.#openNext();
  }

  /** Takes the next record of the log; transaction rollbacks, which are not indexed, must be left out. */
  record(
    topic: string, uniqKey: string | null, keys: string | null, commitLogOffset: number, storeTimestamp: number, tags: string | null,
  ): void {
    if (topic !== this.#topic) {
      this.#topic = topic;
      this.#topicHash = topicHash(topic);
    }
    this.#keyCount = recordKeyHashes(this.#topicHash, uniqKey, keys, tags, this.#hashes);
    if (this.#keyCount === 0) return;
    this.#hasTagKey = Boolean(tags);
    this.#passOlderEntries(commitLogOffset);
    if (this.#check === null) {
      this.#recordsBehindIndex++;
      return;
    }
    if (this.#check.cursor.commitLogOffset > commitLogOffset && !this.#isWrongOffsetOf(commitLogOffset)) {
      this.#reportUnindexed(this.#check, commitLogOffset);
      return;
    }
    this.#compareKeys(commitLogOffset, storeTimestamp);
    this.#lastOffset = commitLogOffset;
    this.#lastTimestamp = storeTimestamp;
    this.#lastHashes.length = this.#keyCount;
    for (let key = 0; key < this.#keyCount; key++) this.#lastHashes[key] = this.#hashes[key]!;
  }

  /** Checks what is left of the index after the last record, and closes the file. */
  finish(): IndexVerification {
    while (this.#check !== null) this.#passEntry(this.#check);
    return {
      problems: this.#problems.kept,
      damageCount: this.#problems.damageCount,
      noteCount: this.#problems.noteCount,
      entriesChecked: this.#entriesChecked,
      recordsBeforeIndex: this.#recordsBeforeIndex,
      recordsBehindIndex: this.#recordsBehindIndex,
    };
  }

  /** Closes the file of a run that is given up. */
  close(): void {
    this.#check?.cursor.close();
    this.#check = null;
  }

  /** Moves over the entries of offsets below the record's, but not over one that is the record's with a wrong offset. */
  #passOlderEntries(commitLogOffset: number): void {
    for (let check = this.#check; check !== null && check.cursor.commitLogOffset < commitLogOffset; check = this.#check) {
      if (check.cursor.hash === this.#hashes[0] && !this.#isExpired(check) && !this.#isRepetition(check)) return;
      this.#passEntry(check);
    }
  }

  #passEntry(check: IndexFileCheck): void {
    const { cursor } = check;
    if (this.#isRepetition(check)) {
      check.consumeMatched(cursor.hash, this.#lastOffset, this.#lastTimestamp);
    } else {
      if (!this.#isExpired(check)) {
        const reason = `entry ${cursor.number}: the log has no record with such a key at offset ${cursor.commitLogOffset}`;
        this.#problems.add('damage', cursor.name, cursor.position + 4, reason);
      }
      check.consume(cursor.hash);
    }
    this.#advance(check);
  }

  #isExpired({ cursor }: IndexFileCheck): boolean {
    return cursor.commitLogOffset >= 0 && cursor.commitLogOffset < this.#logMinOffset;
  }

  #isRepetition({ cursor }: IndexFileCheck): boolean {
    return cursor.commitLogOffset === this.#lastOffset && this.#lastHashes.includes(cursor.hash);
  }

  /** Whether the entry, of a later offset, is the record's own with damaged offset: its hash fits and its place is wrong. */
  #isWrongOffsetOf(commitLogOffset: number): boolean {
    const { cursor } = this.#check!;
    if (cursor.hash !== this.#hashes[0]) return false;
    const following = cursor.peekOffset();
    if (following === null) {
      return this.#nextName >= this.#names.length && cursor.number > 1 && cursor.commitLogOffset !== cursor.header.endCommitLogOffset;
    }
    return following >= commitLogOffset && following < cursor.commitLogOffset;
  }

  #reportUnindexed(check: IndexFileCheck, commitLogOffset: number): void {
    const { cursor } = check;
    if (this.#hasTagKey && this.#keyCount === 1) return;
    if (this.#lastOffset < 0) {
      this.#recordsBeforeIndex++;
      check.before = 'unknown';
    } else if (cursor.number > 1) {
      const reason = `the keys of the record at ${commitLogOffset} are missing before entry ${cursor.number}`;
      this.#problems.add('damage', cursor.name, cursor.position, reason);
    } else {
      this.#noteGap(check, commitLogOffset);
    }
  }

  /** A file begins later than the one before it ended. */
  #noteGap(check: IndexFileCheck, commitLogOffset: number): void {
    if (this.#notedGapBefore === check) return;
    this.#notedGapBefore = check;
    check.before = 'unknown';
    this.#problems.add('note', check.cursor.name, 0, `keys from ${commitLogOffset} to ${check.cursor.commitLogOffset} are not indexed`);
  }

  #compareKeys(commitLogOffset: number, storeTimestamp: number): void {
    const hashes = this.#hashes;
    // A file may begin in the middle of a record's keys when the one before it is gone.
    const mayBeginLate = this.#check!.cursor.number === 1 && (this.#lastOffset < 0 || this.#check === this.#notedGapBefore);
    let key = mayBeginLate ? hashes.indexOf(this.#check!.cursor.hash) : 0;
    if (key < 0 || key >= this.#keyCount) key = 0;
    for (; key < this.#keyCount; key++) {
      const check = this.#check;
      if (check === null) return;
      const { cursor } = check;
      const hash = hashes[key]!;
      const isTagKey = this.#hasTagKey && key > 0 && key === this.#keyCount - 1;
      if (isTagKey && cursor.hash !== hash && !this.#isDamagedTagKey(cursor.hash, commitLogOffset)) return;
      const isNextKey = key + 1 < this.#keyCount && cursor.hash === hashes[key + 1] && cursor.hash !== hash;
      if (cursor.number === 1 && cursor.commitLogOffset > commitLogOffset && cursor.hash !== hash) {
        this.#noteGap(check, commitLogOffset);
        return;
      }
      if ((cursor.commitLogOffset !== commitLogOffset && cursor.hash !== hash) || isNextKey) {
        const reason = `key ${key + 1} of the record at ${commitLogOffset} is missing before entry ${cursor.number}`;
        this.#problems.add('damage', cursor.name, cursor.position, reason);
        continue;
      }
      check.consumeMatched(hash, commitLogOffset, storeTimestamp);
      this.#advance(check);
    }
  }

  /** Whether the entry where the tags' should be is one with a wrong hash, rather than the next record's or a repetition. */
  #isDamagedTagKey(found: number, commitLogOffset: number): boolean {
    const others = this.#hashes.slice(0, this.#keyCount - 1);
    return this.#check!.cursor.commitLogOffset === commitLogOffset && !others.includes(found);
  }

  #advance(check: IndexFileCheck): void {
    this.#entriesChecked++;
    if (!check.advance()) this.#finishFile(check);
  }

  #finishFile(check: IndexFileCheck): void {
    check.finish();
    this.#before = { endTimestamp: check.cursor.header.endTimestamp };
    this.#openNext();
  }

  #openNext(): void {
    this.#check = null;
    while (this.#nextName < this.#names.length && this.#check === null) {
      const name = this.#names[this.#nextName++]!;
      const before = this.#before ?? (this.#logMinOffset > 0 ? 'unknown' : null);
      let check: IndexFileCheck;
      try {
        check = new IndexFileCheck(this.#fs, this.#directory, name, this.#geometry, this.#table, this.#problems, before);
      } catch (error) {
        if (isMissing(error)) continue;
        throw error;
      }
      if (check.advance()) {
        this.#check = check;
      } else {
        check.finish();
        // A broker makes its next file before it has a key for it, with the end of the full one.
        this.#before = { endTimestamp: check.cursor.header.endTimestamp };
      }
    }
  }
}
