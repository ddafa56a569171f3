import { basename, dirname } from 'node:path';
import type { MessageQueue } from '../../broker/types.ts';
import { findSegment } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import type { FileSystem } from '../files/file-system.ts';
import { makeDirectoryDurably, quarantineBytes } from '../state/file-io.ts';
import { queueOf } from './findings.ts';
import type { QueuePlace } from './findings.ts';
import type { RecoverAction, RecoverActionKind } from './recover-actions.ts';
import type { StoreView } from './store-view.ts';

const KEEP_CHUNK_BYTES = 16 * 1024 * 1024;

/** What repairs share: the store, the list of actions, and writing only after the old bytes are kept. */
export class RepairContext {
  readonly view: StoreView;
  readonly fs: FileSystem;
  readonly dryRun: boolean;
  readonly actions: RecoverAction[] = [];
  readonly #kept = new Set<string>();

  constructor(view: StoreView, dryRun: boolean) {
    this.view = view;
    this.fs = view.fs;
    this.dryRun = dryRun;
  }

  add(
    action: RecoverActionKind, where: { readonly file: string; readonly position?: number; readonly sizeBytes?: number; readonly commitLogOffset?: number },
    detail: string, place: QueuePlace | null = null,
  ): void {
    const queue: MessageQueue | null = place === null ? null : queueOf(place, this.view.identity.brokerName);
    this.actions.push({
      action, file: where.file, position: where.position ?? 0, sizeBytes: where.sizeBytes ?? 0, commitLogOffset: where.commitLogOffset ?? -1,
      queue, queueOffset: place?.queueOffset ?? null, detail,
    });
  }

  segmentOf(offset: number): LogSegment | null {
    return this.view.log.segments[findSegment(this.view.log.segments, offset)] ?? null;
  }

  readLog(offset: number, length: number): Buffer {
    const segment = this.segmentOf(offset);
    return segment === null ? Buffer.alloc(0) : this.readFile(segment.path, offset - segment.baseOffset, length);
  }

  readFile(path: string, position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    const fd = this.fs.open(path, 'read');
    try {
      return bytes.subarray(0, this.fs.read(fd, bytes, 0, length, position));
    } finally {
      this.fs.close(fd);
    }
  }

  /** Replaces bytes of an existing file, durably. The old ones are kept as `quarantine/<name>` before, unless they are all zero. */
  overwrite(path: string, position: number, bytes: Uint8Array, quarantineName: string): void {
    if (this.dryRun) return;
    this.keep(path, position, bytes.length, quarantineName);
    const fd = this.fs.open(path, 'write');
    try {
      this.fs.write(fd, bytes, 0, bytes.length, position);
      this.fs.dataSync(fd);
    } finally {
      this.fs.close(fd);
    }
  }

  /** Copies a range of a file to quarantine, in pieces. A range is kept once per run: later repairs touch our own bytes. */
  keep(path: string, position: number, length: number, quarantineName: string): void {
    if (this.dryRun || this.#kept.has(quarantineName)) return;
    this.#kept.add(quarantineName);
    for (let done = 0; done < length; done += KEEP_CHUNK_BYTES) {
      const bytes = this.readFile(path, position + done, Math.min(KEEP_CHUNK_BYTES, length - done));
      if (bytes.every((byte) => byte === 0)) continue;
      quarantineBytes(this.fs, this.view.paths.quarantine, done === 0 ? quarantineName : `${quarantineName}+${done}`, bytes);
    }
  }

  /** Moves a file into quarantine under a free name. Returns where it is now. */
  moveAside(path: string): string {
    const { quarantine } = this.view.paths;
    for (let number = 1; ; number++) {
      const target = `${quarantine}/${basename(path)}.moved.${number}`;
      if (this.fs.stat(target) !== null) continue;
      if (this.dryRun) return target;
      makeDirectoryDurably(this.fs, quarantine);
      this.fs.rename(path, target);
      this.fs.syncDirectory(quarantine);
      this.fs.syncDirectory(dirname(path));
      return target;
    }
  }
}
