/** What recovery can find an index file in, and what it does about it: one table, first match wins. */
import type { IndexNameKind } from './names.ts';

/** What was seen of one file; everything that recovery decides follows from this. */
export interface IndexFileFacts {
  readonly nameKind: IndexNameKind;
  readonly isDirectory: boolean;
  /** A file before it lost entries, so that the log is indexed again from there. */
  readonly afterGap: boolean;
  readonly size: 'exact' | 'short' | 'long';
  readonly count: 'positive' | 'zeroHeader' | 'notPositive' | 'beyondMax';
  /** The store timestamp that the entries' times are relative to; unknown when the header is lost and the log can't tell. */
  readonly beginKnown: boolean;
  /** Whether any entry may be kept, and if not, whether there are any at all. */
  readonly entries: 'some' | 'noneUsable' | 'none';
  /** Why listed entries can't be kept. */
  readonly cut: 'no' | 'beyondLog' | 'invalid' | 'untrusted';
  /** There are entries that the header does not count. */
  readonly unlisted: boolean;
  readonly slots: 'equal' | 'outOfRange' | 'differ';
  readonly chain: 'equal' | 'loop' | 'differ';
  /** Whether the header's other fields agree with the entries. */
  readonly headerEqual: boolean;
}

/**
 * - `ignore`: left where it is; a broker skips it too.
 * - `quarantine`: moved away, never deleted; the log fills the index again.
 * - `repair`: slots, chain, header and length are made anew from the entries that are kept.
 * - `keep`: nothing to do.
 */
export type IndexAction = 'ignore' | 'quarantine' | 'repair' | 'keep';

interface Row {
  readonly action: IndexAction;
  readonly matches: (facts: IndexFileFacts) => boolean;
}

const TABLE = {
  foreignName: { action: 'ignore', matches: (facts) => facts.nameKind === 'other' },
  numericName: { action: 'quarantine', matches: (facts) => facts.nameKind === 'numeric' },
  notAFile: { action: 'quarantine', matches: (facts) => facts.isDirectory },
  empty: { action: 'quarantine', matches: (facts) => facts.entries === 'none' },
  afterGap: { action: 'quarantine', matches: (facts) => facts.afterGap },
  noUsableEntry: { action: 'quarantine', matches: (facts) => facts.entries === 'noneUsable' },
  unknownBeginTime: { action: 'quarantine', matches: (facts) => !facts.beginKnown },
  zeroHeader: { action: 'repair', matches: (facts) => facts.count === 'zeroHeader' },
  countNotPositive: { action: 'repair', matches: (facts) => facts.count === 'notPositive' },
  countBeyondMax: { action: 'repair', matches: (facts) => facts.count === 'beyondMax' },
  entryBeyondLog: { action: 'repair', matches: (facts) => facts.cut === 'beyondLog' },
  headerAheadOfEntries: { action: 'repair', matches: (facts) => facts.cut === 'invalid' },
  untrustedEntries: { action: 'repair', matches: (facts) => facts.cut === 'untrusted' },
  headerBehindEntries: { action: 'repair', matches: (facts) => facts.unlisted },
  slotOutOfRange: { action: 'repair', matches: (facts) => facts.slots === 'outOfRange' },
  chainLoop: { action: 'repair', matches: (facts) => facts.chain === 'loop' },
  slotsOrChainDiffer: { action: 'repair', matches: (facts) => facts.slots === 'differ' || facts.chain === 'differ' },
  headerDiffers: { action: 'repair', matches: (facts) => !facts.headerEqual },
  shortFile: { action: 'repair', matches: (facts) => facts.size === 'short' },
  longFile: { action: 'keep', matches: (facts) => facts.size === 'long' },
  sound: { action: 'keep', matches: () => true },
} as const satisfies Record<string, Row>;

export type IndexCase = keyof typeof TABLE;

export const INDEX_CASES = Object.keys(TABLE) as IndexCase[];

/** The first row that matches; the last one always does. */
export const classifyIndexFile = (facts: IndexFileFacts): { readonly case: IndexCase; readonly action: IndexAction } => {
  const name = INDEX_CASES.find((candidate) => (TABLE[candidate] as Row).matches(facts)) ?? 'sound';
  return { case: name, action: TABLE[name].action };
};
