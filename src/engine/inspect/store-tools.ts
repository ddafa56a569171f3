/** The `store …` tools over a directory: one function a command, all of them on plain options. */
import { openLocalBroker } from '../open.ts';
import { recoverDamage } from './damage-recovery.ts';
import type { RecoverOptions, RecoverReport } from './damage-recovery.ts';

export { cleanStore, DEFAULT_RETENTION_MS } from '../retention/clean.ts';
export type { CleanedFile, CleanOptions, CleanReport } from '../retention/clean.ts';
export type { RecoverOptions, RecoverReport } from './damage-recovery.ts';
export { dumpStore } from './dump.ts';
export type { DumpFamily, DumpOptions } from './dump.ts';
export type { DamageFamily, StoreDamage } from './findings.ts';
export { storeInfo } from './info.ts';
export type { QueueInfo, StoreInfo } from './info.ts';
export { initStore } from './init.ts';
export type { InitOptions } from './init.ts';
export type { RecoverAction, RecoverActionKind } from './recover-actions.ts';
export type { StoreOptions } from './store-view.ts';
export { verifyStore } from './verify.ts';
export type { VerifyOptions, VerifyReport } from './verify.ts';

/** Repairs damage, then recovers a store that was not closed by opening it as a writer does, and closes it. See `recoverDamage`. */
export const recoverStore = (options: RecoverOptions): Promise<RecoverReport> =>
  recoverDamage(options, async ({ storeDirectory, commitLogDirectory, lockTimeoutMs, fs, clock, locks }) => {
    const notices: string[] = [];
    const broker = await openLocalBroker({
      storeDirectory, commitLogDirectory, lockTimeoutMs, fs, clock, locks, mode: 'write', delivers: false, onNotice: (text) => notices.push(text),
    });
    await broker.close();
    return notices;
  });

/** What `recoverStore` would do. */
export const planRecovery = (options: Omit<RecoverOptions, 'dryRun'>): Promise<RecoverReport> => recoverStore({ ...options, dryRun: true });
