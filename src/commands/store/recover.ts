import { Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { targetText } from '../../cli/commands/plan.ts';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { recoverText } from '../../cli/commands/store-text.ts';
import { plural } from '../../text/numbers.ts';
import { startSpinner } from '../../cli/render/spinner.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { RecoverReport } from '../../cli/store-tools.ts';

export default class StoreRecover extends StoreCommand<typeof StoreRecover> {
  static override summary = 'Make a damaged or not cleanly closed store sound again';
  static override description = `Needs the store for itself. Damaged bytes of the log are copied to mqlite/quarantine and a sound record of the same place and
size is put there, so that a broker reads on behind them; queues, index and config are set right from what is sound.`;
  static override examples = ['<%= config.bin %> store recover --dry-run', '<%= config.bin %> store recover --store ./broker-store'];
  static override flags = { 'dry-run': Flags.boolean({ char: 'n', description: 'only say what would be done' }) };

  async run(): Promise<RecoverReport> {
    const dryRun = this.flags['dry-run'];
    const options = this.storeOptions({ writes: !dryRun });
    this.notice(targetText(this.target()));
    const { recoverStore } = await loadStoreTools();
    const spinner = await startSpinner(`${dryRun ? 'looking at' : 'recovering'} ${options.storeDirectory}`, this.wantsProgress);
    let report: RecoverReport;
    try {
      report = await recoverStore({ ...options, dryRun, signal: this.stopSignal, clock: this.host.clock });
    } finally {
      spinner.stop();
    }
    this.notices(report.notes);
    await this.present(report, recoverText);
    if (!dryRun && !report.ok) {
      throw new MqliteError('VERDICT', `${options.storeDirectory} is still damaged: ${plural(report.verification.damageCount, 'place')}`, { hint: 'See them with "mqlite store verify".' });
    }
    return report;
  }
}
