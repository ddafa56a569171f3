import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import type { BenchResult } from '../../cli/bench.ts';

export default class BenchProduce extends BaseCommand<typeof BenchProduce> {
  static override summary = 'Measure sending: throughput and latency percentiles';
  static override description = `Counts until all messages are readable, and until all are findable by key and the store is closed.
With more than one message in flight a latency is that of the send a message was in. A terminal is shown how the latencies are spread, too.`;

  static override examples = [
    { description: 'A throw-away store, 1 KiB messages', command: '<%= config.bin %> bench produce --store /tmp/bench --count 1m --size 1k' },
    { description: 'Durable sends, 64 at a time, for a script', command: '<%= config.bin %> bench produce --store /tmp/bench --flush sync --in-flight 64 --json' },
  ];

  static override args = {
    topic: Args.string({ ignoreStdin: true, default: 'bench', description: 'topic to send to; made when it is missing' }),
  };

  static override flags = {
    count: Flags.string({ description: 'messages (k and m are powers of ten)', default: '100k', helpValue: 'N' }),
    warmup: Flags.string({ description: 'messages before the measurement starts; none when it is left out', helpValue: 'N' }),
    size: Flags.string({ description: 'bytes of a body', default: '1k', helpValue: 'SIZE' }),
    queues: Flags.integer({ description: 'queues of the topic', min: 1, default: 4, helpValue: 'N' }),
    keys: Flags.integer({ description: 'keys of a message', min: 0, max: 16, default: 1, helpValue: 'N' }),
    flush: Flags.option({ options: ['async', 'sync'] as const, description: 'acknowledge when the system has it, or when the disk has it' })(),
    'in-flight': Flags.integer({ description: 'messages sent and not yet acknowledged', min: 1, default: 1024, helpValue: 'N' }),
  };

  async run(): Promise<BenchResult> {
    const [{ benchProduce, prepareBenchTopic, renderBench }, { parseCount, parseSize }] = await Promise.all([
      import('../../cli/bench.ts'), import('../../text/time.ts'),
    ]);
    const count = parseCount(this.flags.count, '--count');
    const sizeBytes = parseSize(this.flags.size, '--size');
    if (sizeBytes === 0) throw new MqliteError('USAGE', '--size 0: RocketMQ refuses empty bodies', { hint: 'Write a size from 1 on.' });
    const warmup = this.flags.warmup === undefined ? 0 : parseCount(this.flags.warmup, '--warmup');
    const { topic } = this.args;
    const broker = await this.openBroker({ mode: 'write', create: true, flush: this.flags.flush });
    await prepareBenchTopic(broker, topic, this.flags.queues);
    const progress = await this.startProgress();
    try {
      const { keys, queues, 'in-flight': inFlight } = this.flags;
      const benchmark = await benchProduce(broker, { topic, count, warmup, sizeBytes, queues, keys, inFlight, clock: this.host.clock, signal: this.stopSignal, progress });
      progress.stop();
      return await this.present(benchmark.bench, () => renderBench(benchmark, this.drawing));
    } finally {
      progress.stop();
    }
  }
}
