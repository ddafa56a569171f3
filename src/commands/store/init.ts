import { Flags } from '@oclif/core';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { infoText } from '../../cli/commands/store-text.ts';
import { parseSize } from '../../text/time.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { StoreInfo } from '../../cli/store-tools.ts';

export default class StoreInit extends StoreCommand<typeof StoreInit> {
  static override summary = 'Make a store directory';
  static override description = `Writing makes one too, with RocketMQ's own sizes; this is for other ones. A store keeps the sizes it was made with;
a broker that boots it needs the lines of "store info --broker-conf".`;
  static override examples = [
    '<%= config.bin %> store init --store ./orders',
    "<%= config.bin %> store init --store ./fast --delay-levels '1s 2s 3s'",
    '<%= config.bin %> store init --store ./fixture --segment-size 1m --queue-file-entries 3000 --index-slots 1000 --index-entries 4000',
  ];
  static override flags = {
    'segment-size': Flags.string({ description: 'length of a commit-log file (1g)', helpValue: 'SIZE' }),
    'queue-file-entries': Flags.integer({ description: 'entries of a consume-queue file (300000)', min: 1, helpValue: 'N' }),
    'index-slots': Flags.integer({ description: 'hash slots of an index file (5000000)', min: 1, helpValue: 'N' }),
    'index-entries': Flags.integer({ description: 'entries of an index file (20000000)', min: 2, helpValue: 'N' }),
    'broker-name': Flags.string({ description: 'brokerName (broker-a)', helpValue: 'NAME' }),
    'cluster-name': Flags.string({ description: 'brokerClusterName (DefaultCluster)', helpValue: 'NAME' }),
    'store-host': Flags.string({ description: 'address written into records (127.0.0.1:10911)', helpValue: 'IP:PORT' }),
    'delay-levels': Flags.string({ description: 'messageDelayLevel (1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h)', helpValue: 'LEVELS' }),
    'property-crc': Flags.boolean({ description: 'write a checksum over each whole record (enabledAppendPropCRC)' }),
  };

  async run(): Promise<StoreInfo> {
    const { flags } = this;
    const options = this.storeOptions({ writes: true });
    const { initStore } = await loadStoreTools();
    const info = await initStore({
      ...options,
      segmentSizeBytes: flags['segment-size'] === undefined ? undefined : parseSize(flags['segment-size'], '--segment-size'),
      consumeQueueFileEntries: flags['queue-file-entries'], indexSlotCount: flags['index-slots'], indexMaxCount: flags['index-entries'],
      brokerName: flags['broker-name'], clusterName: flags['cluster-name'], storeHost: flags['store-host'], messageDelayLevel: flags['delay-levels'], propertyCrc: flags['property-crc'],
    });
    return this.present(info, (made) => infoText(made, false, this.tableStyle));
  }
}
