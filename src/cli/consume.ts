import type { Broker } from '../broker/broker.ts';
import type { MqliteError } from '../broker/errors.ts';
import { browse } from '../client/browse.ts';
import { consumeThroughCommand, execRequest } from './consume-exec.ts';
import { consumeGroup } from './consume-group.ts';
import type { ConsumeRun, ReadRun } from './consume-run.ts';
import { groupOptions, refuseGroupFlags, refuseSettingsOfPush } from './group-options.ts';
import { MessageSink } from './message-sink.ts';
import { choosePrinter } from './message-printer.ts';
import { withNameHints } from './name-hints.ts';
import { parsePosition, refuseEmptyRange } from '../client/position-words.ts';
import { grepFilter, messageFilter, refuseJsonWithFormat } from './read-flags.ts';
import { parseDuration } from '../text/time.ts';

/** What a run reads, from its flags. Error: USAGE. */
function readRequest({ flags, settings, clock, signal, topics }: ReadRun) {
  const nowMs = clock.nowMs();
  const from = flags.from === undefined ? undefined : parsePosition(flags.from, nowMs, '--from');
  const to = flags.to === undefined ? undefined : parsePosition(flags.to, nowMs, '--to');
  refuseEmptyRange(from, to);
  return {
    topics,
    queueId: flags.queue,
    from,
    to,
    untilEnd: flags['until-end'],
    filter: messageFilter(flags)?.expression,
    idleTimeoutMs: flags.timeout === undefined ? undefined : parseDuration(flags.timeout, '--timeout'),
    suspendMs: settings.integer('brokerSuspendMaxTimeMillis'),
    signal,
  };
}

function makeSink(run: ReadRun, plain: 'body' | 'line'): MessageSink {
  const { flags, out, onDamage } = run;
  refuseJsonWithFormat(flags.json, flags.format);
  const printer = choosePrinter({ json: flags.json, format: flags.format, terminal: out.isTTY, plain });
  return new MessageSink({ out, printer, grep: grepFilter(flags.grep), count: flags.count, onDamage });
}

/** `mqlite consume`. Errors: USAGE; VERDICT for damage and an unmet count; those of the broker. */
export async function consume(run: ConsumeRun): Promise<void> {
  const request = readRequest(run);
  const exec = execRequest(run.flags, run.execWords);
  const sink = makeSink(run, 'body');
  const { group } = run.flags;
  refuseGroupFlags(run.flags);
  refuseSettingsOfPush(run.flags, run.settings);
  const options = group === undefined ? null : groupOptions({ ...run, flags: { ...run.flags, group } });
  const broker = await run.openBroker();
  await withNameHints(broker, run.topics, async () => {
    if (options === null) return browseInto(broker, run, sink, { ...request, from: request.from ?? { at: 'first' } });
    const member = { ...request, ...options, onDamage: sink.damage, onNotice: run.onNotice };
    if (exec === undefined) await consumeGroup(broker, run, sink, member);
    else sink.add(await consumeThroughCommand(broker, run, member, exec));
  });
  if (!run.signal.aborted) sink.judge();
}

/** `mqlite tail`: the same as lines, from the end on. */
export async function tail(run: ReadRun): Promise<void> {
  const request = readRequest(run);
  const sink = makeSink(run, 'line');
  const broker = await run.openBroker();
  await withNameHints(broker, run.topics, () => browseInto(broker, run, sink, { ...request, from: request.from ?? { at: 'last' } }));
  if (!run.signal.aborted) sink.judge();
}

type BrowseInput = Omit<Parameters<typeof browse>[2], 'onDamage' | 'onGone' | 'batchLimit'>;

async function browseInto(broker: Broker, run: ReadRun, sink: MessageSink, request: BrowseInput): Promise<void> {
  const onGone = ({ message }: MqliteError): void => run.onNotice(`${message}; it is left out until it is there again`);
  for await (const batch of browse(broker, run.clock, { ...request, onDamage: sink.damage, onGone, batchLimit: sink.remaining })) {
    await sink.print(batch);
  }
}
