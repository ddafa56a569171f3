import path from 'node:path';
import { Random } from './random.ts';

/** Smaller than a real page: more boundaries in the small files of these tests. A page is the unit that a power cut keeps or loses. */
export const PAGE_BYTES = 512;
/** How often a page that is written again had been written back by then: the disk then has a version in between. */
const WRITE_BACK_PROBABILITY = 0.25;

type Page = Uint8Array;

/**
 * A file or a directory. Pages are never changed in place, so that images share them. `dirty` has, for every page that
 * was changed since the last sync, what the disk has instead (null: a hole). `lost` has the same for pages whose sync
 * failed: the kernel took them for clean after that, and no later sync writes them.
 */
export interface Node {
  readonly id: number;
  readonly isDirectory: boolean;
  pages: Map<number, Page>;
  dirty: Map<number, Page | null>;
  lost: Map<number, Page | null>;
  sizeBytes: number;
  syncedSizeBytes: number;
  modifiedMs: number;
  linkCount: number;
  entries: Map<string, Node>;
  syncedEntries: Map<string, Node>;
  /** Changes of `entries` since the directory was synced. */
  changes: NameChange[];
}

interface NameChange {
  /** Both halves of a rename have the same number: a file system never keeps one without the other. */
  readonly operation: number;
  readonly name: string;
  readonly node: Node | null;
}

