import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listSegments, segmentFileName } from '../../../../src/engine/commit-log/log-directory.ts';
import { LogScanner } from '../../../../src/engine/commit-log/log-scanner.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { encodeBlank, encodeRecord } from '../../../../src/record/encode.ts';
import { encodeHost } from '../../../../src/record/host.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const SEGMENT = 4096;

const encode = (commitLogOffset: number, bodyLength: number, host = '127.0.0.1:10911'): Buffer => {
  const target = Buffer.alloc(bodyLength + 1000);
  const hostBytes = encodeHost(host);
  const size = encodeRecord({
    topic: 't', queueId: 0, flag: 0, queueOffset: 0, commitLogOffset, sysFlag: 0, bornTimestamp: 1, bornHost: hostBytes, storeTimestamp: 2, storeHost: hostBytes,
    reconsumeTimes: 0, preparedTransactionOffset: 0, body: Buffer.alloc(bodyLength, 7), properties: '', propertyCrc: false,
  }, target, 0);
  return target.subarray(0, size);
};

/** Writes records of the given body lengths, closing a file as a broker does when the next does not fit. */
const buildLog = (bodyLengths: readonly number[], segmentSize = SEGMENT, host?: string): { directory: string; offsets: number[]; end: number } => {
  const directory = temporaryDirectory('scan');
  const segments: Buffer[] = [Buffer.alloc(segmentSize)];
  const offsets: number[] = [];
  let at = 0;
  for (const bodyLength of bodyLengths) {
    let base = (segments.length - 1) * segmentSize;
    if (at + encode(at, bodyLength, host).length + 8 > base + segmentSize) {
      encodeBlank(segments.at(-1)!, at - base, base + segmentSize - at);
      segments.push(Buffer.alloc(segmentSize));
      base = at = base + segmentSize;
    }
    offsets.push(at);
    const record = encode(at, bodyLength, host);
    record.copy(segments.at(-1)!, at - base);
    at += record.length;
  }
  segments.forEach((bytes, index) => fs.writeFileSync(path.join(directory, segmentFileName(index * segmentSize)), bytes));
  return { directory, offsets, end: at };
};

const edit = (directory: string, offset: number, bytes: Buffer, segmentSize = SEGMENT): void => {
  const base = offset - (offset % segmentSize);
  const fd = fs.openSync(path.join(directory, segmentFileName(base)), 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, offset - base);
  fs.closeSync(fd);
};

