import { basename, join } from 'node:path';
import { IndexVerifier } from '../index/verify.ts';
import { checkDirectories } from './directory-check.ts';
import { Findings } from './findings.ts';
import type { Finding, StoreDamage } from './findings.ts';
import { LogCheck } from './log-check.ts';
import { QueueChecks } from './queue-checks.ts';
import { openStoreView, withStoreErrors } from './store-view.ts';
import type { StoreOptions, StoreView } from './store-view.ts';

export interface VerifyOptions extends StoreOptions {
  readonly onProgress?: ((done: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyReport {
  /** false: damage was found. */
  readonly ok: boolean;
  readonly storeDirectory: string;
  /** false: the last writer did not close the store, or is still there. */
  readonly cleanlyClosed: boolean;
  /** At most 10,000, in the order of the checks; `damageCount` counts all. */
  readonly damage: readonly StoreDamage[];
  readonly damageCount: number;
  /** Worth knowing, but nothing is lost. */
  readonly notes: readonly string[];
  readonly segments: number;
  readonly records: number;
  readonly queues: number;
  /** Queue entries that agree with their record. */
  readonly queueEntries: number;
  readonly indexEntries: number;
  /** Bytes of the log that were read as records. */
  readonly bytes: number;
  /** Commit-log offset after the last record. */
  readonly logEnd: number;
}

/** A verification with all that a repair needs. */
export interface Verification {
  readonly report: VerifyReport;
  readonly view: StoreView;
  readonly findings: readonly Finding[];
  /** Queue entries that point at unreadable bytes. */
  readonly lostEntries: QueueChecks['lostEntries'];
}

/** Verifies and keeps what was found. Writes nothing, not even an access time that matters. */
export const runVerification = async (options: VerifyOptions): Promise<Verification> => {
  const view = openStoreView(options);
  const findings = new Findings();
  checkDirectories(view, findings);
  const queues = new QueueChecks(view, findings);
  const index = openIndexVerifier(view);
  const log = new LogCheck(view, findings, {
    coveredTo: queues.coveredTo,
    onRecord: (claim, record) => queues.record(claim, record),
    onUnqueued: (record) => queues.unqueued(record),
    onIndexed: index === null ? undefined : (record) => index.record(record.topic, record.uniqKey, record.keys, record.commitLogOffset, record.storeTimestamp, record.tags),
    onProgress: options.onProgress,
    signal: options.signal,
  });
  queues.attach({ isUnreadable: (offset) => log.unreadable.has(offset), locate: (offset) => log.locate(offset) });
  try {
    const scanned = await log.run();
    queues.finish(scanned.logEnd);
    const indexEntries = index === null ? 0 : finishIndex(view, index, findings);
    return {
      view, findings: findings.list, lostEntries: queues.lostEntries,
      report: {
        ok: findings.count === 0, storeDirectory: view.paths.root, cleanlyClosed: !view.unclean, damage: findings.list.map((finding) => finding.damage),
        damageCount: findings.count, notes: findings.notes, segments: view.log.segments.length, records: scanned.records, queues: queues.queues,
        queueEntries: queues.matchedEntries, indexEntries, bytes: scanned.bytes, logEnd: scanned.logEnd,
      },
    };
  } finally {
    index?.close();
  }
};

/** null without index files. */
const openIndexVerifier = (view: StoreView): IndexVerifier | null => {
  if ((view.fs.list(view.paths.index) ?? []).length === 0) return null;
  return new IndexVerifier({
    fs: view.fs, directory: view.paths.index, slotCount: view.identity.indexSlotCount, maxIndexCount: view.identity.indexMaxCount,
    logMinOffset: view.log.segments[0]?.baseOffset ?? 0,
  });
};

const finishIndex = (view: StoreView, index: IndexVerifier, findings: Findings): number => {
  const result = index.finish();
  if (result.recordsBehindIndex > 0) findings.note(`${result.recordsBehindIndex} records at the end of the log are not in the index yet; searches by key read them from the log`);
  for (const problem of result.problems) {
    const file = join(view.paths.index, basename(problem.file));
    if (problem.severity === 'note') findings.note(`${file}, byte ${problem.position}: ${problem.reason}`);
    else {
      findings.add({
        kind: 'index', path: file,
        damage: { family: 'index', queue: null, queueOffset: null, commitLogOffset: -1, file, position: problem.position, reason: problem.reason },
      });
    }
  }
  return result.entriesChecked;
};

/**
 * Checks the whole store: the log with every CRC, each record against its queue entry and the other way round, the index,
 * names and lengths of files, config files. A store that was not closed may have an unfinished tail and queues or an index
 * behind the log: notes, not damage.
 * @throws MqliteError STORE_NOT_FOUND, WRONG_KIND, DAMAGED (store.json), STORAGE_FAILED; AbortError on `signal`
 */
export const verifyStore = (options: VerifyOptions): Promise<VerifyReport> =>
  withStoreErrors(`cannot verify ${options.storeDirectory}`, async () => (await runVerification(options)).report);
