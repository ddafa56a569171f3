import { basename, dirname } from 'node:path';
import { CodecError } from '../../base/codec-error.ts';
import type { FileStat, FileSystem } from '../files/file-system.ts';
import { cloneJson, formatBrokerJson, isJsonObject, newJsonObject, parseBrokerJson } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { makeDirectoryDurably, quarantineBytes, readWholeFile, writeFileAtomically } from './file-io.ts';

type FileState = 'ok' | 'missing' | 'empty' | 'broken';

export type ConfigCase =
  | 'main'
  | 'absent'
  | 'emptied'
  | 'bak-for-missing-main'
  | 'bak-for-empty-main'
  | 'bak-for-broken-main'
  | 'broken-main-alone'
  | 'broken-bak-alone'
  | 'both-broken';

interface CaseRow {
  readonly case: ConfigCase;
  readonly source: 'main' | 'bak' | 'none';
}

const MAIN: CaseRow = { case: 'main', source: 'main' };

/**
 * Every pair of states of a config file and its `.bak`, and what is read. Where the broker [ConfigManager#load] deletes
 * the main file (empty, broken) we leave it; where it refuses to boot (a broken `.bak` it needs) reading goes on empty
 * and the paths are reported. Keyed `main/bak`.
 */
export const CONFIG_CASES: Readonly<Record<`${FileState}/${FileState}`, CaseRow>> = {
  'ok/ok': MAIN,
  'ok/missing': MAIN,
  'ok/empty': MAIN,
  'ok/broken': MAIN,
  'missing/ok': { case: 'bak-for-missing-main', source: 'bak' },
  'missing/missing': { case: 'absent', source: 'none' },
  'missing/empty': { case: 'emptied', source: 'none' },
  'missing/broken': { case: 'broken-bak-alone', source: 'none' },
  'empty/ok': { case: 'bak-for-empty-main', source: 'bak' },
  'empty/missing': { case: 'emptied', source: 'none' },
  'empty/empty': { case: 'emptied', source: 'none' },
  'empty/broken': { case: 'broken-bak-alone', source: 'none' },
  'broken/ok': { case: 'bak-for-broken-main', source: 'bak' },
  'broken/missing': { case: 'broken-main-alone', source: 'none' },
  'broken/empty': { case: 'broken-main-alone', source: 'none' },
  'broken/broken': { case: 'both-broken', source: 'none' },
};

export interface ConfigRead {
  /** An empty object when `source` is none. */
  readonly value: JsonObject;
  readonly source: 'main' | 'bak' | 'none';
  readonly case: ConfigCase;
  /** Files that are there and could not be parsed. */
  readonly damagedPaths: readonly string[];
  /** For each of them, where and why. */
  readonly reasons: readonly string[];
}

interface OneFile {
  readonly state: FileState;
  readonly bytes: Buffer;
  readonly value: JsonObject | null;
  readonly reason: string;
}

const NOTHING = Buffer.alloc(0);

const readOne = (fs: FileSystem, path: string): OneFile => {
  const bytes = readWholeFile(fs, path);
  if (bytes === null) return { state: 'missing', bytes: NOTHING, value: null, reason: '' };
  if (bytes.length === 0) return { state: 'empty', bytes, value: null, reason: '' };
  try {
    const value = parseBrokerJson(bytes.toString('utf8'));
    if (isJsonObject(value)) return { state: 'ok', bytes, value, reason: '' };
    return { state: 'broken', bytes, value: null, reason: `${path}: not a JSON object` };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { state: 'broken', bytes, value: null, reason: `${path}: ${error.message}` };
  }
};

/** The `.bak` of a config file: its previous content. */
export const bakPath = (path: string): string => `${path}.bak`;

/** Reads a config file as `CONFIG_CASES` says. Changes nothing on disk. Throws the operating system's errors. */
export const readConfig = (fs: FileSystem, path: string): ConfigRead => {
  const main = readOne(fs, path);
  const bak = readOne(fs, bakPath(path));
  const row = CONFIG_CASES[`${main.state}/${bak.state}`];
  const broken: [string, OneFile][] = [];
  if (main.state === 'broken') broken.push([path, main]);
  if (bak.state === 'broken') broken.push([bakPath(path), bak]);
  return {
    ...row,
    value: (row.source === 'main' ? main.value : row.source === 'bak' ? bak.value : null) ?? newJsonObject(),
    damagedPaths: broken.map(([damaged]) => damaged),
    reasons: broken.map(([, file]) => file.reason),
  };
};

export interface ConfigWriteOptions {
  /** Same file system as the config directory. */
  readonly tempDirectory: string;
  /** A main file or `.bak` that cannot be parsed is kept here before it is replaced. */
  readonly quarantineDirectory: string;
  /** fsync files and directories, as the broker does [ConfigManager#persist]. Default true. */
  readonly sync?: boolean | undefined;
}

