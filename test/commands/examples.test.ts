import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMAND_TABLE } from '../../src/cli/command-table.ts';
import { resolveCommand } from '../../src/cli/resolve-command.ts';

interface Described {
  readonly summary?: string;
  readonly examples?: readonly (string | { readonly command: string })[];
  readonly flags: Readonly<Record<string, { readonly char?: string; readonly type: string }>>;
}

const { commands } = JSON.parse(readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8')) as { commands: Record<string, Described> };

const examplesOf = (id: string): string[] =>
  (commands[id]?.examples ?? []).map((example) => (typeof example === 'string' ? example : example.command).replaceAll('<%= config.bin %>', 'mqlite').replaceAll('<%= command.id %>', id.replaceAll(':', ' ')));

/** The commands of a line as a shell would part them: quotes kept together, cut at pipes; anything else that a shell obeys is a mistake. */
function shellWords(line: string): string[][] {
  const parts: string[][] = [[]];
  for (const [token, quoted, double] of line.matchAll(/'([^']*)'|"([^"]*)"|\||[<>]\s*\S+|[^\s'"|<>]+/g)) {
    if (token === '|') parts.push([]);
    else if (/^[<>]/.test(token)) continue;
    else if (quoted === undefined && double === undefined && /[;&()$`*?]/.test(token)) throw new Error(`unquoted: ${token}`);
    else parts.at(-1)!.push(quoted ?? double ?? token);
  }
  return parts;
}

describe('examples of --help', () => {
  it.each(Object.keys(COMMAND_TABLE))('%s: has some, and they can be pasted into a shell', (id) => {
    expect(commands[id]?.summary).toBeTruthy();
    const examples = examplesOf(id);
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const own = shellWords(example).filter(([program]) => program === 'mqlite');
      expect(own.length, example).toBeGreaterThan(0);
      for (const [, ...words] of own) {
        const resolution = resolveCommand(words, Object.keys(COMMAND_TABLE));
        if (resolution.kind !== 'command') throw new Error(`no command: ${example}`);
        const { flags } = commands[resolution.id]!;
        const known = Object.entries(flags).flatMap(([name, { char }]) => [`--${name}`, `-${char ?? name}`]);
        for (const word of resolution.argv) if (/^--?[a-zA-Z]/.test(word)) expect(known, example).toContain(word.replace(/=.*$/, ''));
      }
    }
  });
});
