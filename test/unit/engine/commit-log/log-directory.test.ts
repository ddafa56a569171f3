import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSegment, inspectSegmentDirectory, listSegments, parseSegmentFileName, segmentFileName } from '../../../../src/engine/commit-log/log-directory.ts';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const directoryOf = (files: Record<string, number>): string => {
  const directory = temporaryDirectory('segments');
  for (const [name, size] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), Buffer.alloc(size));
  return directory;
};
const name = segmentFileName;
const kinds = (files: Record<string, number>, size: number | null = null): string[] =>
  inspectSegmentDirectory(nodeFileSystem, directoryOf(files), size).oddities.map((oddity) => `${oddity.kind} ${path.basename(oddity.path)}`);

describe('file names', () => {
  it('are the offset in 20 digits, both ways', () => {
    expect(name(1_048_576)).toBe('00000000000001048576');
    expect(parseSegmentFileName('00000000000001048576')).toBe(1_048_576);
    for (const wrong of ['1048576', '0000000000000104857x', '99999999999999999999', '', '00000000000001048576~']) expect(parseSegmentFileName(wrong)).toBe(null);
  });
});

describe('a directory of fixed-size files', () => {
  it('is empty when it does not exist', () => {
    expect(inspectSegmentDirectory(nodeFileSystem, '/nowhere/at/all')).toEqual({ segments: [], oddities: [], fileSizeBytes: null });
  });

  it('lists what is usable, ascending, and need not begin at 0', () => {
    const directory = directoryOf({ [name(300)]: 100, [name(200)]: 100 });
    fs.mkdirSync(path.join(directory, 'subdirectory'));
    expect(listSegments(nodeFileSystem, directory).map((segment) => segment.baseOffset)).toEqual([200, 300]);
    expect(inspectSegmentDirectory(nodeFileSystem, directory).oddities).toEqual([]);
  });

  it.each([
    ['P1: a file cut short', { [name(0)]: 100, [name(100)]: 60, [name(200)]: 100 }, [`wrong-size ${name(100)}`, `gap ${name(200)}`]],
    ['P1: an editor backup', { [name(0)]: 100, [`${name(0)}~`]: 100 }, [`foreign-name ${name(0)}~`]],
    ['P1: .DS_Store', { [name(0)]: 100, '.DS_Store': 7 }, ['foreign-name .DS_Store']],
    ['P2: another name of the right size', { [name(0)]: 100, segment: 100 }, ['foreign-name segment']],
    ['an empty last file', { [name(0)]: 100, [name(100)]: 0 }, [`empty-last ${name(100)}`]],
    ['an empty file that is not the last', { [name(0)]: 0, [name(100)]: 100 }, [`wrong-size ${name(0)}`]],
    ['a missing file in the middle', { [name(0)]: 100, [name(200)]: 100 }, [`gap ${name(200)}`]],
    ['a name that is no multiple of the size', { [name(0)]: 100, [name(150)]: 100 }, [`misplaced ${name(150)}`, `gap ${name(150)}`]],
    ['files that overlap', { [name(0)]: 100, [name(50)]: 100 }, [`misplaced ${name(50)}`, `overlap ${name(50)}`]],
  ])('names %s', (_what, files, expected) => {
    expect(kinds(files)).toEqual(expected);
  });

  it('goes by the size that is given', () => {
    expect(kinds({ [name(0)]: 100 }, 200)).toEqual([`wrong-size ${name(0)}`]);
  });

  it('finds the file of an offset', () => {
    const segments = listSegments(nodeFileSystem, directoryOf({ [name(100)]: 100, [name(200)]: 100, [name(400)]: 100 }));
    expect([99, 100, 199, 200, 300, 399, 400, 499, 500].map((offset) => findSegment(segments, offset))).toEqual([-1, 0, 0, 1, -1, -1, 2, 2, -1]);
  });
});
