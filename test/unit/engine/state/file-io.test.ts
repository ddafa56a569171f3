import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { FileSystem } from '../../../../src/engine/files/file-system.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { makeDirectoryDurably, readWholeFile, removeFile, writeFileAtomically } from '../../../../src/engine/state/file-io.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

it('writeFileAtomically: the old or the new content is there before and after every operation', () => {
  const directory = temporaryDirectory();
  const file = path.join(directory, 'file');
  const seen = new Set<string>();
  const watched = new Proxy(nodeFileSystem, {
    get: (target, name) => (...args: unknown[]) => {
      const result = (target[name as keyof FileSystem] as (...a: unknown[]) => unknown)(...args);
      seen.add(fs.readFileSync(file, 'utf8'));
      return result;
    },
  });
  fs.writeFileSync(file, 'old');
  writeFileAtomically(watched, file, Buffer.from('new'), { tempDirectory: path.join(directory, 'tmp') });
  expect([...seen]).toEqual(['old', 'new']);
  expect(fs.readdirSync(path.join(directory, 'tmp'))).toEqual([]);
});

it('readWholeFile: any length, files that say 0 bytes, and nothing', () => {
  const directory = temporaryDirectory();
  for (const length of [0, 1, 255, 256, 257, 100_000]) {
    const file = path.join(directory, String(length));
    fs.writeFileSync(file, Buffer.alloc(length, 7));
    expect(readWholeFile(nodeFileSystem, file)!.equals(Buffer.alloc(length, 7))).toBe(true);
    // As a file that grows after its length was asked for, and as /proc does.
    const lying: FileSystem = { ...nodeFileSystem, fstat: (fd) => ({ ...nodeFileSystem.fstat(fd), sizeBytes: 0 }) };
    expect(readWholeFile(lying, file)!.length).toBe(length);
  }
  expect(readWholeFile(nodeFileSystem, path.join(directory, 'none'))).toBeNull();
  expect(readWholeFile(nodeFileSystem, path.join(directory, '1', 'below-a-file'))).toBeNull();
});

it('removeFile says whether there was one; makeDirectoryDurably syncs every new name in its parent', () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(path.join(directory, 'a'), '');
  expect(removeFile(nodeFileSystem, path.join(directory, 'a'))).toBe(true);
  expect(removeFile(nodeFileSystem, path.join(directory, 'a'))).toBe(false);
  const synced: string[] = [];
  makeDirectoryDurably({ ...nodeFileSystem, syncDirectory: (name) => void synced.push(name) }, path.join(directory, 'x', 'y'));
  expect(synced).toEqual([directory, path.join(directory, 'x')]);
});
