import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freeName } from '../../../src/cli/new-file.ts';
import { temporaryDirectory } from '../../support/fixtures.ts';

it('a name is free, or the next like it that is', () => {
  const file = join(temporaryDirectory('free'), 'messages.ndjson');
  for (const name of ['messages.ndjson', 'messages-2.ndjson', 'messages-3.ndjson']) {
    expect(freeName(file).endsWith(name)).toBe(true);
    writeFileSync(freeName(file), '');
  }
});
