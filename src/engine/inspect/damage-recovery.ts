import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { FileLocks } from '../files/file-locks.ts';
import { nativeFileLocks } from '../files/file-locks.ts';
import { withStoreExclusive } from '../locks/attachment.ts';
import { requireWritableIdentity } from '../state/infer-identity.ts';
import { detectStoreKind } from '../state/store-kind.ts';
import type { Finding } from './findings.ts';
import type { RecoverAction } from './recover-actions.ts';
import { RepairContext } from './repair-context.ts';
import { rebuildIndex, repairConfig, repairFile } from './repair-files.ts';
import { repairBlank, repairInPlace, repairUnreadable } from './repair-log.ts';
import { repairDangling, repairEntries } from './repair-queues.ts';
import { openStoreView, withStoreErrors } from './store-view.ts';
import type { StoreOptions } from './store-view.ts';
import { runVerification } from './verify.ts';
import type { Verification, VerifyReport } from './verify.ts';

export interface RecoverOptions extends StoreOptions {
  /** Only say what would be done. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  readonly locks?: FileLocks | undefined;
}

export interface RecoverReport {
  /** The store verifies without damage now; in a dry run: it does already. */
  readonly ok: boolean;
  readonly dryRun: boolean;
  readonly actions: readonly RecoverAction[];
  /** Where the bytes that were replaced are kept. */
  readonly quarantineDirectory: string;
  readonly notes: readonly string[];
  /** The last verification. */
  readonly verification: VerifyReport;
}

/**
 * Recovery of a store that was not closed (the engine's own, also used when a writer opens it): finishes the log's tail,
 * queues, index and checkpoint and removes `abort`. It takes the locks itself. Returns what a user should know.
 */
export type RecoverAfterCrash = (options: RecoverOptions) => Promise<readonly string[]>;

type Of<K extends Finding['kind']> = Extract<Finding, { kind: K }>;

/** Repairs build on each other (queues on a sound log, the index on both), so the store is looked at again after each kind. */
const MAX_PASSES = 12;

/**
 * Mends what `verifyStore` finds, with the store to itself: unreadable bytes of the log are kept in quarantine and sound
 * records of the same size and place put there, so that a broker, which cuts a log off at the first bad record, reads on
 * behind them; queues, index and config files are set right from what is sound. Then the store is recovered as after a crash
 * if it was not closed.
 * @throws MqliteError LOCKED, STORE_NOT_FOUND, WRONG_KIND, STORAGE_FAILED; AbortError on `signal`
 */
export const recoverDamage = (options: RecoverOptions, recoverAfterCrash: RecoverAfterCrash): Promise<RecoverReport> =>
  withStoreErrors(`cannot recover ${options.storeDirectory}`, async () => {
    const view = openStoreView(options);
    const { writeRefusal } = detectStoreKind(view.fs, view.paths);
    if (writeRefusal !== null) throw writeRefusal;
    if (options.dryRun) return plan(options);
    requireWritableIdentity(view.inferred, view.paths);
    const exclusive = {
      fs: view.fs, locks: options.locks ?? nativeFileLocks, clock: options.clock ?? systemClock, paths: view.paths, lockTimeoutMs: options.lockTimeoutMs ?? 5000,
    };
    const actions = await withStoreExclusive(exclusive, () => mend(options));
    const notes: string[] = [];
    if (openStoreView(options).unclean) {
      actions.push(crashRecovery(view.paths.root));
      notes.push(...await recoverAfterCrash(options));
    }
    const verification = (await runVerification(options)).report;
    return { ok: verification.ok, dryRun: false, actions, quarantineDirectory: view.paths.quarantine, notes: [...notes, ...verification.notes], verification };
  });

const crashRecovery = (file: string): RecoverAction => ({
  action: 'crash-recovery', file, position: 0, sizeBytes: 0, commitLogOffset: -1, queue: null, queueOffset: null,
  detail: 'the store was not closed: tail, queues, index and checkpoint are completed',
});

const plan = async (options: RecoverOptions): Promise<RecoverReport> => {
  const verification = await runVerification(options);
  const repair = new RepairContext(verification.view, true);
  for (const stage of STAGES) stage(repair, verification, options.clock ?? systemClock);
  if (verification.view.unclean) repair.actions.push(crashRecovery(verification.view.paths.root));
  const { report } = verification;
  return { ok: report.ok, dryRun: true, actions: repair.actions, quarantineDirectory: verification.view.paths.quarantine, notes: report.notes, verification: report };
};

const mend = async (options: RecoverOptions): Promise<RecoverAction[]> => {
  const actions: RecoverAction[] = [];
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const verification = await runVerification(options);
    if (verification.report.ok) break;
    const repair = new RepairContext(verification.view, false);
    for (const stage of STAGES) {
      stage(repair, verification, options.clock ?? systemClock);
      if (repair.actions.length > 0) break;
    }
    if (repair.actions.length === 0) break;
    actions.push(...repair.actions);
  }
  return actions;
};

const ofKind = <K extends Finding['kind']>(verification: Verification, ...kinds: K[]): Of<K>[] =>
  verification.findings.filter((finding): finding is Of<K> => (kinds as string[]).includes(finding.kind));

type Stage = (repair: RepairContext, verification: Verification, clock: Clock) => void;

const STAGES: readonly Stage[] = [
  (repair, verification) => {
    for (const finding of ofKind(verification, 'file')) repairFile(repair, finding);
    for (const finding of ofKind(verification, 'config')) repairConfig(repair, finding);
  },
  (repair, verification) => {
    const unreadable = ofKind(verification, 'unreadable');
    for (const finding of unreadable) repairUnreadable(repair, finding, verification.lostEntries);
    for (const finding of ofKind(verification, 'blank')) repairBlank(repair, finding);
    if (unreadable.some((finding) => finding.extent === 'last')) forgetState(repair);
  },
  (repair, verification) => {
    for (const finding of ofKind(verification, 'header', 'field', 'orphan')) repairInPlace(repair, finding);
  },
  (repair, verification) => repairEntries(repair, ofKind(verification, 'entry')),
  (repair, verification) => repairDangling(repair, ofKind(verification, 'dangling')),
  (repair, verification, clock) => {
    const damaged = new Set(ofKind(verification, 'index').map((finding) => finding.path));
    if (damaged.size > 0) rebuildIndex(repair, damaged, clock);
  },
];

/** `mqlite/state` says where the log ended; after a cut the next writer must look for itself. */
const forgetState = (repair: RepairContext): void => {
  const { state } = repair.view.paths;
  if (repair.fs.stat(state) === null) return;
  repair.add('move-aside', { file: state }, 'it names an end of the log that is no longer there');
  repair.moveAside(state);
};
