import type { ReadStream } from 'node:tty';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { queuesOf } from '../client/browse.ts';
import { parsePosition } from '../client/position-words.ts';
import type { Position } from '../client/positions.ts';
import type { ReadFlagValues, ReadRun } from './consume-run.ts';
import type { Host } from './host.ts';
import { withNameHints } from './name-hints.ts';
import { expandHome } from '../text/home-path.ts';
import { freeName, writeNewFile } from './new-file.ts';
import { grepFilter, messageFilter } from './read-flags.ts';
import { redriveLetters } from './redrive-letters.ts';
import type { LedgerFile, ledgerReader } from './redrive-ledger.ts';

export interface TailViewRun extends ReadRun<ReadFlagValues & { readonly commitlog: boolean }> {
  readonly host: Host;
  readonly hasColor: boolean;
  /** For dead letters that are sent again. */
  readonly openWriter: () => Promise<Broker>;
  readonly openLedger: (group: string) => Promise<LedgerFile>;
  /** What is known of dead letters that were sent again. */
  readonly redrives: ReturnType<typeof ledgerReader>;
  /** From now on what a user should be told goes here: the terminal has no other place for it. undefined: to stderr again. */
  readonly sayThrough: (listener: ((text: string) => void) | undefined) => void;
}

/** `mqlite tail` on a terminal. Errors: USAGE; those of the broker, before the screen is taken. */
export async function tailView(run: TailViewRun): Promise<void> {
  const { flags, clock, host, topics } = run;
  const from = startOf(flags, clock.nowMs());
  // What is wrong with a flag is said with its name, and before anything is opened.
  messageFilter(flags);
  grepFilter(flags.grep);
  const broker = await run.openBroker();
  const start = flags.commitlog ? 'commitlog' : 'messages';
  if (start === 'messages') await withNameHints(broker, topics, () => queuesOf(broker, topics, flags.queue));
  const { openTui } = await import('../tui/open.ts');
  await openTui({
    broker, clock, start, topics, from, queueId: flags.queue, filter: { tag: flags.tag, sql: flags.sql, grep: flags.grep },
    stdin: host.stdin as unknown as ReadStream, stdout: host.stdout as unknown as NodeJS.WriteStream,
    hasColor: run.hasColor, signal: run.signal,
    // What is typed there no shell has seen before.
    writeFile: (file, lines) => writeNewFile(expandHome(file, host.env['HOME']), lines), freeName: (file) => freeName(expandHome(file, host.env['HOME'])),
    redrive: (letters, signal) => redriveLetters({ clock, openBroker: run.openWriter, openLedger: run.openLedger }, letters, signal),
    redrives: run.redrives, sayThrough: run.sayThrough,
  });
}

function startOf({ from }: ReadFlagValues, nowMs: number): Position {
  const position = parsePosition(from ?? 'last', nowMs, '--from');
  if (position.at === 'committed') throw new MqliteError('USAGE', '--from committed is a position of a group', { hint: 'Use first, last, an offset, -N or @TIME.' });
  return position;
}
