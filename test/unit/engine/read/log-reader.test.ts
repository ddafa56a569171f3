import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentFileName } from '../../../../src/engine/commit-log/log-directory.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { LogReader } from '../../../../src/engine/read/log-reader.ts';

const SEGMENT_BYTES = 1 << 20;
const RECORD_BYTES = 1000;
const QUEUES = 4;

let directory: string;
let bytesRead: number;
let log: LogReader;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'log-reader-'));
  for (const base of [0, SEGMENT_BYTES]) {
    const words = new Uint32Array(SEGMENT_BYTES / 4).map((_, index) => base + index * 4);
    const fd = openSync(join(directory, segmentFileName(base)), 'w');
    writeSync(fd, Buffer.from(words.buffer));
    closeSync(fd);
  }
  bytesRead = 0;
  const counting = {
    ...nodeFileSystem,
    read: (...args: Parameters<typeof nodeFileSystem.read>) => {
      const count = nodeFileSystem.read(...args);
      bytesRead += count;
      return count;
    },
  };
  log = new LogReader(counting, directory, SEGMENT_BYTES);
});

afterEach(() => {
  log.close();
  rmSync(directory, { recursive: true });
});

describe('reading the log', () => {
  it('gives each of several queues its records and reads the log about once', () => {
    const records = Math.floor(SEGMENT_BYTES / RECORD_BYTES);
    const batch = 200;
    for (let first = 0; first < records / QUEUES; first += batch) {
      for (let queue = 0; queue < QUEUES; queue++) {
        for (let index = first; index < Math.min(first + batch, Math.floor(records / QUEUES)); index++) {
          const offset = (index * QUEUES + queue) * RECORD_BYTES;
          expect(log.read(offset, RECORD_BYTES, Infinity)).toBe(true);
          expect(log.buffer.readUInt32LE(log.position)).toBe(offset);
          expect(log.buffer.readUInt32LE(log.position + RECORD_BYTES - 4)).toBe(offset + RECORD_BYTES - 4);
        }
      }
    }
    expect(bytesRead / SEGMENT_BYTES).toBeLessThan(1.1);
  });

  it('reads up to the last byte of a segment and from the first of the next, and nothing that is not there', () => {
    expect(log.read(SEGMENT_BYTES - 8, 8, Infinity)).toBe(true);
    expect(log.buffer.readUInt32LE(log.position + 4)).toBe(SEGMENT_BYTES - 4);
    expect(log.read(SEGMENT_BYTES, 4, Infinity)).toBe(true);
    expect(log.buffer.readUInt32LE(log.position)).toBe(SEGMENT_BYTES);
    expect(log.read(SEGMENT_BYTES - 4, 8, Infinity)).toBe(false);
    expect(log.read(2 * SEGMENT_BYTES, 4, Infinity)).toBe(false);
  });

  it('sees with a fresh look what was written behind a window\'s back', () => {
    expect(log.read(4000, 4, Infinity)).toBe(true);
    const fd = openSync(join(directory, segmentFileName(0)), 'r+');
    writeSync(fd, Buffer.from('news'), 0, 4, 4000);
    closeSync(fd);
    expect(log.read(4000, 4, Infinity) && log.buffer.readUInt32LE(log.position)).toBe(4000);
    expect(log.readFresh(4000, 4) && log.buffer.toString('latin1', log.position, log.position + 4)).toBe('news');
    expect(log.read(4000, 4, Infinity) && log.buffer.toString('latin1', log.position, log.position + 4)).toBe('news');
  });
});
