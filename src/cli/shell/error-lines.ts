import type { ErrorCode } from '../../broker/errors.ts';
import { ERROR_TABLE } from '../../broker/errors.ts';
import { describeError, errorJson, errorText } from '../error-report.ts';
import type { Host } from '../host.ts';

const DOCUMENT = '{"error":';

/** What a shell says on stderr of what went wrong: lines for people, or one JSON document for each failure, which knows the line of the script. */
export class ErrorLines {
  readonly #host: Host;
  readonly #isJson: boolean;
  #line: number | undefined;
  #isSaid = false;

  constructor(host: Host, isJson: boolean) {
    this.#host = host;
    this.#isJson = isJson;
  }

  /** A script has come to the statement that begins on this line, from 1. */
  atLine(line: number): void {
    this.#line = line;
    this.#isSaid = false;
  }

  /** Says what is wrong; the exit code it has. `argv`: the words of the command, which may ask for JSON. */
  report(error: unknown, argv: readonly string[]): number {
    const description = describeError(error);
    const end = argv.indexOf('--');
    const asksForJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
    this.#host.stderr.write(this.#isJson || asksForJson ? this.edit(`${errorJson(description)}\n`) : errorText(description));
    return description.exitCode;
  }

  /** Says what ended a script. As JSON, only where no document has said why. */
  ended(text: string, exitCode: number): void {
    if (!this.#isJson) this.#host.stderr.write(`mqlite: line ${this.#line}: ${text}\n`);
    else if (!this.#isSaid) this.#host.stderr.write(`${errorJson({ code: codeOf(exitCode), exitCode, message: text, hint: undefined, line: this.#line })}\n`);
  }

  /** What a command writes on stderr: a document of it learns the line, where it has none of its own. */
  readonly edit = (text: string): string => {
    if (!this.#isJson || !text.startsWith(DOCUMENT)) return text;
    this.#isSaid = true;
    if (this.#line === undefined) return text;
    const { error } = JSON.parse(text) as { error: object };
    return `${JSON.stringify({ error: { ...error, ...('line' in error ? {} : { line: this.#line }) } })}\n`;
  };
}

/** Of a program of the system, which has exit codes of its own, it is its verdict. */
function codeOf(exitCode: number): ErrorCode {
  const codes = Object.entries(ERROR_TABLE) as [ErrorCode, { readonly exitCode: number }][];
  return codes.find(([, row]) => row.exitCode === exitCode)?.[0] ?? 'VERDICT';
}
