import type { Config } from '@oclif/core';
import type { Host } from './host.ts';

export interface CandidatesRun {
  readonly config: Config;
  readonly host: Host;
  /** Behind `mqlite`; the last one is begun. */
  readonly words: readonly string[];
  readonly write: (text: string) => Promise<void> | undefined;
}

/** Since the process began, in ms: by then the answer is out, or there is none. */
const PATIENCE_MS = 190;
/** A store on a slow machine is looked at all the same. */
const LEAST_LOOK_MS = 20;

/**
 * Prints the candidates, one a line: the value and, behind a tab, what it is. `:files` and `:directories` alone say that the shell is to offer
 * those. What takes too long is given up, connections included.
 */
export async function printCandidates({ config, host, words, write }: CandidatesRun): Promise<void> {
  const [{ complete, wantedAt }, { commandSpecs }] = await Promise.all([import('../shell/complete.ts'), import('./shell/command-specs.ts')]);
  const commands = commandSpecs(config);
  const { kind, before } = wantedAt(words, commands);
  if (kind === 'file' || kind === 'directory') {
    await write(before === '' ? `:${kind === 'file' ? 'files' : 'directories'}\n` : `:${kind === 'file' ? 'files' : 'directories'}\t${before}\n`);
    return;
  }
  const [{ createLookups }, { placesOf }] = await Promise.all([import('./shell/completion-lookups.ts'), import('./shell/shell-target.ts')]);
  const { clock, openBroker } = host;
  const found = complete(words, commands, (flags) => createLookups({ ...placesOf(config, host), openBroker, clock }, flags)).catch(() => []);
  const patience = new AbortController();
  const leftMs = Math.max(LEAST_LOOK_MS, PATIENCE_MS - process.uptime() * 1000);
  const candidates = await Promise.race([found, host.clock.sleep(leftMs, patience.signal).then(() => null)]);
  patience.abort();
  // Not even a connection that is being made is waited for.
  if (candidates === null) return host.exit(0);
  await write(candidates.map(({ value, description = '' }) => `${value}\t${firstSentence(description)}\n`).join(''));
}

function firstSentence(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/\p{Cc}/gu, '').slice(0, 100);
}
