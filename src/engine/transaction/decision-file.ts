import path from 'node:path';
import { quarantineBytes, readWholeFile, removeFile, writeFileAtomically } from '../state/file-io.ts';
import type { StoreContext } from '../store-context.ts';

/** One decision about many halves, as it is written down before the first of them is ended. */
export interface Decision {
  readonly producerGroup: string;
  readonly decision: 'commit' | 'rollback';
  readonly halves: readonly HalfPlace[];
}

/** Queue offset in the half topic and commit-log offset. */
export type HalfPlace = readonly [queueOffset: number, commitLogOffset: number];

const HOLDER_BYTE = 0;
const SUFFIX = '.json';

/** A decision that this process carries out. While it is held nobody else does. */
export class DecisionFile {
  readonly #context: StoreContext;
  readonly #path: string;
  readonly #fd: number;

  private constructor(context: StoreContext, file: string) {
    this.#context = context;
    this.#path = file;
    this.#fd = context.fs.open(file, 'write');
    context.locks.tryLock(this.#fd, HOLDER_BYTE, 'exclusive');
  }

  /** Durably. Under the write lock, in which alone others look for files that nobody holds. */
  static write(context: StoreContext, name: string, decision: Decision): DecisionFile {
    const { fs, paths } = context;
    if (fs.stat(paths.transactions) === null) {
      fs.makeDirectory(paths.transactions);
      fs.syncDirectory(paths.mqlite);
    }
    const file = path.join(paths.transactions, name + SUFFIX);
    writeFileAtomically(fs, file, Buffer.from(JSON.stringify(decision)), { tempDirectory: paths.temp });
    return new DecisionFile(context, file);
  }

  /** Everything is done as decided. */
  remove(): void {
    removeDecision(this.#context, this.#path);
    this.#context.fs.close(this.#fd);
  }

  /** What is left is done by the next writer. */
  abandon(): void {
    this.#context.fs.close(this.#fd);
  }
}

export const removeDecision = (context: StoreContext, file: string): void => {
  removeFile(context.fs, file);
  context.fs.syncDirectory(context.paths.transactions);
};

export interface OrphanedDecision {
  readonly file: string;
  readonly decision: Decision;
}

/** Whether any decision is being carried out, or was left behind. */
export const hasDecisions = ({ fs, paths }: StoreContext): boolean => (fs.list(paths.transactions) ?? []).length > 0;

/** A decision whose writer has gone; null when there is none. An unreadable file is put away and told. Write lock held. */
export const findOrphan = (context: StoreContext, onNotice: (text: string) => void): OrphanedDecision | null => {
  const { fs, paths } = context;
  for (const name of (fs.list(paths.transactions) ?? []).sort()) {
    const file = path.join(paths.transactions, name);
    if (!name.endsWith(SUFFIX) || isHeld(context, file)) continue;
    const bytes = readWholeFile(fs, file);
    if (bytes === null) continue;
    const decision = parseDecision(bytes.toString());
    if (decision !== null) return { file, decision };
    const kept = quarantineBytes(fs, paths.quarantine, name, bytes);
    removeDecision(context, file);
    onNotice(`${file} is no decision about transactions and was moved to ${kept}; see "mqlite tx list" for what is pending`);
  }
  return null;
};

const isHeld = ({ fs, locks }: StoreContext, file: string): boolean => {
  const fd = fs.open(file, 'write');
  try {
    return !locks.tryLock(fd, HOLDER_BYTE, 'exclusive');
  } finally {
    fs.close(fd);
  }
};

/** null for what is none. */
const parseDecision = (text: string): Decision | null => {
  let value: Partial<Decision> | null;
  try {
    value = JSON.parse(text) as Partial<Decision> | null;
  } catch {
    return null;
  }
  const isPlace = (place: unknown): boolean => Array.isArray(place) && place.length === 2 && place.every((offset) => Number.isSafeInteger(offset) && offset >= 0);
  const isDecision = typeof value === 'object' && value !== null && typeof value.producerGroup === 'string'
    && (value.decision === 'commit' || value.decision === 'rollback') && Array.isArray(value.halves) && value.halves.every(isPlace);
  return isDecision ? value as Decision : null;
};
