import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { StoreCommand } from '../../cli/commands/store-command.ts';
import { suggestion } from '../../cli/did-you-mean.ts';
import { loadStoreTools } from '../../cli/store-tools.ts';
import type { DumpFamily } from '../../cli/store-tools.ts';

const FAMILIES: readonly DumpFamily[] = ['commitlog', 'consumequeue', 'index', 'checkpoint', 'topics', 'offsets', 'state'];

export default class StoreDump extends StoreCommand<typeof StoreDump> {
  static override summary = 'Print what lies in the files of a store, raw, one JSON object a line';
  static override description = `Each object has its file and its position in it; damage is shown as it lies there. Nothing is written. WHAT is one of
${FAMILIES.join(', ')}.`;
  static override examples = [
    '<%= config.bin %> store dump commitlog --limit 10',
    '<%= config.bin %> store dump consumequeue --topic Orders --queue 0 --from 100',
    '<%= config.bin %> store dump checkpoint --store /var/lib/rocketmq/store',
  ];
  static override args = { what: Args.string({ ignoreStdin: true, description: 'family of files', required: true }) };
  static override flags = {
    topic: Flags.string({ description: 'only of this topic', helpValue: 'TOPIC' }),
    queue: Flags.integer({ description: 'only of this queue', min: 0, dependsOn: ['topic'], helpValue: 'N' }),
    from: Flags.integer({ description: 'first commit-log offset, queue offset or index entry', min: 0, helpValue: 'OFFSET' }),
    limit: Flags.integer({ description: 'at most so many objects', min: 1, helpValue: 'N' }),
  };

  async run(): Promise<void> {
    const what = FAMILIES.find((family) => family === this.args.what);
    if (what === undefined) {
      throw new MqliteError('USAGE', `"${this.args.what}" is not a family of files`, { hint: suggestion(this.args.what, FAMILIES) ?? `Give one of ${FAMILIES.join(', ')}.` });
    }
    const options = this.storeOptions({ writes: false });
    const { dumpStore } = await loadStoreTools();
    const { topic, queue: queueId, from, limit } = this.flags;
    for await (const object of dumpStore({ ...options, what, topic, queueId, from, limit })) {
      if (this.stopSignal.aborted) return;
      const full = this.out.line(this.jsonText(object));
      if (full !== undefined) await full;
    }
  }
}
