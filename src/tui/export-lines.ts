import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { LogRecord } from '../broker/types.ts';
import { browse } from '../client/browse.ts';
import { messageJson } from '../record/message-json.ts';
import type { Message } from '../record/message.ts';
import { logRecordJson } from '../text/log-record.ts';
import type { ExportRequest } from './events.ts';
import { expressionOf } from './filter.ts';
import type { ViewFilter } from './filter.ts';
import { recordTest } from './sources/log-reader.ts';
import { readRecord } from './sources/lookup.ts';
import { bodyTest } from './sources/message-reader.ts';

export interface ExportScope {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topics: readonly string[];
  readonly queueId: number | undefined;
  readonly signal: AbortSignal;
}

/** One line of JSON a record, as `consume --json` and `tail --commitlog --json --body` print it. Errors: those of the broker; DAMAGED for a body that cannot be read. */
export async function* exportLines(scope: ExportScope, what: ExportRequest): AsyncGenerator<string> {
  if ('records' in what) for (const record of what.records) yield messageLine(await readRecord(scope.broker, record));
  else if ('logOffsets' in what) for (const commitLogOffset of what.logOffsets) yield logRecordJson(await logRecordAt(scope.broker, commitLogOffset), true);
  else if (what.all === 'messages') yield* filtered(scope, what.filter);
  else yield* filteredLog(scope, what.filter);
  // Half of it is not what was asked for.
  if (scope.signal.aborted) throw new MqliteError('REFUSED', 'the view was left before everything was written');
}

const messageLine = (message: Message): string => JSON.stringify(messageJson(message, true));

/** To the end as it is now. */
async function* filtered({ broker, clock, topics, queueId, signal }: ExportScope, filter: ViewFilter): AsyncGenerator<string> {
  const passes = bodyTest(filter);
  const onDamage = (): void => undefined;
  for await (const batch of browse(broker, clock, { topics, queueId, from: { at: 'first' }, untilEnd: true, filter: expressionOf(filter), suspendMs: 0, signal, onDamage })) {
    for (const message of batch) if (passes(message)) yield messageLine(message);
  }
}

async function* filteredLog({ broker, topics, signal }: ExportScope, filter: ViewFilter): AsyncGenerator<string> {
  const isWanted = recordTest(topics, filter);
  for await (const batch of broker.readLog({ from: { at: 'first' }, follow: false }, signal)) {
    for (const record of batch) if (isWanted(record)) yield logRecordJson(record, true);
  }
}

async function logRecordAt(broker: Broker, commitLogOffset: number): Promise<LogRecord<Message>> {
  for await (const [record] of broker.readLog({ from: { at: 'offset', commitLogOffset }, follow: false })) if (record?.commitLogOffset === commitLogOffset) return record;
  throw new MqliteError('NOT_FOUND', `the record at ${commitLogOffset} is not in the log any more`);
}
