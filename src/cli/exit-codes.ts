import type { ERROR_TABLE } from '../broker/errors.ts';
import type { StopSignal } from './host.ts';

export const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<StopSignal, number>;

type FailureCode = (typeof ERROR_TABLE)[keyof typeof ERROR_TABLE]['exitCode'];
type SignalCode = (typeof SIGNAL_EXIT_CODES)[StopSignal];

/** What each exit code says, for the man page and the README: the compiler keeps it to the codes of the error table. */
export const EXIT_CODE_MEANINGS: Readonly<Record<0 | FailureCode | SignalCode, string>> = {
  0: 'done; also when the reader closed the pipe',
  1: 'a verdict: damage found, fewer messages than `--count`, an incomplete answer',
  2: 'usage: wrong flags, a command that writes with `--read-only`, invalid input, message too large',
  3: 'not found: store, topic, queue, group, message',
  4: 'unreachable, timed out, or stored but not confirmed',
  5: 'refused: no permission, a read-only disk, there already, not supported',
  6: 'locked by another process',
  7: 'damaged, or of another kind: cannot go on',
  8: 'the storage failed: disk full, I/O error',
  70: 'a bug in mqlite',
  130: 'ended by SIGINT',
  143: 'ended by SIGTERM',
};
