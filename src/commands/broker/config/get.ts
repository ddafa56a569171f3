import { Args } from '@oclif/core';
import { BaseCommand } from '../../../cli/base-command.ts';
import type { BrokerConfigJson } from '../../../cli/commands/broker-settings.ts';
import { chosenSettings } from '../../../cli/commands/broker-settings.ts';
import { clusterOf, findBroker, requireClusterTarget } from '../../../cli/commands/brokers.ts';
import { escapeControl } from '../../../text/escape.ts';

export default class BrokerConfigGet extends BaseCommand<typeof BrokerConfigGet> {
  static override summary = 'Show settings of a broker';
  static override description = 'All of them, or those named. As NAME=VALUE lines, which a broker.conf takes.';
  static override examples = ['<%= config.bin %> broker config get broker-a --namesrv 127.0.0.1:9876', '<%= config.bin %> broker config get broker-a flushDiskType fileReservedTime --json'];
  static override strict = false;
  static override args = { broker: Args.string({ ignoreStdin: true, description: 'broker: NAME (its master), NAME:ID or HOST:PORT; then names of settings', required: true }) };

  async run(): Promise<BrokerConfigJson> {
    requireClusterTarget(this.target(), 'broker config get');
    const admin = clusterOf(await this.openBroker({ mode: 'read' }));
    const { brokerName, brokerId, address } = findBroker(await admin.brokers(), this.args.broker);
    const config = chosenSettings(await admin.config({ brokerName, brokerId, address }), this.words.slice(1));
    const shown = this.out.isTTY ? escapeControl : (text: string): string => text;
    return this.present({ brokerName, brokerId, address, config }, () => Object.entries(config).map(([name, value]) => `${shown(`${name}=${value}`)}\n`).join(''));
  }
}
