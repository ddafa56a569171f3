import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { callAfter, systemClock } from '../../../src/base/clock.ts';
import { CodecError } from '../../../src/base/codec-error.ts';
import { crc32Masked } from '../../../src/base/crc32.ts';
import { readInt64, writeInt64 } from '../../../src/base/int64.ts';
import { javaHashCode, javaHashContinue } from '../../../src/base/java-hash.ts';

describe('int64', () => {
  it.each([0, 1, -1, 0xffff_ffff, 0x1_0000_0000, -0x1_0000_0000, -0x1_0000_0001, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])('%d is written as Java does and read back', (value) => {
    const buffer = Buffer.alloc(10, 0xee);
    writeInt64(buffer, 1, value);
    expect(buffer.readBigInt64BE(1)).toBe(BigInt(value));
    expect(readInt64(buffer, 1)).toBe(value);
    expect([buffer[0], buffer[9]]).toEqual([0xee, 0xee]);
  });

  it.each([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])('%d is refused: a number would not be exact', (value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(value);
    expect(() => readInt64(buffer, 0)).toThrow(CodecError);
  });
});

describe('crc32Masked', () => {
  it('equals zlib without the sign bit, for short and long, whole and part', () => {
    const bytes = Buffer.from(Array.from({ length: 700 }, (_, index) => (index * 89 + (index >> 3)) & 255));
    for (const length of [0, 1, 7, 8, 9, 63, 191, 192, 193, 200, 600]) {
      const part = bytes.subarray(5, 5 + length);
      expect(crc32Masked(part)).toBe(crc32(part) & 0x7fff_ffff);
      expect(crc32Masked(bytes, 5, 5 + length)).toBe(crc32(part) & 0x7fff_ffff);
    }
  });

  it('is that of a broker: body m0', () => {
    expect(crc32Masked(Buffer.from('m0'))).toBe(0x375337b9);
  });

  it('never has the sign bit (P18)', () => {
    for (let value = 0; value < 64; value++) expect(crc32Masked(Buffer.from([value]))).toBeGreaterThanOrEqual(0);
  });
});

describe('Java string hash', () => {
  it.each([
    ['', 0],
    ['T0', 2652],
    ['TagB', 2598920],
    ['TagC', 2598921],
    ['Delayed', -1079965374],
    ['polygenelubricants', -2147483648],
    ['A#k0', 1973415],
    ['Orders#order-0', -122581517],
  ])('%s', (text, hash) => {
    expect(javaHashCode(text)).toBe(hash);
  });

  it('goes on from the hash of a prefix, over UTF-16 units', () => {
    expect(javaHashContinue(javaHashCode('Orders#'), 'order-0')).toBe(-122581517);
    expect(javaHashContinue(javaHashCode('中'), '😀')).toBe(javaHashCode('中😀'));
    expect(javaHashCode('😀')).toBe(0xd83d * 31 + 0xde00);
  });
});

describe('callAfter', () => {
  const { after: _without, ...sleeping } = systemClock;

  it.each([['the system clock', systemClock], ['a clock that can only sleep', sleeping]])('%s: calls once and in time, never once it was taken back', async (_name, clock) => {
    const calls: string[] = [];
    const began = systemClock.elapsedMs();
    const taken = callAfter(clock, 5, () => calls.push('taken back'));
    const late = await new Promise<() => void>((resolve) => {
      const cancel = callAfter(clock, 20, () => {
        calls.push('called');
        resolve(cancel);
      });
      taken();
    });
    expect(systemClock.elapsedMs() - began).toBeGreaterThan(18);
    late();
    await systemClock.sleep(15);
    expect(calls).toEqual(['called']);
  });
});
