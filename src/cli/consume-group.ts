import type { Broker } from '../broker/broker.ts';
import { consumeAsGroup } from '../client/group-consumer.ts';
import type { GroupOptions } from '../client/group-options.ts';
import type { MessageListener } from '../client/listener.ts';
import { consumePushed } from '../client/push-consumer.ts';
import type { PushOptions } from '../client/push-consumer.ts';
import type { ConsumeRun } from './consume-run.ts';
import { pushSettings, wantsListener } from './group-options.ts';
import type { MessageSink } from './message-sink.ts';
import { ReaderGone } from './message-sink.ts';
import { plural } from '../text/numbers.ts';

/** Printing as a member of a group: batch by batch, or message by message through a listener where a flag or setting asks for that. */
export async function consumeGroup(broker: Broker, run: ConsumeRun, sink: MessageSink, options: GroupOptions): Promise<void> {
  const { flags, settings } = run;
  if (wantsListener(flags, settings)) return printPushed(broker, run, sink, options);
  await consumeAsGroup(broker, run.clock, {
    ...options, commitEachBatch: flags.mode === 'pull', pullBatchSize: flags.mode === 'pull' ? pullSize(run) : undefined,
    batchLimit: sink.remaining, deliver: sink.print,
  });
}

/** Pulling reads when the output has taken what was read before: what is cached is what one pull brought. */
function pullSize({ settings }: ConsumeRun): number | undefined {
  const sizes = (['pullBatchSize', 'pullThresholdForQueue'] as const).filter((name) => settings.isGiven(name)).map((name) => settings.integer(name));
  return sizes.length === 0 ? undefined : Math.min(...sizes);
}

async function printPushed(broker: Broker, run: ConsumeRun, sink: MessageSink, options: GroupOptions): Promise<void> {
  const printing = new PrintingListener(sink);
  await runPushed(broker, run, { ...options, signal: AbortSignal.any([options.signal, printing.ended]), listener: printing, restMs: 0 });
  if (printing.gone !== null) throw printing.gone;
}

/** Consumes through a listener with the settings of the run, and says at the end what happened beside consuming. */
export async function runPushed(broker: Broker, run: ConsumeRun, options: GroupOptions & Pick<PushOptions, 'listener' | 'restMs' | 'sendBack'> & { readonly maxReconsumeTimes?: number }): Promise<void> {
  const { pauses, dropped, sentBack, dead } = await consumePushed(broker, run.clock, { ...pushSettings(run.flags, run.settings), ...options });
  const paused = Object.entries(pauses).filter(([, count]) => count > 0);
  if (paused.length > 0) run.onDetail(`reading paused for limits: ${paused.map(([reason, count]) => `${reason} ${count} times`).join(', ')}`);
  if (sentBack > 0 || dead > 0) run.onDetail(`${plural(sentBack, 'message')} sent back to be tried again, ${dead} dead`);
  if (dropped > 0) run.onNotice(`${plural(dropped, 'message')} failed and ${dropped === 1 ? 'was' : 'were'} dropped`);
}

/** Prints each message; stops the consumer when there are enough, or nobody reads any more. */
class PrintingListener implements MessageListener {
  readonly #sink: MessageSink;
  readonly #end = new AbortController();
  gone: ReaderGone | null = null;

  constructor(sink: MessageSink) {
    this.#sink = sink;
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  async consume(message: Parameters<MessageListener['consume']>[0]): ReturnType<MessageListener['consume']> {
    if (this.#sink.remaining() <= 0) return 'stop';
    try {
      await this.#sink.print([message]);
    } catch (error) {
      if (!(error instanceof ReaderGone)) throw error;
      this.gone = error;
      return 'stop';
    }
    if (this.#sink.remaining() <= 0) this.#end.abort();
    return 'consumed';
  }
}
