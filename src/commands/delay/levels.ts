import { BaseCommand } from '../../cli/base-command.ts';
import { levelTable, levelsThatDiffer } from '../../cli/commands/delay-levels.ts';
import { waitingAtLevels } from '../../client/delayed.ts';

export interface DelayLevelsJson {
  readonly levels: Awaited<ReturnType<typeof waitingAtLevels>>;
  readonly truncated: false;
}

export default class DelayLevels extends BaseCommand<typeof DelayLevels> {
  static override summary = 'List the delay levels, and how many messages wait at each';
  static override description = 'The levels of the target (messageDelayLevel); "store init --delay-levels" makes a store with others. Those of several brokers are one where they are the same.';
  static override examples = ['<%= config.bin %> delay levels', '<%= config.bin %> delay levels --json'];

  async run(): Promise<DelayLevelsJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const levels = await waitingAtLevels(broker);
    const different = levelsThatDiffer(levels);
    if (different.length > 0) this.notice(`the brokers have different delays at ${different.length === 1 ? 'level' : 'levels'} ${different.join(', ')}: a message waits as long as the broker says that stores it`);
    return this.present({ levels, truncated: false }, () => levelTable(levels, this.tableStyle));
  }
}
