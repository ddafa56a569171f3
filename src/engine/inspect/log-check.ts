import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import type { DispatchView } from '../../record/dispatch-view.ts';
import { bodyPosition } from '../../record/check.ts';
import { SYS_FLAG } from '../../record/layout.ts';
import { STORE_HOST_IPV6, TRANSACTION_MASK, TRANSACTION_PREPARED, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { isHoleFrom } from '../commit-log/hole.ts';
import { findSegment } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { SCHEDULE_TOPIC } from '../../broker/names.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import { fieldProblem } from './field-check.ts';
import type { Findings, StoreDamage, SuspectField } from './findings.ts';
import type { RecordClaim } from './queue-check.ts';
import type { StoreView } from './store-view.ts';

/** A STORETIMESTAMP further than this from both neighbours, on the same side, is damage; less may be a clock being set. */
const TIME_SPIKE_MS = 60_000;
const YIELD_BYTES = 16 * 1024 * 1024;

export interface LogCheckOptions {
  /** Log offset of the last record that a queue entry points at; -1 without queues. What is broken behind it is an unfinished tail. */
  readonly coveredTo: number;
  /** Every sound record that has a queue entry. `claim` and `view` are reused. */
  readonly onRecord: (claim: RecordClaim, view: DispatchView) => void;
  /** Every sound record that its transaction type keeps out of the queues. */
  readonly onUnqueued: (view: DispatchView) => void;
  /** Every sound record whose keys belong into the index. */
  readonly onIndexed?: ((view: DispatchView) => void) | undefined;
  readonly onProgress?: ((done: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LogCheckResult {
  readonly records: number;
  readonly bytes: number;
  /** Where the log ends: behind the last record that counts. */
  readonly logEnd: number;
}

/** Start and end of log bytes that hold no sound record, ascending. */
export class UnreadableRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  add(from: number, to: number): void {
    this.#starts.push(from);
    this.#ends.push(to);
  }

  has(offset: number): boolean {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (offset < this.#starts[middle]!) high = middle - 1;
      else if (offset >= this.#ends[middle]!) low = middle + 1;
      else return true;
    }
    return false;
  }
}

/** Walks the whole log once: every record's lengths, CRC, position and fields; damage goes to `findings`. */
export class LogCheck {
  readonly unreadable = new UnreadableRanges();
  readonly #view: StoreView;
  readonly #findings: Findings;
  readonly #options: LogCheckOptions;
  readonly #scanner: LogScanner;
  readonly #record = createDispatchView();
  readonly #claim: RecordClaim = { queueOffset: 0, commitLogOffset: 0, sizeBytes: 0, tagsHigh: 0, tagsLow: 0, waitsSinceMs: -1 };
  readonly #tags = { high: 0, low: 0 };
  readonly #delayLevels: readonly number[];
  #records = 0;
  #logEnd: number;
  /** The record before the current one, and the one before that. */
  #previous: Neighbour = { offset: -1, storeTimestamp: 0, storeHost: 0, isSuspect: false };
  #before: Neighbour = { offset: -1, storeTimestamp: 0, storeHost: 0, isSuspect: false };

  constructor(view: StoreView, findings: Findings, options: LogCheckOptions) {
    this.#view = view;
    this.#findings = findings;
    this.#options = options;
    this.#delayLevels = parseDelayLevels(view.identity.messageDelayLevel);
    this.#scanner = new LogScanner(view.fs, view.log.segments);
    this.#logEnd = view.log.segments[0]?.baseOffset ?? 0;
  }

  async run(): Promise<LogCheckResult> {
    const { segments } = this.#view.log;
    const start = segments[0]?.baseOffset ?? 0;
    const last = segments.at(-1);
    const totalBytes = last === undefined ? 0 : last.baseOffset + last.sizeBytes - start;
    let nextYield = start + YIELD_BYTES;
    try {
      while (this.#step()) {
        if (this.#scanner.commitLogOffset < nextYield) continue;
        nextYield = this.#scanner.commitLogOffset + YIELD_BYTES;
        this.#options.onProgress?.({ bytes: this.#scanner.commitLogOffset - start, totalBytes });
        await new Promise(setImmediate);
        this.#options.signal?.throwIfAborted();
      }
    } finally {
      this.#scanner.close();
    }
    this.#options.onProgress?.({ bytes: totalBytes, totalBytes });
    return { records: this.#records, bytes: this.#logEnd - start, logEnd: this.#logEnd };
  }

  /** File and position of a log offset. */
  locate(offset: number): { readonly file: string; readonly position: number } {
    const { segments } = this.#view.log;
    const segment = segments[findSegment(segments, offset)] ?? segments.at(-1);
    return { file: segment?.path ?? this.#view.paths.commitLog, position: offset - (segment?.baseOffset ?? 0) };
  }

  /** One step of the scan; false at the end of the log. */
  #step(): boolean {
    const scanner = this.#scanner;
    const kind = scanner.next();
    if (kind === 'message') return this.#message();
    if (kind === 'blank') {
      this.#logEnd = scanner.nextOffset;
      return true;
    }
    if (kind === 'end' && scanner.endReason !== 'zeros') return false;
    const from = scanner.commitLogOffset;
    if (from > this.#options.coveredTo) return this.#tail(from);
    return this.#damaged(from, kind === 'end' ? 'nothing was written here' : scanner.reason);
  }

  #message(): boolean {
    const scanner = this.#scanner;
    const record = this.#record;
    const offset = scanner.commitLogOffset;
    readDispatchView(scanner.window, scanner.position, record);
    if (offset > this.#options.coveredTo && record.storeTimestamp < Math.max(this.#previous.storeTimestamp, this.#before.storeTimestamp) && !this.#view.unclean) {
      // Records of a log that was cut and is shorter now: sound, in place, and older than what was written since (P7).
      this.#findings.note(`stale records behind the end of the log at ${offset}: a broker recovering this store after a crash may bring them back`);
      return false;
    }
    this.#records++;
    this.#logEnd = scanner.nextOffset;
    this.#checkFields(offset);
    const transaction = record.sysFlag & TRANSACTION_MASK;
    if (transaction !== TRANSACTION_ROLLBACK) this.#options.onIndexed?.(record);
    if (transaction === TRANSACTION_PREPARED || transaction === TRANSACTION_ROLLBACK) {
      this.#options.onUnqueued(record);
      return true;
    }
    if (offset < (this.#view.deletedTopics.get(record.topic) ?? 0)) return true;
    const claim = this.#claim;
    setTagsCode(this.#tags, record, this.#delayLevels);
    claim.queueOffset = record.queueOffset;
    claim.commitLogOffset = offset;
    claim.sizeBytes = record.sizeBytes;
    claim.tagsHigh = this.#tags.high;
    claim.tagsLow = this.#tags.low;
    claim.waitsSinceMs = record.delayLevel > 0 && record.topic === SCHEDULE_TOPIC ? record.storeTimestamp : -1;
    this.#options.onRecord(claim, record);
    return true;
  }

  #checkFields(offset: number): void {
    const scanner = this.#scanner;
    const { storeTimestamp } = this.#record;
    const storeHost = storeHostCode(scanner.window, scanner.position);
    const problem = fieldProblem(scanner.window, scanner.position, scanner.sizeBytes, offset, this.#record.propertiesText);
    if (problem !== null) this.#suspectField(offset, problem.field, problem.reason, this.#previous, true);
    const [before, previous] = [this.#before, this.#previous];
    if (before.offset >= 0 && !previous.isSuspect) {
      if (isSpike(before.storeTimestamp, previous.storeTimestamp, storeTimestamp)) {
        const reason = `STORETIMESTAMP ${previous.storeTimestamp} is far from those of its neighbours (${before.storeTimestamp}, ${storeTimestamp})`;
        this.#suspectField(previous.offset, 'STORETIMESTAMP', reason, before, false);
        // A spike must not make every record after it look old.
        previous.storeTimestamp = before.storeTimestamp;
      }
      // A broker may have had another address for one record; that it differs by a single bit is no accident of configuration.
      if (before.storeHost === storeHost && differsInOneBit(previous.storeHost, storeHost)) {
        this.#suspectField(previous.offset, 'STOREHOST', 'STOREHOST is another than those of its neighbours', before, false);
        previous.storeHost = storeHost;
      }
    }
    this.#before = previous;
    this.#previous = before;
    this.#previous.offset = offset;
    this.#previous.storeTimestamp = storeTimestamp;
    this.#previous.storeHost = storeHost;
    this.#previous.isSuspect = problem !== null;
  }

  #suspectField(offset: number, field: SuspectField, reason: string, neighbour: Neighbour, isRead: boolean): void {
    this.#findings.add({
      kind: 'field', offset, field, previousStoreTimestamp: neighbour.storeTimestamp, previousOffset: neighbour.offset,
      damage: this.#damage(offset, reason, isRead),
    });
  }

  #damaged(from: number, reason: string): boolean {
    const scanner = this.#scanner;
    const claimed = this.#readable();
    const isBlank = scanner.kind === 'damaged' && scanner.sizeBytes > 0 && scanner.segment !== null && from >= scanner.segment.baseOffset;
    const isGap = scanner.kind === 'damaged' && scanner.sizeBytes > 0 && !isBlank;
    const next = scanner.resync();
    const to = next >= 0 ? next : this.#endOfWritten(from);
    // Zeros up to the end of the files: the entries that point here say so themselves.
    if (to <= from) return false;
    this.unreadable.add(from, to);
    const lostFile = isGap ? { file: this.#view.paths.commitLog, position: from } : {};
    const damage: StoreDamage = { ...this.#damage(from, `${reason} (${to - from} bytes cannot be read)`, false), ...claimed, ...lostFile };
    const extent = isGap ? 'missing' : next >= 0 ? 'inside' : 'last';
    if (isBlank) this.#findings.add({ kind: 'blank', damage, from, to });
    else this.#findings.add({ kind: 'unreadable', damage, from, to, extent, previousStoreTimestamp: this.#previous.storeTimestamp });
    this.#logEnd = to;
    return next >= 0;
  }

  /** Where non-zero bytes end, at most the end of the covered part's file: what a damaged last record may reach to. */
  #endOfWritten(from: number): number {
    if (this.#scanner.firstNonZero(from) < 0) return from;
    const { segments } = this.#view.log;
    const index = Math.max(findSegment(segments, Math.max(from, this.#options.coveredTo)), findSegment(segments, from));
    const segment = segments[index]!;
    return segment.baseOffset + segment.sizeBytes;
  }

  /** Behind the last record that a queue knows, something is not sound: the end of the log. */
  #tail(from: number): boolean {
    const { unclean } = this.#view;
    const scanner = this.#scanner;
    const written = this.#isHoleFrom(from) ? -1 : scanner.firstNonZero(from);
    if (written < 0) return false;
    const where = this.locate(from);
    this.#findings.note(
      unclean
        ? `unfinished tail at ${from} (${where.file}, byte ${where.position}): the store was not closed; recovery removes it`
        : `bytes behind the end of the log at ${written}: left by an earlier crash, harmless to mqlite`,
    );
    return false;
  }

  /** Of a store that was closed, whose files nobody writes: its last file may be 1 GiB of hole. Where a crash left one, all is read. */
  #isHoleFrom(from: number): boolean {
    const { fs, log, unclean } = this.#view;
    return !unclean && log.segments.every(({ path, baseOffset, sizeBytes }) => baseOffset + sizeBytes <= from || isHoleFrom(fs, path, sizeBytes, Math.max(0, from - baseOffset)));
  }

  /** Topic and place that a damaged record's header claims, if they can be made out. */
  #readable(): { queue?: StoreDamage['queue']; queueOffset?: number } {
    const scanner = this.#scanner;
    if (scanner.kind !== 'damaged' || !scanner.reason.startsWith('BODYCRC')) return {};
    try {
      readDispatchView(scanner.window, scanner.position, this.#record);
    } catch {
      return {};
    }
    const { topic, queueId, queueOffset } = this.#record;
    return { queue: { topic, brokerName: this.#view.identity.brokerName, queueId }, queueOffset };
  }

  #damage(offset: number, reason: string, isRead: boolean): StoreDamage {
    const { topic, queueId, queueOffset } = this.#record;
    return {
      family: 'commitlog', commitLogOffset: offset, ...this.locate(offset), reason,
      queue: isRead ? { topic, brokerName: this.#view.identity.brokerName, queueId } : null,
      queueOffset: isRead ? queueOffset : null,
    };
  }
}

interface Neighbour {
  offset: number;
  storeTimestamp: number;
  /** See `storeHostCode`. */
  storeHost: number;
  /** Something else is wrong with it: no second report. */
  isSuspect: boolean;
}

/** A number that differs for different store hosts (nearly always for IPv6), without allocating. */
const storeHostCode = (buffer: Buffer, position: number): number => {
  const sysFlag = buffer.readInt32BE(position + SYS_FLAG);
  const end = position + bodyPosition(sysFlag) - 16;
  const low = buffer.readUInt16BE(end - 2);
  const address = buffer.readUInt32BE(end - 8);
  if ((sysFlag & STORE_HOST_IPV6) === 0) return address * 0x1_0000 + low;
  const mixed = Math.imul(buffer.readInt32BE(end - 20), 31) ^ Math.imul(buffer.readInt32BE(end - 16), 37) ^ Math.imul(buffer.readInt32BE(end - 12), 41);
  return -((mixed ^ address) >>> 0) * 0x1_0000 - low - 1;
};

/** IPv4 only: the code of an IPv6 host does not show its bits. */
const differsInOneBit = (a: number, b: number): boolean => {
  if (a === b || a < 0 || b < 0) return false;
  const bits = BigInt(a) ^ BigInt(b);
  return (bits & (bits - 1n)) === 0n;
};

const isSpike = (before: number, at: number, after: number): boolean =>
  (at - before > TIME_SPIKE_MS && at - after > TIME_SPIKE_MS) || (before - at > TIME_SPIKE_MS && after - at > TIME_SPIKE_MS);
