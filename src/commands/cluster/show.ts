import { Args } from '@oclif/core';
import type { BrokerInfo } from '../../broker/cluster-admin.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { brokerText, clusterOf, findBroker, requireAnswers, requireClusterTarget } from '../../cli/commands/brokers.ts';

export default class ClusterShow extends BaseCommand<typeof ClusterShow> {
  static override summary = 'Show everything that a broker says of itself';
  static override examples = ['<%= config.bin %> cluster show broker-a --namesrv 127.0.0.1:9876', '<%= config.bin %> cluster show broker-a:1 --json'];
  static override args = { broker: Args.string({ ignoreStdin: true, description: 'broker: NAME (its master), NAME:ID or HOST:PORT', required: true }) };

  async run(): Promise<BrokerInfo> {
    requireClusterTarget(this.target(), 'cluster show');
    const broker = findBroker(await clusterOf(await this.openBroker({ mode: 'read' })).brokers(), this.args.broker);
    const data = await this.present(broker, () => brokerText(broker, this.out.isTTY));
    requireAnswers([broker]);
    return data;
  }
}
