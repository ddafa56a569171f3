/** `--exec --`: the command is the words behind it. */
export const WORDS_FOLLOW = '--';

/** Takes the words of `--exec -- PROGRAM ARGUMENTS` off the command line, where nothing of them is a flag of ours. */
export function cutExecWords(argv: readonly string[]): { readonly argv: string[]; readonly words: string[] } {
  const at = argv.findIndex((word, index) => word === '--exec' && argv[index + 1] === WORDS_FOLLOW);
  return at < 0 ? { argv: [...argv], words: [] } : { argv: argv.slice(0, at + 2), words: argv.slice(at + 2) };
}