/**
 * Replaces a config file; its previous content becomes `.bak`. There is no moment in which neither of the two is complete:
 * `.bak` is a renamed copy, and main is replaced by a rename, never moved away. (The broker renames main to `.bak` first.)
 */
export const writeConfig = (fs: FileSystem, path: string, value: JsonObject, options: ConfigWriteOptions): void => {
  const main = readOne(fs, path);
  if (main.state === 'broken') quarantineBytes(fs, options.quarantineDirectory, basename(path), main.bytes);
  makeDirectoryDurably(fs, dirname(path));
  if (main.state === 'ok') {
    const bak = readOne(fs, bakPath(path));
    if (bak.state === 'broken') quarantineBytes(fs, options.quarantineDirectory, basename(bakPath(path)), bak.bytes);
    if (!bak.bytes.equals(main.bytes)) writeFileAtomically(fs, bakPath(path), main.bytes, options);
  }
  writeFileAtomically(fs, path, Buffer.from(formatBrokerJson(value), 'utf8'), options);
};

export interface ConfigFileOptions extends Omit<ConfigWriteOptions, 'sync'> {
  /**
   * Called when somebody else replaced the file since we last saw it: makes the value to go on with from what we knew
   * and what is there now. A broker that was refused rewrites config files from memory that may be older than ours.
   * Without it the file wins.
   */
  readonly merge?: ((ours: JsonObject, onDisk: JsonObject) => JsonObject) | undefined;
  /** What an earlier process of ours knew, asked before the first read; null when that no longer counts. Needs `merge`. */
  readonly known?: (() => JsonObject | null) | undefined;
  /** Called with every value written. */
  readonly onWritten?: ((value: JsonObject) => void) | undefined;
}

const sameFile = (a: FileStat | null, b: FileStat | null): boolean =>
  a === null || b === null ? a === b : a.inode === b.inode && a.modifiedMs === b.modifiedMs && a.sizeBytes === b.sizeBytes;

/** One config file as this process knows it: re-read when it changed, changed by read-merge-write under the caller's lock. */
export class ConfigFile {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #options: ConfigFileOptions;
  #last: ConfigRead | null = null;
  #seenMain: FileStat | null = null;
  #seenBak: FileStat | null = null;
  /** What we know differs from what is on disk, because a merge kept something of ours. */
  #ahead = false;

  constructor(fs: FileSystem, path: string, options: ConfigFileOptions) {
    this.#fs = fs;
    this.path = path;
    this.#options = options;
  }

  /** The content, re-read only if the file changed (two stat calls otherwise). Not to be changed by the caller. */
  read(): ConfigRead {
    // Stat before reading: a file replaced in between is read again next time rather than never.
    const main = this.#fs.stat(this.path);
    const bak = this.#fs.stat(bakPath(this.path));
    if (this.#last !== null && sameFile(main, this.#seenMain) && sameFile(bak, this.#seenBak)) return this.#last;
    const onDisk = readConfig(this.#fs, this.path);
    const merge = this.#options.merge;
    const ours = this.#last === null ? (this.#options.known?.() ?? null) : this.#last.value;
    if (ours !== null && merge !== undefined) {
      const value = merge(ours, onDisk.value);
      this.#ahead = formatBrokerJson(value) !== formatBrokerJson(onDisk.value);
      this.#last = { ...onDisk, value };
    } else {
      this.#last = onDisk;
    }
    this.#seenMain = main;
    this.#seenBak = bak;
    return this.#last;
  }

  get value(): JsonObject {
    return this.read().value;
  }

  /** The file lost something we know; the next `update` puts it back even if `mutate` changes nothing. */
  get needsRepair(): boolean {
    this.read();
    return this.#ahead;
  }

  /**
   * Re-reads, lets `mutate` change a copy, writes it if it differs; true when it wrote. The caller holds the write lock.
   * When `mutate` or the writing throws, what we know stays as it was.
   */
  update(mutate: (value: JsonObject) => void, options: { readonly sync?: boolean | undefined } = {}): boolean {
    const current = this.read();
    const next = cloneJson(current.value);
    mutate(next);
    if (!this.#ahead && formatBrokerJson(next) === formatBrokerJson(current.value)) return false;
    writeConfig(this.#fs, this.path, next, { ...this.#options, sync: options.sync });
    this.#last = { value: next, source: 'main', case: 'main', damagedPaths: [], reasons: [] };
    this.#ahead = false;
    this.#seenMain = this.#fs.stat(this.path);
    this.#seenBak = this.#fs.stat(bakPath(this.path));
    this.#options.onWritten?.(next);
    return true;
  }
}
