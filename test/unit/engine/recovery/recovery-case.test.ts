import { describe, expect, it } from 'vitest';
import { recoveryCase } from '../../../../src/engine/recovery/recovery-case.ts';
import type { RecoveryCase, StoreMarks } from '../../../../src/engine/recovery/recovery-case.ts';

const ABORT: readonly StoreMarks['abort'][] = ['none', 'ours', 'foreign'];
const STATE: readonly StoreMarks['state'][] = ['invalid', 'closed', 'live'];
const BOOT: readonly StoreMarks['boot'][] = ['same', 'other'];
const CHECKPOINT: readonly StoreMarks['checkpoint'][] = ['ours', 'foreign'];
const all = (): StoreMarks[] =>
  ABORT.flatMap((abort) => STATE.flatMap((state) => BOOT.flatMap((boot) => CHECKPOINT.map((checkpoint) => ({ abort, state, boot, checkpoint })))));

/** Written out rather than computed: abort/state/boot/checkpoint, `*` for any. The first line that fits counts. */
const TABLE: readonly (readonly [string, RecoveryCase])[] = [
  ['foreign/*/*/*', 'dead-broker'],
  ['ours/invalid/*/*', 'dead-broker'],
  ['ours/closed/*/*', 'dead-broker'],
  ['ours/live/same/*', 'dead-writer'],
  ['ours/live/other/*', 'power-cut'],
  ['none/invalid/*/*', 'clean-foreign'],
  ['none/closed/*/ours', 'clean-own'],
  ['none/closed/*/foreign', 'clean-foreign'],
  ['none/live/same/*', 'dead-writer'],
  ['none/live/other/*', 'power-cut'],
];

const fits = (pattern: string, marks: StoreMarks): boolean => {
  const values = [marks.abort, marks.state, marks.boot, marks.checkpoint];
  return pattern.split('/').every((part, index) => part === '*' || part === values[index]);
};

describe('recovery cases', () => {
  it('every combination of marks has exactly one line of the table, and that case', () => {
    expect(all()).toHaveLength(36);
    for (const marks of all()) {
      const lines = TABLE.filter(([pattern]) => fits(pattern, marks));
      expect(lines, JSON.stringify(marks)).toHaveLength(1);
      expect(recoveryCase(marks), JSON.stringify(marks)).toBe(lines[0]![1]);
    }
  });

  it('nothing is taken for scanned that was not closed by us, untouched since', () => {
    for (const marks of all()) {
      if (recoveryCase(marks) === 'clean-own') expect(marks).toMatchObject({ abort: 'none', state: 'closed', checkpoint: 'ours' });
    }
  });

  it('after a restart of the machine the page cache is never believed', () => {
    for (const marks of all()) if (marks.boot === 'other') expect(recoveryCase(marks)).not.toBe('dead-writer');
  });
});
