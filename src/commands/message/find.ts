import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import type { MessageListJson } from '../../cli/commands/messages.ts';
import { findByTime, messageTable, parseTimeRange, readableJson } from '../../cli/commands/messages.ts';
import { plural } from '../../text/numbers.ts';

const DEFAULT_MAX = 64;

export default class MessageFind extends BaseCommand<typeof MessageFind> {
  static override summary = 'Find messages of a topic by key, by time, or by both';
  static override description = 'Times: RFC 3339, epoch ms, -1h, yyyy-MM-dd#HH:mm:ss:SSS. A listing cut off at --max says so. Finding nothing ends 3.';
  static override examples = [
    '<%= config.bin %> message find Orders --key order-17',
    '<%= config.bin %> message find Orders --from=-10m --json',
    '<%= config.bin %> message find Orders --key order-17 --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z',
  ];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'name of the topic', required: true }) };
  static override flags = {
    key: Flags.string({ description: 'one of the keys of the message', helpValue: 'KEY' }),
    from: Flags.string({ description: 'stored at or after', helpValue: 'TIME' }),
    to: Flags.string({ description: 'stored at or before', helpValue: 'TIME' }),
    max: Flags.integer({ description: 'how many at most', default: DEFAULT_MAX, min: 1, max: 100_000, helpValue: 'N' }),
  };

  async run(): Promise<MessageListJson> {
    const { topic } = this.args;
    const { key, from, to, max } = this.flags;
    if (key === undefined && from === undefined && to === undefined) throw new MqliteError('USAGE', 'nothing to look for', { hint: 'Give --key, --from or --to.' });
    if (key === '') throw new MqliteError('USAGE', '--key is empty', { hint: 'Give the whole key; there is no search for a part of one.' });
    const range = parseTimeRange(from, to, this.host.clock.nowMs());
    const broker = await this.openBroker({ mode: 'read' });
    await requireTopic(broker, topic);
    const result = key === undefined
      ? await findByTime(broker, topic, range, max, this.stopSignal)
      : { ...await broker.queryByKey({ topic, key, maxMessages: max, ...(from === undefined ? {} : { beginTimestamp: range.beginTimestamp }), ...(to === undefined ? {} : { endTimestamp: range.endTimestamp }) }), damaged: broker.damage().map(({ file, position, reason }) => `${file} at ${position}: ${reason}`) };
    const readable = readableJson(result);
    const data = await this.present(readable.data, ({ messages }) => (messages.length === 0 ? '' : messageTable(messages, this.tableStyle)));
    if (result.truncated) this.notice(`only ${max} shown; there are more (--max)`);
    const damaged = [...result.damaged, ...readable.damaged];
    if (damaged.length > 0) {
      throw new MqliteError('VERDICT', `${plural(damaged.length, 'message')} could not be read, the first: ${damaged[0]}`, { hint: broker.kind === 'local' ? 'See all damage with "mqlite store verify".' : 'Look at the store of that broker with "mqlite store verify".' });
    }
    if (data.messages.length === 0) {
      const what = key === undefined ? 'was stored in that time' : `has the key "${key}"${from === undefined && to === undefined ? '' : ' in that time'}`;
      throw new MqliteError('NOT_FOUND', `no message of topic "${topic}" ${what}`, { hint: 'Keys are compared whole and with their case; "mqlite topics show" has the times of the newest messages.' });
    }
    return data;
  }
}
