import { MqliteError } from '../../broker/errors.ts';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { damageText, verifyText } from '../../cli/commands/store-text.ts';
import { formatBytes, plural } from '../../text/numbers.ts';
import { startSpinner } from '../../cli/render/spinner.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { VerifyReport } from '../../cli/store-tools.ts';

export default class StoreVerify extends StoreCommand<typeof StoreVerify> {
  static override summary = 'Check every record, queue entry and index entry of a store';
  static override description = `Reads the whole log and checks the queues, the index and the files of config against it. Nothing is written.
Damage ends 1 and is named by file and position. The unfinished end of a store that was not closed is a note, not damage.`;
  static override examples = ['<%= config.bin %> store verify', '<%= config.bin %> store verify --store /var/lib/rocketmq/store --json'];

  async run(): Promise<VerifyReport> {
    const options = this.storeOptions({ writes: false });
    const { verifyStore } = await loadStoreTools();
    const startMs = this.host.clock.elapsedMs();
    const spinner = await startSpinner(`verifying ${options.storeDirectory}`, this.wantsProgress);
    let report: VerifyReport;
    try {
      report = await verifyStore({
        ...options, signal: this.stopSignal,
        onProgress: ({ bytes, totalBytes }) => spinner.text(`verifying ${options.storeDirectory}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`),
      });
    } finally {
      spinner.stop();
    }
    if (!report.cleanlyClosed) this.notice('the store was not closed: it is in use, or its last writer died; the next writer recovers it');
    this.notices(report.notes);
    await this.present(report, (data) => verifyText(data, Math.round(this.host.clock.elapsedMs() - startMs)));
    const [first] = report.damage;
    if (!report.ok) {
      throw new MqliteError('VERDICT', `${plural(report.damageCount, 'damaged place')} in ${report.storeDirectory}${first === undefined ? '' : `, the first: ${damageText(first)}`}`, {
        hint: 'See what "mqlite store recover --dry-run" would do.',
      });
    }
    return report;
  }
}
