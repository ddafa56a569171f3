import type { CommandSpec } from './command-spec.ts';

/** Words that are the shell's own, and no commands of mqlite. */
export const BUILTINS: readonly CommandSpec[] = [
  builtin('use', 'work on another target', ['target']),
  builtin('set topic', 'take a topic as default', ['topic']),
  builtin('set group', 'take a consumer group as default', ['group']),
  builtin('unset topic', 'no default topic', []),
  builtin('unset group', 'no default group', []),
  builtin('help', 'how to use the shell, or a command', []),
  builtin('clear', 'clear the screen', []),
  builtin('exit', 'leave the shell', []),
  builtin('quit', 'leave the shell', []),
];

function builtin(words: string, summary: string, args: readonly string[]): CommandSpec {
  return { words: words.split(' '), summary, flags: [], args: args.map((name) => ({ name, isRequired: true, options: [] })), isOpenEnded: false };
}

export const SHELL_HELP = `Commands are those of mqlite, without the word: topics list, produce orders 'a body', consume orders --until-end.

  use DIR|HOST:PORT|PROFILE   work on another target; "use" alone says which it is
  set topic NAME              a default: consume, produce BODY, topics show
  set group NAME              a default: consume (as a member of the group), groups show
  set, unset [topic|group]    what is set; take it back
  COMMAND | PROGRAM           what the command prints, to a program of the system: consume orders --json | jq .body
                              (what follows the first | is the system's, up to the end of the line)
  COMMAND > FILE, >> FILE     to a file, anew or behind what it has; COMMAND < FILE reads one
  !PROGRAM                    a program of the system
  A ; B                       one command after the other
  help [COMMAND]              this, or how a command is used
  clear, exit, quit           and Ctrl-D leaves, too

'…', "…", \\ and $'…\\n…' quote as in a shell; an open quote goes on in the next line. Nothing else is expanded, but ~ at the beginning of a word.
Tab completes commands, flags, topics, groups, tags and files. Ctrl-C ends the command that runs. A line that begins with a blank is not kept.

`;

/** The lines of the help about a word of the shell, or about two (`set topic`); undefined: it is none. */
export function builtinHelp(words: readonly string[]): string | undefined {
  const [first = ''] = words;
  if (!BUILTINS.some((known) => known.words[0] === first)) return undefined;
  // `set, unset [topic|group]   what is set`: the names before the first blank without a comma.
  const lines = SHELL_HELP.split('\n').filter((line) => /^ {2}(\w+(?:, \w+)*)/.exec(line)?.[1]?.split(', ').includes(first) === true);
  const narrowed = lines.filter((line) => line.startsWith(`  ${words.join(' ')} `));
  return [...(words.length > 1 && narrowed.length > 0 ? narrowed : lines), ''].join('\n');
}
