import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import type { MessageListJson } from '../../cli/commands/messages.ts';
import { fullJson, messageText } from '../../cli/commands/messages.ts';
import { plural } from '../../text/numbers.ts';

export default class MessageGet extends BaseCommand<typeof MessageGet> {
  static override summary = 'Show the message that has an id';
  static override description = `ID is the client's unique id or the broker's offset id; both are in the output of produce and consume.
Without --topic a unique id is looked for in every topic.`;
  static override examples = ['<%= config.bin %> message get 7F00000100002A9F0000000000000000', '<%= config.bin %> message get AC1100020B5D30946E09000000000001 --topic Orders --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'unique id or offset id of the message', required: true }) };
  static override flags = { topic: Flags.string({ description: 'topic to look in', helpValue: 'TOPIC' }) };

  async run(): Promise<MessageListJson> {
    const { id } = this.args;
    const { topic } = this.flags;
    if (id.trim() === '') throw new MqliteError('USAGE', 'the id is empty', { hint: 'Give a unique id or an offset id.' });
    const broker = await this.openBroker({ mode: 'read' });
    if (topic !== undefined) await requireTopic(broker, topic);
    const result = await broker.queryByMsgId(id, topic);
    const byOffset = result.messages.some(({ offsetMsgId }) => offsetMsgId === id.toUpperCase());
    const where = topic === undefined ? `any of ${plural((await broker.listTopics()).length, 'topic')}` : `topic "${topic}"`;
    if (result.messages.length === 0) {
      throw new MqliteError('NOT_FOUND', `no message in ${where} has the id ${id}`, { hint: topic === undefined ? 'Look by key or time with "mqlite message find TOPIC".' : 'Leave out --topic to look everywhere.' });
    }
    if (topic === undefined && !byOffset) this.notice(`looked in ${where.replace('any of ', '')}; --topic is quicker`);
    if (result.messages.length > 1) this.notice(`${plural(result.messages.length, 'message')} have this id`);
    return this.present({ messages: result.messages.map(fullJson), truncated: result.truncated }, ({ messages }) => messages.map((message) => messageText(message, this.out.isTTY)).join('\n'));
  }
}
