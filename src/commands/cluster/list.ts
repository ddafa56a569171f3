import { BaseCommand } from '../../cli/base-command.ts';
import type { BrokerListJson } from '../../cli/commands/brokers.ts';
import { brokerTable, clusterOf, requireAnswers, requireClusterTarget } from '../../cli/commands/brokers.ts';

export default class ClusterList extends BaseCommand<typeof ClusterList> {
  static override summary = 'List the brokers of a cluster: versions, rates, disk';
  static override description = 'Every broker is asked; one that does not answer is listed as such, and the command ends 1.';
  static override examples = ['<%= config.bin %> cluster list --namesrv 127.0.0.1:9876', '<%= config.bin %> cluster list --profile prod --json'];

  async run(): Promise<BrokerListJson> {
    requireClusterTarget(this.target(), 'cluster list');
    const brokers = await clusterOf(await this.openBroker({ mode: 'read' })).brokers();
    const data = await this.present({ brokers, truncated: false } as const, () => brokerTable(brokers, this.tableStyle));
    requireAnswers(brokers);
    return data;
  }
}
