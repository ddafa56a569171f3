import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../../broker/errors.ts';
import { BaseCommand } from '../../../cli/base-command.ts';
import type { BrokerConfigSetJson } from '../../../cli/commands/broker-settings.ts';
import { checkSettings, planSettings } from '../../../cli/commands/broker-settings.ts';
import { clusterOf, findBroker, requireClusterTarget } from '../../../cli/commands/brokers.ts';
import { targetText } from '../../../cli/commands/plan.ts';
import { plural } from '../../../text/numbers.ts';
import { renderTable } from '../../../cli/render/table.ts';

export default class BrokerConfigSet extends BaseCommand<typeof BrokerConfigSet> {
  static override summary = 'Change settings of a running broker';
  static override description = `Prints what would change; --execute does it and reads it back. A setting that the broker does not have is refused,
and so is a value of another kind than the present one: a word for a number, anything but true or false.
The broker writes them to its configuration file, too. Some take effect only at its next start.`;
  static override examples = [
    '<%= config.bin %> broker config set broker-a fileReservedTime=48 --namesrv 127.0.0.1:9876',
    '<%= config.bin %> broker config set broker-a fileReservedTime=48 deleteWhen=05 --execute',
  ];
  static override strict = false;
  static override args = { broker: Args.string({ ignoreStdin: true, description: 'broker: NAME (its master), NAME:ID or HOST:PORT; then NAME=VALUE of each setting', required: true }) };
  static override flags = { execute: Flags.boolean({ description: 'do it' }) };

  async run(): Promise<BrokerConfigSetJson> {
    const { execute, json } = this.flags;
    requireClusterTarget(this.target(), 'broker config set');
    const pairs = this.words.slice(1);
    if (pairs.length === 0) throw new MqliteError('USAGE', 'no setting to change', { hint: 'Write NAME=VALUE behind the broker.' });
    const admin = clusterOf(await this.openBroker({ mode: execute ? 'write' : 'read' }));
    const { brokerName, brokerId, address } = findBroker(await admin.brokers(), this.args.broker);
    const broker = { brokerName, brokerId, address };
    const settings = planSettings(await admin.config(broker), pairs);
    const target = targetText(this.target());
    if (!json) {
      await this.out.write(`target: ${target}, broker ${brokerName}:${brokerId} (${address})\n`);
      if (settings.length > 0) {
        await this.out.write(await renderTable([{ title: 'SETTING' }, { title: 'NOW' }, { title: 'THEN' }], settings.map(({ name, value, newValue }) => [name, value, newValue]), this.tableStyle));
      }
      if (!execute && settings.length > 0) this.notice('nothing was changed; add --execute to do it');
    }
    if (settings.length === 0) this.notice('nothing to change: the broker has these settings already');
    if (execute && settings.length > 0) {
      await admin.configure(broker, Object.fromEntries(settings.map(({ name, newValue }) => [name, newValue])));
      checkSettings(await admin.config(broker), settings);
    }
    return this.present({ target, ...broker, executed: execute, verified: execute ? true : null, settings },
      () => (execute && settings.length > 0 ? `changed ${plural(settings.length, 'setting')}, read back and right\n` : ''));
  }
}
