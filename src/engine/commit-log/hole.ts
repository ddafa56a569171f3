import type { FileSystem } from '../files/file-system.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * Whether it is proved, without reading it, that a file is zeros from `position` on. The proof: the file takes up exactly as many blocks as
 * hold something other than zeros before `position`. Each such block is counted, so nothing is left that could hold anything behind.
 * false proves nothing. Reads what lies before `position`; it is not tried where that is more than what lies behind.
 */
export const isHoleFrom = (fs: FileSystem, path: string, sizeBytes: number, position: number): boolean => {
  if (fs.allocation === undefined || position > sizeBytes / 2) return false;
  const fd = fs.open(path, 'read');
  try {
    const allocation = fs.allocation(fd);
    if (allocation === null) return false;
    const { allocatedBytes, blockBytes } = allocation;
    const blocks = Math.ceil(position / blockBytes);
    if (allocatedBytes > blocks * blockBytes) return false;
    const written = writtenBlocks(fs, fd, blocks, blockBytes, position);
    // Fewer than were found: then this file system does not count as we believe it does.
    return written !== null && written * blockBytes === allocatedBytes;
  } finally {
    fs.close(fd);
  }
};

/** How many of the first `blocks` blocks hold anything but zeros; null when a byte from `position` on, in the last of them, does. */
const writtenBlocks = (fs: FileSystem, fd: number, blocks: number, blockBytes: number, position: number): number | null => {
  const zeros = Buffer.alloc(blockBytes);
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / blockBytes));
  const chunk = Buffer.alloc(perChunk * blockBytes);
  let written = 0;
  for (let first = 0; first < blocks; first += perChunk) {
    const count = Math.min(perChunk, blocks - first);
    const base = first * blockBytes;
    const length = fs.read(fd, chunk, 0, count * blockBytes, base);
    for (let at = 0; at < length; at += blockBytes) {
      const end = Math.min(at + blockBytes, length);
      if (chunk.compare(zeros, 0, end - at, at, end) !== 0) written++;
    }
    const rest = Math.max(0, position - base);
    if (rest < length && chunk.compare(zeros, 0, Math.min(length - rest, blockBytes), rest, Math.min(length, rest + blockBytes)) !== 0) return null;
  }
  return written;
};
