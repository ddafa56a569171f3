import type { Command } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../base-command.ts';
import { parseDuration } from '../../text/time.ts';
import { targetText } from './plan.ts';

export interface StoreToolOptions {
  readonly storeDirectory: string;
  readonly commitLogDirectory: string | undefined;
  readonly lockTimeoutMs: number;
}

/** What the `store …` commands share: they work on a directory, never on a cluster, and open it by themselves. */
export abstract class StoreCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Errors: USAGE for a name server as target, and for a command that `writes` under --read-only. */
  protected storeOptions({ writes }: { readonly writes: boolean }): StoreToolOptions {
    const { target, hint } = this.resolved();
    const name = this.id?.replaceAll(':', ' ') ?? 'store';
    if (target.kind === 'remote') {
      throw new MqliteError('USAGE', `"${name}" works on a store directory, not on a cluster (${targetText(target)})`, { hint: 'Name a directory with --store DIR.' });
    }
    if (writes && this.flags['read-only']) throw new MqliteError('USAGE', `--read-only: "${name}" would write`, { hint: 'Leave out --read-only to let it.' });
    if (hint !== undefined) this.notice(hint);
    return {
      storeDirectory: target.directory, commitLogDirectory: target.commitLogDirectory,
      lockTimeoutMs: parseDuration(this.flags['lock-timeout'], '--lock-timeout'),
    };
  }

  protected notices(notes: readonly string[]): void {
    for (const note of notes) this.notice(note);
  }
}
