import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { BenchResult } from '../../cli/bench.ts';

export default class BenchConsume extends BaseCommand<typeof BenchConsume> {
  static override summary = 'Measure reading: throughput and latency percentiles';
  static override description = 'Reads a topic from its start, bodies and properties included, and prints nothing of it. Writes nothing.';

  static override examples = [
    { description: 'All of what bench produce wrote', command: '<%= config.bin %> bench consume --store /tmp/bench' },
    { description: 'A million messages of a topic, for a script', command: '<%= config.bin %> bench consume orders --count 1m --json' },
  ];

  static override args = {
    topic: Args.string({ ignoreStdin: true, default: 'bench', description: 'topic to read' }),
  };

  static override flags = {
    count: Flags.string({ description: 'most messages to read (k and m are powers of ten); all when it is left out', helpValue: 'N' }),
    warmup: Flags.string({ description: 'messages before the measurement starts; none when it is left out', helpValue: 'N' }),
  };

  async run(): Promise<BenchResult> {
    const [{ benchConsume, renderBench }, { parseCount }, { startSpinner }, { withNameHints }] = await Promise.all([
      import('../../cli/bench.ts'), import('../../cli/time.ts'), import('../../cli/render/spinner.ts'), import('../../cli/name-hints.ts'),
    ]);
    const count = this.flags.count === undefined ? Infinity : parseCount(this.flags.count, '--count');
    const warmup = this.flags.warmup === undefined ? 0 : parseCount(this.flags.warmup, '--warmup');
    const { topic } = this.args;
    const broker = await this.openBroker({ mode: 'read' });
    const spinner = await startSpinner('reading', this.wantsProgress);
    try {
      const run = { topic, count, warmup, clock: this.host.clock, signal: this.stopSignal, spinner };
      const bench = await withNameHints(broker, [topic], () => benchConsume(broker, run));
      return await this.present(bench, renderBench);
    } finally {
      spinner.stop();
    }
  }
}
