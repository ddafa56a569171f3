import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { MqliteError } from '../broker/errors.ts';
import { naming } from './named-files.ts';

const CHUNK_CHARACTERS = 1 << 16;

/**
 * Writes lines into a file that must not be there yet; answers how many. Whatever fails, no half a file stays behind. Errors: REFUSED for one that is
 * there; those of the file system; what `lines` rejects with.
 */
export async function writeNewFile(file: string, lines: AsyncIterable<string>): Promise<number> {
  const fd = open(file);
  let count = 0;
  let isWhole = false;
  try {
    let text = '';
    const flush = (): void => naming(file, () => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      text = '';
    });
    for await (const line of lines) {
      text += `${line}\n`;
      count++;
      if (text.length >= CHUNK_CHARACTERS) flush();
    }
    flush();
    isWhole = true;
  } finally {
    closeSync(fd);
    if (!isWhole) rmSync(file, { force: true });
  }
  return count;
}

/** The name, or the first of `name-2.ext`, `name-3.ext` … under which there is nothing. */
export function freeName(file: string): string {
  const { dir, name, ext } = path.parse(file);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? file : path.join(dir, `${name}-${number}${ext}`);
    if (!existsSync(candidate)) return candidate;
  }
}

function open(file: string): number {
  return naming(file, () => {
    try {
      return openSync(file, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new MqliteError('REFUSED', `${file} is there already and is not overwritten`, { hint: 'Give another name.' });
    }
  });
}
