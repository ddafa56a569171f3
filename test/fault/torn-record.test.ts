import { describe, expect, it } from 'vitest';
import { checkStore } from '../support/fault/faults.ts';
import { damage, lastBatch } from '../support/fault/last-batch.ts';

describe('the last batch, torn at each of its bytes', () => {
  it('zeros from there on: what was before it is kept, and nothing half', async () => {
    const { image, journal, from, to } = await lastBatch();
    expect(to - from).toBeGreaterThan(300);
    for (let at = from; at < to; at++) {
      const disk = damage(image, at, (bytes) => void bytes.fill(0, at, to));
      expect(await checkStore(disk, journal, { promised: 'messages' }), `zeros from byte ${at} (batch from ${from} to ${to})`).toEqual([]);
    }
  });

  it('one byte garbled that lengths or a CRC cover: what was before it is kept, and nothing half', async () => {
    const { image, journal, from } = await lastBatch();
    // TOTALSIZE, MAGICCODE, BODYCRC; PHYSICALOFFSET; BODYLEN; the body. Nothing covers the rest, for a broker neither.
    const covered = [[0, 12], [28, 36], [84, 88], [88, 178]].flatMap(([start, end]) => Array.from({ length: end! - start! }, (_, index) => from + start! + index));
    for (const at of covered) {
      const disk = damage(image, at, (bytes) => void (bytes[at] = bytes[at]! ^ 0x5a));
      expect(await checkStore(disk, journal, { promised: 'messages' }), `byte ${at - from} of the record`).toEqual([]);
    }
  });
});
