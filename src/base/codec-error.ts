/**
 * Thrown by the pure layers (record, filter) that know nothing of exit codes. `code` names a row of the error table in
 * `broker/errors.ts`, which turns it into a MqliteError.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: 'DAMAGED' | 'MESSAGE_ILLEGAL' | 'INVALID_INPUT';
  /** 0-based position of the first character not understood, where the input is an expression. */
  readonly position: number | undefined;

  constructor(code: CodecError['code'], message: string, position?: number) {
    super(message);
    this.code = code;
    this.position = position;
  }
}
