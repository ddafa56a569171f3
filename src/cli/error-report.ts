import { CodecError } from '../base/codec-error.ts';
import type { ErrorCode, Place } from '../broker/errors.ts';
import { ERROR_TABLE, MqliteError } from '../broker/errors.ts';
import { isParseFailure, parseFailure } from './parse-failure.ts';
import type { CommandLine } from './parse-failure.ts';
import { caretLines } from '../text/caret.ts';
import { escapeControl } from '../text/escape.ts';

export interface ErrorReport {
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | undefined;
  readonly line: number | undefined;
  readonly place?: Place | undefined;
}

const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NOT_FOUND', ENOTDIR: 'NOT_FOUND', EACCES: 'PERMISSION_DENIED', EPERM: 'PERMISSION_DENIED', EROFS: 'READ_ONLY',
  EISDIR: 'USAGE', ENAMETOOLONG: 'USAGE', ELOOP: 'USAGE', ENXIO: 'USAGE', ENOSPC: 'STORAGE_FAILED', EDQUOT: 'STORAGE_FAILED', EIO: 'STORAGE_FAILED', EFBIG: 'STORAGE_FAILED', EMFILE: 'STORAGE_FAILED', ENFILE: 'STORAGE_FAILED',
};

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory', ENOTDIR: 'a part of the path is not a directory', EACCES: 'permission denied', EPERM: 'operation not permitted',
  EROFS: 'read-only file system', EISDIR: 'it is a directory', ENAMETOOLONG: 'the name is too long', ELOOP: 'the symbolic links lead in a circle', ENXIO: 'it cannot be opened by name',
  ENOSPC: 'no space left on the device', EDQUOT: 'disk quota exceeded', EIO: 'input/output error',
  EFBIG: 'file too large', EMFILE: 'too many open files', ENFILE: 'too many open files in the system',
};

/** A failed call of the operating system as a row of the table; undefined for what is none (a bug). */
export function systemErrorToMqlite(error: unknown, what?: string): MqliteError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const row = code === undefined ? undefined : SYSTEM_CODES[code];
  if (code === undefined || row === undefined) return undefined;
  const where = what ?? path;
  return new MqliteError(row, `${where === undefined ? '' : `${where}: `}${SYSTEM_WORDS[code] ?? code}`, { cause: error });
}

/**
 * Any thrown value as a row of the error table. `commandLine` is what the command understands, for hints;
 * what is unknown is a bug of mqlite (BUG, 70).
 */
export function describeError(error: unknown, commandLine: CommandLine = {}, bugAddress?: string): ErrorReport {
  const bugHint = `Please report it${bugAddress === undefined ? '' : ` at ${bugAddress}`} with the command and the stack that -v shows.`;
  const known = toMqliteError(error, commandLine);
  if (known !== undefined) {
    // Layers below wrap what they did not expect, too.
    const hint = known.hint ?? (known.code === 'BUG' ? bugHint : undefined);
    return { code: known.code, exitCode: known.exitCode, message: oneLine(known.message), hint: hint === undefined ? undefined : oneLine(hint), line: known.line, ...(known.place === undefined ? {} : { place: known.place }) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'BUG', exitCode: ERROR_TABLE.BUG.exitCode, message: `a bug in mqlite: ${oneLine(message)}`, hint: bugHint, line: undefined };
}

function toMqliteError(error: unknown, commandLine: CommandLine): MqliteError | undefined {
  if (error instanceof MqliteError) return error;
  if (error instanceof CodecError) return new MqliteError(error.code, error.message, { cause: error });
  if (isParseFailure(error)) return parseFailure(error, commandLine);
  return systemErrorToMqlite(error);
}

/** Messages hold names and bytes from users: one line, nothing a terminal would obey. */
function oneLine(text: string): string {
  return escapeControl(text.replace(/\s*\n\s*/g, ' '));
}

export function errorJson(report: ErrorReport): string {
  const { code, exitCode, message, hint, line } = report;
  return JSON.stringify({ error: { code, exitCode, message, hint: hint ?? null, ...(line === undefined ? {} : { line }) } });
}

/** `mqlite: message`, and the hint on a line of its own, or the text with a caret under the place. */
export function errorText(report: ErrorReport): string {
  const where = report.line === undefined ? '' : `line ${report.line}: `;
  if (report.place !== undefined) return `mqlite: ${where}${report.message}\n${caretLines(report.place, '  ')}`;
  return `mqlite: ${where}${report.message}\n${report.hint === undefined ? '' : `  ${sentence(report.hint)}\n`}`;
}

/** Hints come from several layers; all begin as sentences do. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
