import { CodecError } from '../../base/codec-error.ts';
import { MqliteError } from '../../broker/errors.ts';

const HINTS: Record<string, { code: 'STORAGE_FAILED' | 'PERMISSION_DENIED' | 'STORE_NOT_FOUND'; what: string; hint: string }> = {
  ENOSPC: { code: 'STORAGE_FAILED', what: 'the disk is full', hint: 'free some space; "mqlite store clean" removes expired segments' },
  EDQUOT: { code: 'STORAGE_FAILED', what: 'the disk quota is used up', hint: 'free some space; "mqlite store clean" removes expired segments' },
  EFBIG: { code: 'STORAGE_FAILED', what: 'the file would grow past the limit of the file system or of this process', hint: 'raise the limit (ulimit -f) or use a smaller segment size' },
  EIO: { code: 'STORAGE_FAILED', what: 'the device reported an I/O error', hint: 'check the disk, then run "mqlite store verify"' },
  EROFS: { code: 'PERMISSION_DENIED', what: 'the file system is read-only', hint: 'reading commands still work; writing needs another directory' },
  EACCES: { code: 'PERMISSION_DENIED', what: 'permission denied', hint: 'run as the owner of the store, or give this user access' },
  EPERM: { code: 'PERMISSION_DENIED', what: 'operation not permitted', hint: 'run as the owner of the store, or give this user access' },
  EMFILE: { code: 'STORAGE_FAILED', what: 'too many open files', hint: 'raise the limit (ulimit -n)' },
  ENFILE: { code: 'STORAGE_FAILED', what: 'too many open files', hint: 'raise the limit of open files of this machine' },
};

/** Turns whatever an engine call threw into the MqliteError that the port promises. `doing` names the action and its object. */
export const toMqliteError = (error: unknown, doing: string): MqliteError => {
  if (error instanceof MqliteError) return error;
  if (error instanceof CodecError) return new MqliteError(error.code, error.message, { cause: error });
  const { code, path } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') {
    const where = path === undefined ? '' : ` (${path})`;
    const known = HINTS[code];
    if (known !== undefined) return new MqliteError(known.code, `${doing}: ${known.what}${where}`, { hint: known.hint, cause: error });
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      return new MqliteError('STORAGE_FAILED', `${doing}: ${(error as Error).message}`, { cause: error });
    }
  }
  return new MqliteError('BUG', `${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
};
