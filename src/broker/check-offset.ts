import { MqliteError } from './errors.ts';

/** Error: INVALID_INPUT for what can be no queue offset. */
export const checkOffset = (offset: number): void => {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new MqliteError('INVALID_INPUT', `offset ${offset} is not a whole number of at least 0`);
};