export const systemError = (code: string, what: string, file: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${what} '${file}'`), { code, syscall: what, path: file });

/** A disk in memory that knows what of it would survive a power cut. Names are absolute paths. */
export class MemoryDisk {
  bootId: string;
  nowMs: number;
  /** Lock state by file and byte; the holder is a descriptor. */
  readonly locks = new Map<string, { exclusive: number | null; readonly shared: Set<number> }>();
  readonly #root: Node;
  readonly #random: Random;
  #nextNode = 1;
  #nextOperation = 1;
  #nextFd = 10;

  constructor(options: { readonly seed?: number; readonly bootId?: string; readonly nowMs?: number } = {}) {
    this.#random = new Random(options.seed ?? 1);
    this.bootId = options.bootId ?? '00000000-0000-4000-8000-000000000001';
    this.nowMs = options.nowMs ?? 1_700_000_000_000;
    this.#root = this.#newNode(true);
    this.#root.linkCount = 1;
  }

  takeFd(): number {
    return this.#nextFd++;
  }

  find(file: string): Node | null {
    let node: Node | undefined = this.#root;
    for (const name of parts(file)) {
      if (!node.isDirectory) return null;
      node = node.entries.get(name);
      if (node === undefined) return null;
    }
    return node;
  }

  create(file: string): Node {
    const directory = this.#directoryOf(file);
    const name = path.basename(file);
    if (directory.entries.has(name)) throw systemError('EEXIST', 'open', file);
    const node = this.#newNode(false);
    this.#link(directory, name, node, this.#nextOperation++);
    return node;
  }

  makeDirectory(file: string): void {
    let node = this.#root;
    for (const name of parts(file)) {
      let next = node.entries.get(name);
      if (next === undefined) {
        next = this.#newNode(true);
        this.#link(node, name, next, this.#nextOperation++);
      }
      if (!next.isDirectory) throw systemError('ENOTDIR', 'mkdir', file);
      node = next;
    }
  }

  unlink(file: string): void {
    const directory = this.#directoryOf(file);
    const name = path.basename(file);
    const node = directory.entries.get(name);
    if (node === undefined) throw systemError('ENOENT', 'unlink', file);
    if (node.isDirectory) throw systemError('EISDIR', 'unlink', file);
    this.#link(directory, name, null, this.#nextOperation++);
  }

  removeDirectory(file: string): void {
    const node = this.find(file);
    if (node === null) throw systemError('ENOENT', 'rmdir', file);
    if (!node.isDirectory) throw systemError('ENOTDIR', 'rmdir', file);
    if (node.entries.size > 0) throw systemError('ENOTEMPTY', 'rmdir', file);
    this.#link(this.#directoryOf(file), path.basename(file), null, this.#nextOperation++);
  }

  rename(from: string, to: string): void {
    const node = this.find(from);
    if (node === null) throw systemError('ENOENT', 'rename', from);
    const source = this.#directoryOf(from);
    const target = this.#directoryOf(to);
    const operation = this.#nextOperation++;
    node.linkCount++;
    this.#link(target, path.basename(to), node, operation);
    node.linkCount--;
    this.#link(source, path.basename(from), null, operation);
  }

  read(node: Node, target: Uint8Array, targetOffset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, node.sizeBytes - position));
    for (let done = 0; done < count; ) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - inPage, count - done);
      const page = node.pages.get((at - inPage) / PAGE_BYTES);
      if (page === undefined) target.fill(0, targetOffset + done, targetOffset + done + part);
      else target.set(page.subarray(inPage, inPage + part), targetOffset + done);
      done += part;
    }
    return count;
  }

  write(node: Node, source: Uint8Array, sourceOffset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - inPage, length - done);
      const index = (at - inPage) / PAGE_BYTES;
      const page = new Uint8Array(PAGE_BYTES);
      const before = node.pages.get(index);
      if (before !== undefined) page.set(before);
      page.set(source.subarray(sourceOffset + done, sourceOffset + done + part), inPage);
      this.#soil(node, index);
      node.pages.set(index, page);
      done += part;
    }
    node.sizeBytes = Math.max(node.sizeBytes, position + length);
    node.modifiedMs = this.nowMs;
  }

  truncate(node: Node, sizeBytes: number): void {
    if (sizeBytes < node.sizeBytes) {
      for (const index of [...node.pages.keys()]) {
        if ((index + 1) * PAGE_BYTES <= sizeBytes) continue;
        this.#soil(node, index);
        const keep = Math.max(0, sizeBytes - index * PAGE_BYTES);
        const page = node.pages.get(index)!.slice();
        page.fill(0, keep);
        if (keep > 0) node.pages.set(index, page);
        else node.pages.delete(index);
      }
    }
    node.sizeBytes = sizeBytes;
    node.modifiedMs = this.nowMs;
  }

  /** What fdatasync makes durable: content and length, not the name. */
  sync(node: Node): void {
    node.dirty.clear();
    node.syncedSizeBytes = node.sizeBytes;
  }

  /** A failed fdatasync: the pages count as clean from now on, and the disk still has the old ones. */
  failSync(node: Node): void {
    for (const [index, page] of node.dirty) node.lost.set(index, page);
    node.dirty.clear();
  }

  syncDirectory(file: string): void {
    const directory = this.find(file);
    if (directory === null) throw systemError('ENOENT', 'open', file);
    if (!directory.isDirectory) throw systemError('ENOTDIR', 'fsync', file);
    const operations = new Set(directory.changes.map((change) => change.operation));
    this.#eachDirectory((other) => {
      const kept: NameChange[] = [];
      for (const change of other.changes) {
        if (operations.has(change.operation)) apply(other.syncedEntries, change);
        else kept.push(change);
      }
      other.changes = kept;
    });
  }

  /** The same disk as it is now, for another future: what either of the two does the other does not see. Nobody has a lock on it. */
  clone(seed: number): MemoryDisk {
    return this.#copy(seed, (node) => ({
      pages: new Map(node.pages), sizeBytes: node.sizeBytes, dirty: new Map(node.dirty), lost: new Map(node.lost), syncedSizeBytes: node.syncedSizeBytes,
    }), null);
  }

  /**
   * What a power cut leaves: every unsynced page is there or has the old content, every unsynced change of a name and of
   * a length happened or did not, each by itself. @param probability of each to be lost, drawn when not given
   */
  powerCut(seed: number, probability?: number): MemoryDisk {
    const random = new Random(seed);
    // A cut that loses everything and one that loses nearly nothing are as likely as those in between.
    const drawn = [1, 0.5, 0.1][random.below(3)]!;
    const lossProbability = probability ?? drawn;
    const keptOperations = new Map<number, boolean>();
    const isKept = (operation: number): boolean => {
      let kept = keptOperations.get(operation);
      if (kept === undefined) keptOperations.set(operation, (kept = !random.chance(lossProbability)));
      return kept;
    };
    const disk = this.#copy(seed, (node) => {
      const pages = new Map(node.pages);
      const revert = (index: number, page: Page | null): void => void (page === null ? pages.delete(index) : pages.set(index, page));
      for (const [index, page] of node.lost) revert(index, page);
      for (const [index, page] of node.dirty) if (random.chance(lossProbability)) revert(index, page);
      const sizeBytes = random.chance(lossProbability) ? node.syncedSizeBytes : node.sizeBytes;
      for (const index of [...pages.keys()]) if (index * PAGE_BYTES >= sizeBytes) pages.delete(index);
      return { pages, sizeBytes, dirty: new Map(), lost: new Map(), syncedSizeBytes: sizeBytes };
    }, isKept);
    disk.bootId = this.bootId.slice(0, -8) + random.below(0x7fff_ffff).toString(16).padStart(8, '0');
    return disk;
  }

  /** Every file with its length, for messages of failed tests. */
  tree(): string[] {
    const lines: string[] = [];
    const walk = (node: Node, at: string): void => {
      for (const [name, child] of [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
        lines.push(child.isDirectory ? `${at}/${name}/` : `${at}/${name} ${child.sizeBytes}`);
        if (child.isDirectory) walk(child, `${at}/${name}`);
      }
    };
    walk(this.#root, '');
    return lines;
  }

  #copy(
    seed: number,
    content: (node: Node) => Pick<Node, 'pages' | 'sizeBytes' | 'dirty' | 'lost' | 'syncedSizeBytes'>,
    isKept: ((operation: number) => boolean) | null,
  ): MemoryDisk {
    const disk = new MemoryDisk({ seed, bootId: this.bootId, nowMs: this.nowMs });
    disk.#nextNode = this.#nextNode;
    disk.#nextOperation = this.#nextOperation;
    disk.#nextFd = this.#nextFd;
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const copy: Node = { ...node, ...content(node), linkCount: 0, entries: new Map(), syncedEntries: new Map(), changes: [] };
      copies.set(node, copy);
      fill(node, copy);
      return copy;
    };
    const fill = (node: Node, copy: Node): void => {
      if (!node.isDirectory) return;
      if (isKept === null) {
        for (const [name, child] of node.entries) copy.entries.set(name, copyOf(child));
        for (const [name, child] of node.syncedEntries) copy.syncedEntries.set(name, copyOf(child));
        copy.changes = node.changes.map((change) => ({ ...change, node: change.node === null ? null : copyOf(change.node) }));
      } else {
        const names = new Map(node.syncedEntries);
        for (const change of node.changes) if (isKept(change.operation)) apply(names, change);
        for (const [name, child] of names) copy.entries.set(name, copyOf(child));
        copy.syncedEntries = new Map(copy.entries);
      }
      for (const child of copy.entries.values()) child.linkCount++;
    };
    const root = disk.#root;
    Object.assign(root, { entries: new Map(), syncedEntries: new Map() });
    copies.set(this.#root, root);
    fill(this.#root, root);
    return disk;
  }

  #soil(node: Node, index: number): void {
    const current = node.pages.get(index) ?? null;
    if (node.dirty.has(index)) {
      if (this.#random.chance(WRITE_BACK_PROBABILITY)) node.dirty.set(index, current);
      return;
    }
    const lost = node.lost.get(index);
    node.dirty.set(index, lost === undefined ? current : lost);
    node.lost.delete(index);
  }

  #link(directory: Node, name: string, node: Node | null, operation: number): void {
    const before = directory.entries.get(name);
    if (before !== undefined) before.linkCount--;
    if (node === null) directory.entries.delete(name);
    else {
      directory.entries.set(name, node);
      node.linkCount++;
    }
    directory.changes.push({ operation, name, node });
    directory.modifiedMs = this.nowMs;
  }

  #directoryOf(file: string): Node {
    const node = this.find(path.dirname(file));
    if (node === null) throw systemError('ENOENT', 'open', file);
    if (!node.isDirectory) throw systemError('ENOTDIR', 'open', file);
    return node;
  }

  #eachDirectory(action: (node: Node) => void, node: Node = this.#root, seen = new Set<Node>()): void {
    if (seen.has(node) || !node.isDirectory) return;
    seen.add(node);
    action(node);
    for (const child of node.entries.values()) this.#eachDirectory(action, child, seen);
  }

  #newNode(isDirectory: boolean): Node {
    return {
      id: this.#nextNode++, isDirectory, pages: new Map(), dirty: new Map(), lost: new Map(), sizeBytes: 0, syncedSizeBytes: 0,
      modifiedMs: this.nowMs, linkCount: 0, entries: new Map(), syncedEntries: new Map(), changes: [],
    };
  }
}

const apply = (entries: Map<string, Node>, change: NameChange): void => {
  if (change.node === null) entries.delete(change.name);
  else entries.set(change.name, change.node);
};

const parts = (file: string): string[] => path.resolve(file).split('/').filter((name) => name !== '');
