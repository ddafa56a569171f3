import path from 'node:path';
import { repeatBySleeping } from '../../../src/base/clock.ts';
import type { Clock, Repetition } from '../../../src/base/clock.ts';
import type { FileLocks } from '../../../src/engine/files/file-locks.ts';
import type { FileStat, FileSystem } from '../../../src/engine/files/file-system.ts';
import { systemError } from './memory-disk.ts';
import type { MemoryDisk, Node } from './memory-disk.ts';

/** The methods of the port; `create` is an `open` that makes a file. */
export type Operation = keyof FileSystem | 'create';

/** What a machine is asked before every operation of a process. */
export interface OperationInfo {
  /** Counts from 1, over all processes of the machine. */
  readonly number: number;
  readonly operation: Operation;
  readonly file: string;
  readonly process: Process;
  /** Bytes of a write; 0 otherwise. */
  readonly length: number;
  /** Of a write: applies its first `length` bytes, as an operation that fails half-way does. */
  readonly applyPart: (disk: MemoryDisk, length: number) => void;
}

/** Throws to make the operation fail without effect. */
export type Hook = (info: OperationInfo) => void;

export class CrashError extends Error {
  readonly code = 'CRASHED';
}

interface Descriptor {
  readonly node: Node;
  readonly file: string;
  /** Of files that are no files of the disk (`/proc`). */
  readonly text: Buffer | null;
}

/**
 * One process on a machine: its view of the disk, with descriptors and locks that vanish when it dies. After `kill` every
 * call throws, so that code which still runs in the test changes nothing.
 */
export class Process {
  readonly name: string;
  readonly pid: number;
  readonly fs: FileSystem;
  readonly locks: FileLocks;
  isDead = false;
  readonly #machine: Machine;
  readonly #descriptors = new Map<number, Descriptor>();

  constructor(machine: Machine, name: string, pid: number) {
    this.#machine = machine;
    this.name = name;
    this.pid = pid;
    this.fs = this.#fileSystem();
    this.locks = this.#fileLocks();
  }

  kill(): void {
    this.isDead = true;
    for (const fd of this.#descriptors.keys()) this.#machine.releaseLocks(fd);
    this.#descriptors.clear();
  }

  #run<T>(operation: Operation, file: string, action: () => T, write?: { length: number; applyPart: OperationInfo['applyPart'] }): T {
    if (this.isDead) throw new CrashError(`process ${this.name} is dead`);
    this.#machine.count(this, operation, file, write);
    return action();
  }

  #descriptor(fd: number): Descriptor {
    if (this.isDead) throw new CrashError(`process ${this.name} is dead`);
    const descriptor = this.#descriptors.get(fd);
    if (descriptor === undefined) throw systemError('EBADF', 'use', String(fd));
    return descriptor;
  }

  #fileSystem(): FileSystem {
    const disk = this.#machine.disk;
    const sync = (fd: number): void => {
      const { node, file } = this.#descriptor(fd);
      try {
        this.#run('dataSync', file, () => disk.sync(node));
      } catch (error) {
        if (!(error instanceof CrashError)) disk.failSync(node);
        throw error;
      }
    };
    return {
      open: (file, mode) => this.#run(mode === 'create' ? 'create' : 'open', file, () => {
        const text = this.#machine.virtualFile(file);
        const node = mode === 'create' ? disk.create(file) : disk.find(file);
        if (node === null && text === null) throw systemError('ENOENT', 'open', file);
        if (node?.isDirectory === true) throw systemError('EISDIR', 'open', file);
        const fd = disk.takeFd();
        this.#descriptors.set(fd, { node: node!, file, text });
        return fd;
      }),
      close: (fd) => {
        this.#descriptor(fd);
        this.#descriptors.delete(fd);
        this.#machine.releaseLocks(fd);
      },
      read: (fd, target, targetOffset, length, position) => {
        const { node, file, text } = this.#descriptor(fd);
        return this.#run('read', file, () => {
          if (text === null) return disk.read(node, target, targetOffset, length, position);
          const part = text.subarray(position, position + length);
          target.set(part, targetOffset);
          return part.length;
        });
      },
      write: (fd, source, sourceOffset, length, position) => {
        const { node, file } = this.#descriptor(fd);
        const bytes = source.slice(sourceOffset, sourceOffset + length);
        this.#run('write', file, () => disk.write(node, bytes, 0, length, position), {
          length,
          applyPart: (other, part) => {
            // On a clone the file is found by its name: a file without one is gone after a crash anyway.
            const target = other === disk ? node : other.find(file);
            if (target !== null && target.id === node.id) other.write(target, bytes, 0, part, position);
          },
        });
      },
      truncate: (fd, sizeBytes) => {
        const { node, file } = this.#descriptor(fd);
        this.#run('truncate', file, () => disk.truncate(node, sizeBytes));
      },
      dataSync: sync,
      dataSyncAsync: async (fd) => {
        await Promise.resolve();
        sync(fd);
      },
      syncDirectory: (file) => this.#run('syncDirectory', file, () => disk.syncDirectory(file)),
      stat: (file) => this.#run('stat', file, () => statOf(disk.find(file))),
      fstat: (fd) => {
        const { node, file, text } = this.#descriptor(fd);
        return this.#run('fstat', file, () => (text === null ? statOf(node)! : { sizeBytes: 0, modifiedMs: 0, inode: 0, linkCount: 1, isDirectory: false }));
      },
      rename: (from, to) => this.#run('rename', to, () => disk.rename(from, to)),
      unlink: (file) => this.#run('unlink', file, () => disk.unlink(file)),
      makeDirectory: (file) => this.#run('makeDirectory', file, () => disk.makeDirectory(file)),
      removeDirectory: (file) => this.#run('removeDirectory', file, () => disk.removeDirectory(file)),
      list: (file) => this.#run('list', file, () => {
        const node = disk.find(file);
        return node === null || !node.isDirectory ? null : [...node.entries.keys()];
      }),
      watch: () => null,
    };
  }

  #fileLocks(): FileLocks {
    return {
      tryLock: (fd, byte, mode) => this.#machine.tryLock(this.#descriptor(fd).node, fd, byte, mode),
      unlock: (fd, byte) => this.#machine.unlock(this.#descriptor(fd).node, fd, byte),
    };
  }
}

