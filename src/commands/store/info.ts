import { Flags } from '@oclif/core';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { infoText } from '../../cli/commands/store-text.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { StoreInfo } from '../../cli/store-tools.ts';

export default class StoreInfoCommand extends StoreCommand<typeof StoreInfoCommand> {
  static override summary = 'Show what a store directory is and holds';
  static override description = `Told from names, lengths and headers: quick, however large the store. Nothing is written.
Values that mqlite inferred from a broker's files are marked so. --broker-conf prints what a broker needs to boot the directory.`;
  static override examples = [
    '<%= config.bin %> store info',
    '<%= config.bin %> store info --store /var/lib/rocketmq/store --queues',
    '<%= config.bin %> store info --store ./orders --broker-conf > broker.conf',
  ];
  static override flags = {
    queues: Flags.boolean({ description: 'every queue too' }),
    'broker-conf': Flags.boolean({ description: 'only the lines of broker.conf', exclusive: ['queues'] }),
  };

  async run(): Promise<StoreInfo> {
    const options = this.storeOptions({ writes: false });
    const { storeInfo } = await loadStoreTools();
    const info = await storeInfo(options);
    this.notices(info.notes);
    return this.present(info, (data) => (this.flags['broker-conf'] ? `${data.brokerConf.join('\n')}\n` : infoText(data, this.flags.queues, this.tableStyle)));
  }
}
