import { CodecError } from '../base/codec-error.ts';
import { MqliteError } from '../broker/errors.ts';

/** Runs a parser of `expression`; what it does not understand becomes USAGE with the place, under which a caret is shown. */
export function parseExpression<T>(flag: string, expression: string, parse: (expression: string) => T): T {
  try {
    return parse(expression);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const { position } = error;
    if (position === undefined) throw new MqliteError('USAGE', `${flag}: ${error.message}`);
    throw new MqliteError('USAGE', `${flag}, character ${position + 1}: ${error.message}`, {
      hint: `Here, behind the mark: ${expression.slice(0, position)}^${expression.slice(position)}`,
      place: { text: expression, position },
    });
  }
}
