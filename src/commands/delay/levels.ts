import { BaseCommand } from '../../cli/base-command.ts';
import { formatDuration } from '../../text/numbers.ts';
import { renderTable } from '../../cli/render/table.ts';
import { waitingAtLevels } from '../../client/delayed.ts';

export interface DelayLevelsJson {
  readonly levels: Awaited<ReturnType<typeof waitingAtLevels>>;
  readonly truncated: false;
}

export default class DelayLevels extends BaseCommand<typeof DelayLevels> {
  static override summary = 'List the delay levels, and how many messages wait at each';
  static override description = 'The levels of the target (messageDelayLevel); "store init --delay-levels" makes a store with others.';
  static override examples = ['<%= config.bin %> delay levels', '<%= config.bin %> delay levels --json'];

  async run(): Promise<DelayLevelsJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const levels = await waitingAtLevels(broker);
    const isOne = new Set(levels.map(({ brokerName }) => brokerName)).size === 1;
    const columns = [...(isOne ? [] : [{ title: 'BROKER' }]), { title: 'LEVEL', align: 'right' }, { title: 'DELAY', align: 'right' }, { title: 'WAITING', align: 'right' }] as const;
    const rows = levels.map(({ level, delayMs, brokerName, waiting }) => [...(isOne ? [] : [brokerName ?? '-']), level, formatDuration(delayMs), waiting]);
    return this.present({ levels, truncated: false }, () => renderTable(columns, rows, this.tableStyle));
  }
}
