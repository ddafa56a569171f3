import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import type { MessageTraceJson } from '../../cli/commands/message-trace.ts';
import { clientIdOf, traceTable } from '../../cli/commands/message-trace.ts';
import { plural } from '../../text/numbers.ts';
import { traceOf } from '../../client/message-trace.ts';
import { TRACE_TOPIC } from '../../record/trace.ts';

const DEFAULT_MAX = 64;
const NO_TRACE_HINT = 'Its clients may not trace (enableMsgTrace), or trace to another topic (--trace-topic).';

export default class MessageTrace extends BaseCommand<typeof MessageTrace> {
  static override summary = 'Show what clients told of a message: who sent it, who consumed it, how that ended';
  static override description = `Reads the messages that clients with tracing on (enableMsgTrace) leave in ${TRACE_TOPIC}; a client without it leaves nothing.
ID is the client's unique id, the broker's offset id, or a key: then every message with that key is shown. Finding nothing ends 3.`;
  static override examples = ['<%= config.bin %> message trace AC1100020B5D30946E09000000000001', '<%= config.bin %> message trace order-17 --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'unique id, offset id or key of the message', required: true }) };
  static override flags = {
    'trace-topic': Flags.string({ description: 'topic that the clients trace to', default: TRACE_TOPIC, helpValue: 'TOPIC' }),
    max: Flags.integer({ description: 'how many trace messages to read at most', default: DEFAULT_MAX, min: 1, max: 100_000, helpValue: 'N' }),
  };

  async run(): Promise<MessageTraceJson> {
    const { 'trace-topic': traceTopic, max } = this.flags;
    if (this.args.id.trim() === '') throw new MqliteError('USAGE', 'the id is empty', { hint: 'Give a unique id, an offset id or a key.' });
    const broker = await this.openBroker({ mode: 'read' });
    await requireTopic(broker, traceTopic, NO_TRACE_HINT);
    const id = await clientIdOf(broker, this.args.id);
    const { events, truncated, damaged } = await traceOf(broker, id, traceTopic, max);
    if (events.length === 0 && damaged.length === 0) {
      throw new MqliteError('NOT_FOUND', `no client told anything of ${this.args.id} in ${traceTopic}`, { hint: NO_TRACE_HINT });
    }
    const data = await this.present({ id, traceTopic, events, truncated }, () => traceTable(events, this.tableStyle));
    if (truncated) this.notice(`only ${plural(max, 'trace message')} read; there are more (--max)`);
    if (damaged.length > 0) throw new MqliteError('VERDICT', `${plural(damaged.length, 'trace message')} could not be read, the first: ${damaged[0]}`, { hint: 'See all damage with "mqlite store verify".' });
    return data;
  }
}
