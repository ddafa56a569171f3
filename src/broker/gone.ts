import { MqliteError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

const GONE: ReadonlySet<ErrorCode> = new Set(['UNREACHABLE', 'TIMED_OUT']);

/** The peer was not reached, or did not answer: another one, or the same one later, may do better. */
export const isGone = (error: unknown): error is MqliteError => error instanceof MqliteError && GONE.has(error.code);
