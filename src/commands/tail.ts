import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { MqliteError } from '../broker/errors.ts';
import { readFlags } from '../cli/read-flags.ts';
import { wantsColor } from '../cli/render/color.ts';
import type { TailViewRun } from '../cli/tail-view.ts';
import { wantsView } from '../cli/view-wanted.ts';

export default class Tail extends BaseCommand<typeof Tail> {
  static override settingsOf = 'tail';
  static override summary = 'Follow topics, or the physical commit log';
  static override description = `On a terminal a full-screen view, with ? for its keys: pause, scroll back without end, search, filter, open, export. On a pipe, and with
--plain, one line a message. Starts at the end; without a topic, with every topic that is not a system topic. From a place in the past
(first, OFFSET, @TIME) the view opens paused, to be read at one's own pace; F follows.
Nothing is written to the store. --commitlog shows each record of the log, the system's and damaged ones included.`;

  static override examples = [
    { description: 'Follow two topics', command: '<%= config.bin %> tail orders payments' },
    { description: 'Lines instead of the full-screen view', command: '<%= config.bin %> tail orders --plain' },
    { description: 'Follow everything as JSON', command: '<%= config.bin %> tail --json' },
    { description: 'The last 20 and no more', command: '<%= config.bin %> tail orders --from -20 --until-end' },
    { description: 'The whole physical log with bodies', command: '<%= config.bin %> tail --commitlog --from first --until-end --json --body' },
  ];

  static override strict = false;
  static override args = {
    topic: Args.string({ name: 'TOPIC', ignoreStdin: true, description: 'topic; several are followed as one stream' }),
  };

  static override flags = {
    from: Flags.string({ description: 'where to start: first, last (default), OFFSET, -N, @TIME, @-1h; the full-screen view opens paused there, save at last and -N', helpValue: 'POSITION' }),
    plain: Flags.boolean({ description: 'lines instead of the full-screen view' }),
    commitlog: Flags.boolean({ description: 'the physical log, record by record' }),
    body: Flags.boolean({ description: 'with --commitlog: show bodies', dependsOn: ['commitlog'] }),
    ...readFlags,
  };

  /** Where notices go while the view has the terminal. */
  #sayThrough: ((text: string) => void) | undefined;

  async run(): Promise<void> {
    const run = {
      topics: this.words,
      flags: this.flags,
      settings: await this.settings(),
      clock: this.host.clock,
      out: this.out,
      signal: this.stopSignal,
      openBroker: () => this.openBroker({ mode: 'read' }),
      onDamage: (text: string) => this.warnLine(text),
      onNotice: (text: string) => this.notice(text),
    };
    if (wantsView(this.host, this.flags)) return this.#view(run);
    if (!this.flags.commitlog) {
      const { tail } = await import('../cli/consume.ts');
      return tail(run);
    }
    if (this.flags.format !== undefined) throw new MqliteError('USAGE', '--commitlog and --format exclude each other', { hint: 'Use --commitlog --json for scripts.' });
    const { tailCommitLog } = await import('../cli/tail-commit-log.ts');
    return tailCommitLog({ ...run, withBody: this.flags.body });
  }

  async #view(run: Pick<TailViewRun, 'topics' | 'settings' | 'clock' | 'out' | 'signal' | 'openBroker' | 'onDamage' | 'onNotice'>): Promise<void> {
    const [{ tailView }, { LedgerFile, ledgerPath, ledgerReader }] = await Promise.all([import('../cli/tail-view.ts'), import('../cli/redrive-ledger.ts')]);
    const fileOf = (group: string): string => ledgerPath(this.target(), this.config.dataDir, group);
    await tailView({
      ...run, flags: this.flags, host: this.host, hasColor: wantsColor(this.out.isTTY, this.flags['no-color'], this.host.env),
      openWriter: () => this.openBroker({ mode: 'write' }),
      openLedger: (group) => LedgerFile.open(fileOf(group), group, this.host.clock),
      redrives: ledgerReader(fileOf),
      sayThrough: (listener) => {
        this.#sayThrough = listener;
      },
    });
  }

  protected override notice(text: string): void {
    if (this.#sayThrough === undefined) super.notice(text);
    else this.#sayThrough(text);
  }
}
