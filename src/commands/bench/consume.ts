import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { BenchResult } from '../../cli/bench.ts';

export default class BenchConsume extends BaseCommand<typeof BenchConsume> {
  static override settingsOf = 'bench consume';
  static override summary = 'Measure reading: throughput and latency percentiles';
  static override description = `Reads a topic from its start, bodies and properties included, and prints nothing of it. Writes nothing.
With --group it consumes as a member of that group, through a listener that does nothing, and commits; latency is then the time
from one message to the next. A terminal is shown how the latencies are spread, too.`;

  static override examples = [
    { description: 'All of what bench produce wrote', command: '<%= config.bin %> bench consume --store /tmp/bench' },
    { description: 'What a group can consume', command: '<%= config.bin %> bench consume orders --group bench' },
    { description: 'A million messages of a topic, for a script', command: '<%= config.bin %> bench consume orders --count 1m --json' },
  ];

  static override args = {
    topic: Args.string({ ignoreStdin: true, default: 'bench', description: 'topic to read' }),
  };

  static override flags = {
    group: Flags.string({ char: 'g', description: 'consume as a member of this group', helpValue: 'GROUP' }),
    concurrency: Flags.integer({ description: 'messages consumed at a time, with --group (1)', min: 1, max: 1000, dependsOn: ['group'], helpValue: 'N' }),
    count: Flags.string({ description: 'most messages to read (k and m are powers of ten); all when it is left out', helpValue: 'N' }),
    warmup: Flags.string({ description: 'messages before the measurement starts; none when it is left out', helpValue: 'N' }),
  };

  async run(): Promise<BenchResult> {
    const [{ benchConsume, benchConsumeAsGroup, renderBench }, { pushSettings }, { parseCount }, { withNameHints }] = await Promise.all([
      import('../../cli/bench.ts'), import('../../cli/group-options.ts'), import('../../text/time.ts'), import('../../cli/name-hints.ts'),
    ]);
    const count = this.flags.count === undefined ? Infinity : parseCount(this.flags.count, '--count');
    const warmup = this.flags.warmup === undefined ? 0 : parseCount(this.flags.warmup, '--warmup');
    const { topic } = this.args;
    const { group } = this.flags;
    const settings = pushSettings(this.flags, await this.settings());
    const broker = await this.openBroker({ mode: group === undefined ? 'read' : 'write' });
    const progress = await this.startProgress();
    try {
      const run = { topic, count, warmup, clock: this.host.clock, signal: this.stopSignal, progress };
      const benchmark = await withNameHints(broker, [topic], () => (group === undefined ? benchConsume(broker, run) : benchConsumeAsGroup(broker, { ...run, group, settings })));
      progress.stop();
      return await this.present(benchmark.bench, () => renderBench(benchmark, this.drawing));
    } finally {
      progress.stop();
    }
  }
}
