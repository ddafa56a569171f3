import { ENVIRONMENT, EXEC_ENVIRONMENT, FILES } from './environment.ts';
import { EXIT_CODE_MEANINGS } from './exit-codes.ts';

/** What the man page and the command pages say besides the manifest: the tables of the code itself. */
export const REFERENCE = {
  exitCodes: Object.entries(EXIT_CODE_MEANINGS).map(([code, meaning]) => ({ code: Number(code), meaning })),
  environment: ENVIRONMENT,
  execEnvironment: EXEC_ENVIRONMENT,
  files: FILES,
};

export type Reference = typeof REFERENCE;
