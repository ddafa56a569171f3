import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressBody, decompressBody, MAX_DECOMPRESSED_BYTES, prepareCompression } from '../../../src/record/compress.ts';
import { decodeLz4Frame } from '../../../src/record/lz4-frame.ts';
import type { CompressionType } from '../../../src/record/sys-flag.ts';

const damaged = expect.objectContaining({ name: 'CodecError', code: 'DAMAGED' });
const TYPES: CompressionType[] = ['zlib', 'lz4', 'zstd'];
const text = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => `{"order":${index % 97},"at":${index * 7}}`).join('')).subarray(0, length);
const noise = (length: number): Buffer => {
  let state = 1;
  return Buffer.from(Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24));
};

describe.each(TYPES)('%s', (type) => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text', text(70_000)],
    ['noise', noise(70_000)],
    ['one repeated byte', Buffer.alloc(1_000_000, 'a')],
  ])('gives %s back', async (_name, body) => {
    await prepareCompression(type);
    expect(decompressBody(type, compressBody(type, body)).equals(body)).toBe(true);
  });

  it('cut or flipped bytes are DAMAGED or other bytes, soon', async () => {
    await prepareCompression(type);
    const stored = compressBody(type, text(3000));
    for (let length = 0; length < stored.length; length += 7) {
      expect(() => decompressBody(type, stored.subarray(0, length)), `cut to ${length}`).toThrow(damaged);
    }
    for (let bit = 0; bit < stored.length * 8; bit += 3) {
      const flipped = Buffer.from(stored);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        decompressBody(type, flipped);
      } catch (error) {
        expect(error).toEqual(damaged);
      }
    }
  });

  it('refuses a body that no client compresses', () => {
    expect(() => compressBody(type, Buffer.alloc(4 * 1024 * 1024 + 1))).toThrow(expect.objectContaining({ code: 'MESSAGE_ILLEGAL' }));
  });
});

describe('bombs', () => {
  it('zlib: a stream that grows beyond the limit', () => {
    const mebibyte = zlib.deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: zlib.constants.Z_FULL_FLUSH });
    const bomb = Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: 257 }, () => mebibyte)]);
    expect(() => decompressBody('zlib', bomb)).toThrow(damaged);
  });

  it('lz4: matches without end', () => {
    const block = Buffer.concat([Buffer.from([0x1f, 0x61, 1, 0]), Buffer.alloc(2_000_000, 0xff), Buffer.from([0, 0x10, 0x61])]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    expect(() => decompressBody('lz4', Buffer.concat([Buffer.from('04224d18607073', 'hex'), size, block, Buffer.alloc(4)]))).toThrow(/grows beyond 268435456 bytes/);
  });

  it('zstd: repeated bytes without end', () => {
    // A window of 128 KiB, then blocks of one repeated byte that stand for 128 KiB each.
    const rle = Buffer.from([0x02, 0x00, 0x10, 0x61]);
    expect(() => decompressBody('zstd', Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...Array.from({ length: 2049 }, () => rle), Buffer.from([1, 0, 0])]))).toThrow(
      `more than ${MAX_DECOMPRESSED_BYTES} bytes`,
    );
  });

  it('zstd: a window of gigabytes, or a million moves of one', () => {
    expect(() => decompressBody('zstd', Buffer.from('28b52ffd00a8' + '0100000000', 'hex'))).toThrow(/window of 2147483648 bytes/);
    const tiny = Buffer.from([0x0a, 0x00, 0x00, 0x61]);
    const many = Array.from({ length: 5000 }, () => tiny);
    expect(() => decompressBody('zstd', Buffer.concat([Buffer.from('28b52ffd0068', 'hex'), ...many, Buffer.from([1, 0, 0])]))).toThrow(/too many blocks/);
  });
});

describe('LZ4 frames', () => {
  const frame = (hex: string): Buffer => Buffer.from('04224d18' + hex, 'hex');

  it('ours say what Java accepts: independent blocks', () => {
    expect(compressBody('lz4', text(500)).subarray(0, 7).toString('hex')).toBe('04224d18607073');
  });

  it('understands stored blocks, block and content checksums, a content size', () => {
    expect(decodeLz4Frame(frame('604082' + '03000080' + '616263' + '00000000'), 100).toString()).toBe('abc');
    expect(decodeLz4Frame(frame('7c4000' + '0600000000000000' + '03000080' + '616263' + 'ffffffff' + '03000080' + '646566' + 'ffffffff' + '00000000' + 'ffffffff'), 100).toString()).toBe('abcdef');
  });

  it('lets a block refer to the one before', () => {
    expect(decodeLz4Frame(frame('404000' + '03000080' + '616263' + '05000000' + '00' + '0300' + '10' + '78' + '00000000'), 100).toString()).toBe('abcabcax');
  });

  it.each([
    ['another version', '204000' + '00000000'],
    ['a dictionary', '614000' + '0000000000000000'],
    ['a match before the start', '604000' + '04000000' + '1061' + '0200' + '00000000'],
    ['an offset of 0', '604000' + '04000000' + '1061' + '0000' + '00000000'],
    ['a block longer than the frame', '604000' + 'ffffff7f' + '00'],
    ['no end mark', '604000' + '03000080' + '616263'],
  ])('refuses %s', (_name, hex) => {
    expect(() => decodeLz4Frame(frame(hex), 100)).toThrow();
  });
});
