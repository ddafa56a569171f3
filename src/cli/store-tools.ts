/** The tools over a store directory, loaded when a `store …` command runs: start-up of all others stays short. */
export const loadStoreTools = () => import('../engine/inspect/store-tools.ts');

export type { CleanReport, DumpFamily, RecoverReport, StoreInfo, VerifyReport } from '../engine/inspect/store-tools.ts';
