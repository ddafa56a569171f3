/** What the words of a command line ask for, before any command is loaded. */
export type Resolution =
  | { readonly kind: 'command'; readonly id: string; readonly argv: readonly string[] }
  /** Help of everything (`subject` empty), of a topic or of a command. */
  | { readonly kind: 'help'; readonly subject: readonly string[] }
  | { readonly kind: 'version' }
  /** `words` is what was typed where a command was expected. */
  | { readonly kind: 'unknown'; readonly words: readonly string[] };

/**
 * Finds the command with the longest id among the leading words: `topics list --json` is `topics:list` with `--json`.
 * A topic without a subcommand is answered with its help. `--help` and `-h` count up to a `--`, `--version` as first word only.
 */
export function resolveCommand(argv: readonly string[], ids: readonly string[]): Resolution {
  if (argv[0] === '--version' || argv[0] === 'version') return { kind: 'version' };
  const [first = ''] = argv;
  if (argv.length === 0) return { kind: 'help', subject: [] };
  if (first === 'help') return helpOf(argv.slice(1).filter((word) => !word.startsWith('-')), ids);

  const words = leadingWords(argv);
  // Where a topic wants a command; "produce help" sends to the topic "help".
  if (words.length > 1 && words.at(-1) === 'help' && isTopic(words.slice(0, -1), ids)) return { kind: 'help', subject: words.slice(0, -1) };
  const found = longestCommand(words, ids);
  const end = argv.indexOf('--');
  const wantsHelp = (end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
  if (found > 0) {
    const id = words.slice(0, found).join(':');
    return wantsHelp ? { kind: 'help', subject: words.slice(0, found) } : { kind: 'command', id, argv: argv.slice(found) };
  }
  if (words.length > 0 && isTopic(words, ids)) return { kind: 'help', subject: words };
  if (words.length === 0 && wantsHelp) return { kind: 'help', subject: [] };
  return { kind: 'unknown', words: words.length > 0 ? words : [first] };
}

/** Words that name nothing are as unknown behind "help" as they are without it. */
function helpOf(subject: readonly string[], ids: readonly string[]): Resolution {
  const isKnown = subject.length === 0 || ids.includes(subject.join(':')) || isTopic(subject, ids);
  return isKnown ? { kind: 'help', subject } : { kind: 'unknown', words: subject };
}

function isTopic(words: readonly string[], ids: readonly string[]): boolean {
  return ids.some((id) => id.startsWith(`${words.join(':')}:`));
}

function leadingWords(argv: readonly string[]): readonly string[] {
  const end = argv.findIndex((word) => word.startsWith('-'));
  return end < 0 ? argv : argv.slice(0, end);
}

/** How many of the words make a command's id; 0 for none. */
function longestCommand(words: readonly string[], ids: readonly string[]): number {
  const deepest = Math.min(words.length, 3);
  for (let count = deepest; count > 0; count--) {
    if (ids.includes(words.slice(0, count).join(':'))) return count;
  }
  return 0;
}
