import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The rows of a golden file. */
export const readNdjson = <T>(...path: string[]): T[] =>
  readFileSync(join(import.meta.dirname, '..', ...path), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as T);
