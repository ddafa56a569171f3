import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { MqliteError } from '../broker/errors.ts';
import { readFlags } from '../cli/read-flags.ts';

export default class Tail extends BaseCommand<typeof Tail> {
  static override settingsOf = 'tail';
  static override summary = 'Follow topics, or the physical commit log';
  static override description = `Starts at the end and prints what comes, one line a message; without a topic, of every topic that is not a system topic.
Nothing is written to the store. --commitlog shows each record of the log, the system's and damaged ones included.`;

  static override examples = [
    { description: 'Follow two topics', command: '<%= config.bin %> tail orders payments' },
    { description: 'Follow everything as JSON', command: '<%= config.bin %> tail --json' },
    { description: 'The last 20 and no more', command: '<%= config.bin %> tail orders --from -20 --until-end' },
    { description: 'The whole physical log with bodies', command: '<%= config.bin %> tail --commitlog --from first --until-end --json --body' },
  ];

  static override strict = false;
  static override args = {
    topic: Args.string({ name: 'TOPIC', ignoreStdin: true, description: 'topic; several are followed as one stream' }),
  };

  static override flags = {
    from: Flags.string({ description: 'where to start: first, last (default), OFFSET, -N, @TIME, @-1h', helpValue: 'POSITION' }),
    plain: Flags.boolean({ description: 'lines, on a terminal too' }),
    commitlog: Flags.boolean({ description: 'the physical log, record by record' }),
    body: Flags.boolean({ description: 'with --commitlog: show bodies', dependsOn: ['commitlog'] }),
    ...readFlags,
  };

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
    };
    if (!this.flags.commitlog) {
      const { tail } = await import('../cli/consume.ts');
      return tail(run);
    }
    if (this.flags.format !== undefined) throw new MqliteError('USAGE', '--commitlog and --format exclude each other', { hint: 'Use --commitlog --json for scripts.' });
    const { tailCommitLog } = await import('../cli/tail-commit-log.ts');
    return tailCommitLog({ ...run, withBody: this.flags.body, notice: (text) => this.notice(text) });
  }
}
