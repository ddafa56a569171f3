import { Flags } from '@oclif/core';
import { confirm, targetText } from '../../cli/commands/plan.ts';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { cleanText } from '../../cli/commands/store-text.ts';
import { formatBytes, plural } from '../../text/numbers.ts';
import { parseDuration } from '../../text/time.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { CleanReport } from '../../cli/store-tools.ts';

export default class StoreClean extends StoreCommand<typeof StoreClean> {
  static override summary = 'Remove log segments that have expired, with what points into them';
  static override description = `Nothing else ever removes messages. Whole files go, from the front, by the time they were last written; the newest stays.
Shows what would go and asks; --yes answers for you, --dry-run only shows.`;
  static override examples = ['<%= config.bin %> store clean --dry-run', '<%= config.bin %> store clean --older-than 7d --yes'];
  static override flags = {
    'older-than': Flags.string({ description: 'age at which a segment has expired', default: '72h', helpValue: 'DURATION' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only say what would go', exclusive: ['yes'] }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run(): Promise<CleanReport> {
    const { flags } = this;
    const olderThanMs = parseDuration(flags['older-than'], '--older-than');
    const options = { ...this.storeOptions({ writes: !flags['dry-run'] }), olderThanMs, clock: this.host.clock };
    this.notice(targetText(this.target()));
    const { cleanStore } = await loadStoreTools();
    const plan = await cleanStore({ ...options, dryRun: true });
    if (flags['dry-run'] || plan.files.length === 0) {
      this.notices(plan.notes);
      return this.present(plan, cleanText);
    }
    if (!flags.yes) for (const line of cleanText(plan).trimEnd().split('\n')) this.notice(line);
    await confirm({
      yes: flags.yes, interactive: this.host.stdin.isTTY === true && this.err.isTTY && !flags.json, stdin: this.host.stdin, signal: this.stopSignal,
      ask: (question) => void this.err.write(question), action: `remove ${plural(plan.files.length, 'file')}, ${formatBytes(plan.sizeBytes)}, from ${options.storeDirectory}`,
    });
    const report = await cleanStore({ ...options, dryRun: false });
    this.notices(report.notes);
    return this.present(report, cleanText);
  }
}