const statOf = (node: Node | null): FileStat | null =>
  node === null ? null : { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, inode: node.id, linkCount: node.linkCount, isDirectory: node.isDirectory };

/** A computer: one disk, several processes, a clock, and a hook that sees every operation. */
export class Machine {
  readonly disk: MemoryDisk;
  readonly clock: ManualClock;
  /** Operations so far. */
  operations = 0;
  hook: Hook | null = null;
  readonly processes: Process[] = [];
  #nextPid: number;

  constructor(disk: MemoryDisk, firstPid = 1000) {
    this.disk = disk;
    this.clock = new ManualClock(disk);
    this.#nextPid = firstPid;
  }

  start(name: string): Process {
    const started = new Process(this, name, this.#nextPid++);
    this.processes.push(started);
    return started;
  }

  killAll(): void {
    for (const running of this.processes) running.kill();
  }

  count(by: Process, operation: Operation, file: string, write?: { length: number; applyPart: OperationInfo['applyPart'] }): void {
    this.operations++;
    this.hook?.({ number: this.operations, operation, file, process: by, length: write?.length ?? 0, applyPart: write?.applyPart ?? (() => {}) });
  }

  virtualFile(file: string): Buffer | null {
    if (file === '/proc/sys/kernel/random/boot_id') return Buffer.from(`${this.disk.bootId}\n`);
    if (file === '/proc/locks') return Buffer.alloc(0);
    return null;
  }

  tryLock(node: Node, fd: number, byte: number, mode: 'shared' | 'exclusive'): boolean {
    const lock = this.#lock(node, byte);
    const othersShare = [...lock.shared].some((holder) => holder !== fd);
    if (lock.exclusive !== null && lock.exclusive !== fd) return false;
    if (mode === 'exclusive' && othersShare) return false;
    lock.shared.delete(fd);
    lock.exclusive = mode === 'exclusive' ? fd : null;
    if (mode === 'shared') lock.shared.add(fd);
    return true;
  }

  unlock(node: Node, fd: number, byte: number): void {
    const lock = this.#lock(node, byte);
    lock.shared.delete(fd);
    if (lock.exclusive === fd) lock.exclusive = null;
  }

  releaseLocks(fd: number): void {
    for (const lock of this.disk.locks.values()) {
      lock.shared.delete(fd);
      if (lock.exclusive === fd) lock.exclusive = null;
    }
  }

  #lock(node: Node, byte: number): { exclusive: number | null; readonly shared: Set<number> } {
    const key = `${node.id}:${byte}`;
    let lock = this.disk.locks.get(key);
    if (lock === undefined) this.disk.locks.set(key, (lock = { exclusive: null, shared: new Set() }));
    return lock;
  }
}

/** Time that moves when the test says so: a little with every look, and past short sleeps (waiting for a lock). */
export class ManualClock implements Clock {
  readonly #disk: MemoryDisk;
  #sleepers: (() => void)[] = [];
  #looks = 0;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  nowMs(): number {
    if (++this.#looks % 8 === 0) this.#disk.nowMs++;
    return this.#disk.nowMs;
  }

  elapsedMs(): number {
    return this.nowMs();
  }

  repeat(delayMs: number, next: () => number): Repetition {
    return repeatBySleeping(this, delayMs, next);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      if (delayMs < 100) {
        this.#disk.nowMs += delayMs;
        setImmediate(resolve);
        return;
      }
      this.#sleepers.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Wakes everybody who sleeps for long (the housekeeping of writers) and lets them finish. */
  async tick(): Promise<void> {
    this.#disk.nowMs += 5000;
    for (const wake of this.#sleepers.splice(0)) wake();
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The store of these tests. */
export const STORE = path.join('/', 'data', 'store');
