import fs from 'node:fs';
import type { FileAllocation } from './file-system.ts';

/**
 * File systems whose st_blocks counts each block that holds data: ext2 to ext4 (one magic), XFS, tmpfs. Metadata of a file may come on
 * top. Not those that compress (btrfs, ZFS, f2fs, where data takes less than its blocks) and none behind a network or another file system.
 */
const COUNTING: ReadonlySet<number> = new Set([0xef53, 0x5846_5342, 0x0102_1994]);
const SECTOR_BYTES = 512n;

/**
 * See `FileSystem.allocation`. While the kernel turns delayed allocations into real ones, ext4 and XFS move blocks from one counter to
 * another and `fstat` may see them in neither. So the data is put on disk first: afterwards there is nothing to be moved but what is being
 * written right now.
 */
export const countedAllocation = (fd: number): FileAllocation | null => {
  if (process.platform !== 'linux') return null;
  try {
    const { type, bsize } = fs.statfsSync(`/proc/self/fd/${fd}`);
    if (!COUNTING.has(type) || bsize < Number(SECTOR_BYTES)) return null;
    fs.fdatasyncSync(fd);
    const { blocks } = fs.fstatSync(fd, { bigint: true });
    return { allocatedBytes: Number(blocks * SECTOR_BYTES), blockBytes: bsize };
  } catch {
    // No /proc, a disk that fails: it says nothing, and whoever asks reads the file.
    return null;
  }
};
