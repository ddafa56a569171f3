import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { segmentFileName } from '../../../../src/engine/commit-log/log-directory.ts';
import { cleanStore } from '../../../../src/engine/inspect/store-tools.ts';
import { STUB_SIZE_BYTES, UNIT_SIZE_BYTES } from '../../../../src/engine/timer/layout.ts';
import { DelayStore, START_MS } from './support.ts';

const SECOND = Math.floor(START_MS / 1000) * 1000;
const UNITS_A_FILE = 2;
const FILE_BYTES = UNITS_A_FILE * UNIT_SIZE_BYTES + STUB_SIZE_BYTES;
/** Four of them are more than a log file of `DelayStore`. */
const BODY_BYTES = 300_000;

describe('a timer log whose first files have expired', () => {
  let store: DelayStore;
  const timerLog = (): string => path.join(store.directory, 'timerlog');
  const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

  beforeEach(async () => {
    store = new DelayStore();
    await store.make();
    const [first, ...others] = letters;
    await store.send(first!.repeat(BODY_BYTES), { deliverAtMs: SECOND + 5500 });
    await store.at(START_MS);
    await store.broker.close();
    // The size of further files is taken from what is there.
    fs.truncateSync(path.join(timerLog(), segmentFileName(0)), FILE_BYTES);
    await store.open();
    for (const letter of others) await store.send(letter.repeat(BODY_BYTES), { deliverAtMs: SECOND + 5500 });
    await store.at(START_MS);
    await store.broker.close();
    expect(fs.readdirSync(timerLog()).sort()).toEqual([0, 1, 2, 3].map((file) => segmentFileName(file * FILE_BYTES)));
  });
  afterEach(() => store.broker.close());

  const delivered = async (): Promise<string> => (await store.at(SECOND + 7000)).map((body) => body[0]).join('');

  it('is read to where it begins: what is left in the commit log is delivered', async () => {
    const { files } = await cleanStore({ storeDirectory: store.directory, dryRun: false, olderThanMs: -60_000, clock: systemClock });
    const gone = files.filter(({ family }) => family === 'timerlog').length;
    expect(gone).toBeGreaterThan(0);
    await store.open();
    const left = await delivered();
    expect('abcdefgh'.endsWith(left)).toBe(true);
    expect(left.length).toBeGreaterThanOrEqual(1);
    expect(left.length).toBeLessThanOrEqual(8 - gone * UNITS_A_FILE);
    expect(store.notices.join()).not.toContain('quarantine');
  });

  it('is made anew when its records are still there: nothing is lost', async () => {
    fs.rmSync(path.join(timerLog(), segmentFileName(0)));
    await store.open();
    expect((await delivered()).split('').sort().join('')).toBe('abcdefgh');
    expect(store.notices.join()).toContain('quarantine');
  });
});
