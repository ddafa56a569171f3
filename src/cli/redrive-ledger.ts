import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { RedriveEntry, RedriveLedger } from '../client/redrive.ts';
import { systemErrorToMqlite } from './error-report.ts';
import { naming, syncDirectory } from './named-files.ts';
import type { Target } from './target.ts';

/** An entry and when it was made, ms since the epoch. */
export type TimedEntry = RedriveEntry & { readonly timestamp: number };

const LF = 10;
const LOCK_BYTE = 0;

/** Where the ledger of a group is: in the store, or for a cluster in the data directory. Names are hex: groups hold what file names do not. */
export function ledgerPath(target: Target, dataDirectory: string, group: string): string {
  const directory = target.kind === 'local'
    ? path.join(target.directory, 'mqlite', 'redrive')
    : path.join(dataDirectory, 'redrive', Buffer.from([...target.addresses].sort().join(';')).toString('hex'));
  return path.join(directory, `${Buffer.from(group).toString('hex')}.ndjson`);
}

/** The entries of a ledger, the last one of each dead letter and topic. Reads only; a file that is not there is empty. Error: DAMAGED with the line. */
export function readLedger(file: string): Map<string, TimedEntry> {
  return parseLedger(file, readOrEmpty(file)).entries;
}

/** The entries of each dead letter. */
export function entriesByLetter(entries: ReadonlyMap<string, TimedEntry>): Map<string, TimedEntry[]> {
  const byLetter = new Map<string, TimedEntry[]>();
  for (const entry of entries.values()) {
    const known = byLetter.get(entry.offsetMsgId);
    if (known === undefined) byLetter.set(entry.offsetMsgId, [entry]);
    else known.push(entry);
  }
  return byLetter;
}

/** Reads the ledgers of groups again and again: a file that has not changed is parsed once. Error: DAMAGED with the line. */
export function ledgerReader(fileOf: (group: string) => string): (group: string) => ReadonlyMap<string, readonly TimedEntry[]> {
  const known = new Map<string, { readonly version: string; readonly entries: ReadonlyMap<string, readonly TimedEntry[]> }>();
  return (group) => {
    const file = fileOf(group);
    const stat = statSync(file, { throwIfNoEntry: false });
    const version = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    const last = known.get(group);
    if (last?.version === version) return last.entries;
    const entries = entriesByLetter(readLedger(file));
    known.set(group, { version, entries });
    return entries;
  };
}

export const entryKey = (offsetMsgId: string, topic: string): string => `${offsetMsgId} ${topic}`;

function readOrEmpty(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return Buffer.alloc(0);
    throw systemErrorToMqlite(error, file) ?? error;
  }
}

/** @returns also how many bytes are whole lines: a last one without its end was cut off, and counts for nothing. */
function parseLedger(file: string, bytes: Buffer): { readonly entries: Map<string, TimedEntry>; readonly wholeBytes: number } {
  const wholeBytes = bytes.lastIndexOf(LF) + 1;
  const entries = new Map<string, TimedEntry>();
  bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1).forEach((line, index) => {
    const entry = parseEntry(line);
    if (entry === null) {
      throw new MqliteError('DAMAGED', `${file}, line ${index + 1}: not an entry of a redrive ledger`, { hint: 'It says what was sent again already; take the line out if you know.' });
    }
    entries.set(entryKey(entry.offsetMsgId, entry.topic), entry);
  });
  return { entries, wholeBytes };
}

function parseEntry(line: string): TimedEntry | null {
  try {
    const entry = JSON.parse(line) as Partial<Record<string, unknown>> | null;
    const isText = (name: string): boolean => typeof entry?.[name] === 'string';
    const detail = { intent: 'topic', sent: 'newOffsetMsgId', failed: 'reason' }[String(entry?.['event'])];
    return detail !== undefined && isText('offsetMsgId') && isText('topic') && isText(detail) && typeof entry?.['timestamp'] === 'number' ? entry as TimedEntry : null;
  } catch {
    return null;
  }
}

/** A ledger that this process alone appends to. */
export class LedgerFile implements RedriveLedger {
  readonly #clock: Clock;
  readonly #entries: Map<string, TimedEntry>;
  readonly #fd: number;
  readonly #lockFd: number;

  private constructor(clock: Clock, entries: Map<string, TimedEntry>, fd: number, lockFd: number) {
    this.#clock = clock;
    this.#entries = entries;
    this.#fd = fd;
    this.#lockFd = lockFd;
  }

  /** Error: LOCKED while another process redrives the group. */
  static async open(file: string, group: string, clock: Clock): Promise<LedgerFile> {
    const { nativeFileLocks } = await import('../engine/files/file-locks.ts');
    return naming(file, () => {
      mkdirSync(path.dirname(file), { recursive: true });
      const lockFd = openSync(file.replace(/ndjson$/, 'lock'), 'a+');
      if (!nativeFileLocks.tryLock(lockFd, LOCK_BYTE, 'exclusive')) {
        closeSync(lockFd);
        throw new MqliteError('LOCKED', `the dead letters of group ${group} are being redriven by another process`, { hint: 'Wait until it has ended.' });
      }
      const { entries, wholeBytes } = parseLedger(file, readOrEmpty(file));
      const fd = openSync(file, 'a');
      ftruncateSync(fd, wholeBytes);
      syncDirectory(path.dirname(file));
      return new LedgerFile(clock, entries, fd, lockFd);
    });
  }

  last(offsetMsgId: string, topic: string): RedriveEntry | undefined {
    return this.#entries.get(entryKey(offsetMsgId, topic));
  }

  record(entries: readonly RedriveEntry[], durable: boolean): void {
    const timestamp = this.#clock.nowMs();
    const timed = entries.map((entry): TimedEntry => ({ ...entry, timestamp }));
    naming('the redrive ledger', () => {
      const bytes = Buffer.from(timed.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
      if (durable) fsyncSync(this.#fd);
    });
    for (const entry of timed) this.#entries.set(entryKey(entry.offsetMsgId, entry.topic), entry);
  }

  close(): void {
    closeSync(this.#fd);
    closeSync(this.#lockFd);
  }
}
