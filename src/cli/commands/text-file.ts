import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { MqliteError } from '../../broker/errors.ts';
import type { HostInput } from '../host.ts';

/** The text of a file, or of standard input for `-`. Errors: USAGE for a terminal, those of the file system. */
export async function readText(path: string, stdin: HostInput): Promise<string> {
  if (path !== '-') return readFileSync(path, 'utf8');
  if (stdin.isTTY === true) throw new MqliteError('USAGE', 'standard input is a terminal', { hint: 'Pipe the file in, or name it instead of "-".' });
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Written beside and renamed: a file of that name is replaced whole or not at all. */
export function writeText(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