/** Every step as text; resyncs at damage. */
const walk = (directory: string, options: { windowBytes?: number; from?: number; to?: number } = {}): string[] => {
  const scanner = new LogScanner(nodeFileSystem, listSegments(nodeFileSystem, directory), options);
  const steps: string[] = [];
  for (;;) {
    const kind = scanner.next();
    if (kind === 'message' || kind === 'blank') steps.push(`${kind} ${scanner.commitLogOffset}`);
    if (kind === 'damaged') {
      const at = scanner.commitLogOffset;
      const next = scanner.resync();
      steps.push(`damaged ${at}-${next}`);
      if (next < 0) break;
    }
    if (kind === 'end') {
      const at = scanner.commitLogOffset;
      const next = scanner.endReason === 'zeros' ? scanner.resync() : -1;
      steps.push(next < 0 ? `end ${at}` : `hole ${at}-${next}`);
      if (next < 0) break;
    }
  }
  scanner.close();
  return steps;
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

describe('a sound log', () => {
  const bodies = [100, 1000, 0, 2000, 500, 3000, 10, 10, 900];
  const { directory, offsets, end } = buildLog(bodies);

  it('is walked record by record, over end-of-file records, with windows of any size', () => {
    const expected = walk(directory, { windowBytes: 1 << 20 });
    expect(expected.filter((step) => step.startsWith('message'))).toEqual(offsets.map((offset) => `message ${offset}`));
    expect(expected.filter((step) => step.startsWith('blank')).length).toBe(2);
    expect(expected.at(-1)).toBe(`end ${end}`);
    // Records larger than the window, headers and hosts across its end.
    for (let windowBytes = 112; windowBytes < 400; windowBytes += 7) expect(walk(directory, { windowBytes })).toEqual(expected);
  });

  it('is walked between two offsets', () => {
    expect(walk(directory, { from: offsets[1]!, to: offsets[3]! })).toEqual([`message ${offsets[1]}`, `message ${offsets[2]}`, `end ${offsets[3]}`]);
  });

  it('is walked with IPv6 hosts', () => {
    const v6 = buildLog([100, 1000, 0, 2000], SEGMENT, '[fe80::1]:10911');
    for (const windowBytes of [112, 200, 4096]) {
      expect(walk(v6.directory, { windowBytes }).filter((step) => step.startsWith('message'))).toEqual(v6.offsets.map((offset) => `message ${offset}`));
    }
  });

  it('ends where the last file ends when it is full, and is empty without files', () => {
    expect(walk(temporaryDirectory('empty'))).toEqual(['end 0']);
    const full = buildLog([100]);
    const blank = Buffer.alloc(8);
    encodeBlank(blank, 0, SEGMENT - full.end);
    edit(full.directory, full.end, blank);
    expect(walk(full.directory)).toEqual(['message 0', `blank ${full.end}`, `end ${SEGMENT}`]);
  });
});

describe('damage', () => {
  const bodies = [300, 300, 300, 300, 300];
  const sizes = encode(0, 300).length;

  it.each([
    ['body', 88, Buffer.from([0])],
    ['BODYCRC', 8, int32(1)],
    ['MAGICCODE', 4, int32(0x0aa320a7)],
    ['PHYSICALOFFSET', 35, Buffer.from([0xee])],
    ['BODYLEN', 84, int32(0x7fff_ffff)],
    ['a negative BODYLEN', 84, int32(-1)],
    ['TOTALSIZE 0', 0, int32(0)],
    ['a negative TOTALSIZE', 0, int32(-5)],
    ['TOTALSIZE 2^31-1', 0, int32(0x7fff_ffff)],
    ['a TOTALSIZE that lands on a later record', 0, int32(sizes * 2)],
    ['a smaller TOTALSIZE', 0, int32(100)],
    ['TOPICLEN', 88 + 300, Buffer.from([0x7f])],
    ['PROPLEN', 88 + 300 + 2, Buffer.from([0x7f, 0xff])],
    ['SYSFLAG that claims IPv6', 36, int32(0x10)],
    ['a QUEUEOFFSET beyond 2^53', 20, int32(0x7000_0000)],
    ['a negative QUEUEID', 12, int32(-1)],
  ])('%s: the very next record is found', (_what, at, bytes) => {
    const { directory, offsets, end } = buildLog(bodies);
    edit(directory, offsets[1]! + at, bytes);
    for (const windowBytes of [150, 1 << 20]) {
      expect(walk(directory, { windowBytes })).toEqual([
        `message ${offsets[0]}`, `damaged ${offsets[1]}-${offsets[2]}`, ...offsets.slice(2).map((offset) => `message ${offset}`), `end ${end}`,
      ]);
    }
  });

  it('over two records and the header of a third ends at the next sound one', () => {
    const { directory, offsets, end } = buildLog(bodies);
    edit(directory, offsets[1]! + 2, Buffer.alloc(2 * sizes, 0xff));
    expect(walk(directory)).toEqual([`message ${offsets[0]}`, `damaged ${offsets[1]}-${offsets[4]}`, `message ${offsets[4]}`, `end ${end}`]);
  });

  it('zeros in the middle are a hole, not the end', () => {
    const { directory, offsets, end } = buildLog(bodies);
    edit(directory, offsets[1]!, Buffer.alloc(2 * sizes));
    expect(walk(directory)).toEqual([`message ${offsets[0]}`, `hole ${offsets[1]}-${offsets[3]}`, `message ${offsets[3]}`, `message ${offsets[4]}`, `end ${end}`]);
  });

  it('in the last record before a file ends goes on at the end-of-file record', () => {
    const { directory, offsets } = buildLog([3000, 300, 2000]);
    const blankAt = offsets[1]! + sizes;
    edit(directory, offsets[1]!, Buffer.alloc(sizes, 0xff));
    expect(walk(directory).slice(0, 4)).toEqual([`message 0`, `damaged ${offsets[1]}-${blankAt}`, `blank ${blankAt}`, `message ${SEGMENT}`]);
  });

  it('of an end-of-file record goes on in the next file', () => {
    const { directory, offsets } = buildLog([3000, 300, 2000]);
    const blankAt = offsets[1]! + sizes;
    edit(directory, blankAt, int32(77));
    expect(walk(directory).slice(2, 4)).toEqual([`damaged ${blankAt}-${SEGMENT}`, `message ${SEGMENT}`]);
  });

  it('P20: a missing end-of-file record is a hole up to the next file', () => {
    const { directory, offsets } = buildLog([3000, 300, 2000]);
    const blankAt = offsets[1]! + sizes;
    edit(directory, blankAt, Buffer.alloc(8));
    expect(walk(directory).slice(2, 4)).toEqual([`hole ${blankAt}-${SEGMENT}`, `message ${SEGMENT}`]);
  });

  it('a missing file in the middle is damage of exactly its size', () => {
    const { directory } = buildLog([3000, 3000, 3000]);
    fs.rmSync(path.join(directory, segmentFileName(SEGMENT)));
    const size = encode(0, 3000).length;
    expect(walk(directory)).toEqual(['message 0', `blank ${size}`, `damaged ${SEGMENT}-${2 * SEGMENT}`, `message ${2 * SEGMENT}`, `end ${2 * SEGMENT + size}`]);
  });

  it('at the very end is lost', () => {
    const { directory, offsets } = buildLog(bodies);
    edit(directory, offsets[4]!, Buffer.alloc(sizes, 0xff));
    expect(walk(directory).slice(-1)).toEqual([`damaged ${offsets[4]}--1`]);
  });

  it('bytes of a sound record inside a body are not taken for a record: their PHYSICALOFFSET is another', () => {
    const directory = temporaryDirectory('inner');
    const inner = encode(0, 10);
    const segment = Buffer.alloc(SEGMENT);
    const first = encode(0, inner.length + 50);
    inner.copy(first, 88 + 20);
    first.copy(segment);
    const second = encode(first.length, 10);
    second.copy(segment, first.length);
    segment.writeInt32BE(0x0aa320a7, 4);
    segment.writeInt32BE(9999, 0);
    fs.writeFileSync(path.join(directory, segmentFileName(0)), segment);
    expect(walk(directory)[0]).toBe(`damaged 0-${first.length}`);
  });

  it('a hostile TOTALSIZE does not grow the window', () => {
    const { directory, offsets } = buildLog([100, 100], 64 * 1024 * 1024);
    edit(directory, offsets[0]!, int32(50 * 1024 * 1024), 64 * 1024 * 1024);
    const scanner = new LogScanner(nodeFileSystem, listSegments(nodeFileSystem, directory), { windowBytes: 4096 });
    expect(scanner.next()).toBe('damaged');
    expect(scanner.window.length).toBe(4096);
    expect(scanner.resync()).toBe(offsets[1]);
    scanner.close();
  });
});

describe('firstNonZero', () => {
  it('finds the first written byte, over holes and files', () => {
    const { directory, end } = buildLog([3000, 3000, 100]);
    const scanner = new LogScanner(nodeFileSystem, listSegments(nodeFileSystem, directory), { windowBytes: 200 });
    expect(scanner.firstNonZero(end)).toBe(-1);
    edit(directory, end + 333, Buffer.from([1]));
    expect(scanner.firstNonZero(end)).toBe(end + 333);
    expect(scanner.firstNonZero(0)).toBe(2);
    scanner.close();
  });
});
