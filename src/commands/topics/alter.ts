import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import type { TopicConfig } from '../../broker/types.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import { hiddenByShrinking, parseAttributes, topicShape, topicPatch } from '../../cli/commands/topics.ts';

export default class TopicsAlter extends BaseCommand<typeof TopicsAlter> {
  static override summary = 'Change the settings of a topic';
  static override description = 'What no flag names stays as it is. Messages in queues beyond a smaller number stay stored, but clients of a broker do not read them.';
  static override examples = [
    '<%= config.bin %> topics alter Orders --queues 8',
    '<%= config.bin %> topics alter Orders --perm r',
    '<%= config.bin %> topics alter Orders --attribute message.type=FIFO --remove-attribute reserve.time',
  ];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'name of the topic', required: true }) };
  static override flags = {
    queues: Flags.integer({ description: 'queues to read and to write', min: 1, helpValue: 'N' }),
    'read-queues': Flags.integer({ description: 'queues to read', min: 1, helpValue: 'N' }),
    'write-queues': Flags.integer({ description: 'queues to write', min: 1, helpValue: 'N' }),
    perm: Flags.string({ description: 'what clients may do: rw, r or w', helpValue: 'PERM' }),
    order: Flags.boolean({ description: 'mark the topic as ordered, or not', allowNo: true }),
    attribute: Flags.string({ description: 'attribute to set', multiple: true, multipleNonGreedy: true, helpValue: 'NAME=VALUE' }),
    'remove-attribute': Flags.string({ description: 'attribute to remove', multiple: true, multipleNonGreedy: true, helpValue: 'NAME' }),
  };

  async run(): Promise<TopicConfig> {
    const { flags } = this;
    const patch = topicPatch({
      queues: flags.queues, readQueues: flags['read-queues'], writeQueues: flags['write-queues'], perm: flags.perm, order: flags.order,
      attributes: parseAttributes(flags.attribute ?? [], flags['remove-attribute'] ?? []),
    });
    if (Object.keys(patch).length === 0) throw new MqliteError('USAGE', 'nothing to change', { hint: 'Give --queues, --perm, --order, --attribute, …; see --help.' });
    const broker = await this.openBroker({ mode: 'write' });
    await requireTopic(broker, this.args.topic);
    const hidden = hiddenByShrinking(await broker.describeTopic(this.args.topic), patch);
    const topic = await broker.alterTopic(this.args.topic, patch);
    if (hidden !== undefined) this.notice(hidden);
    return this.present(topic, () => `altered topic ${topic.topic}: ${topicShape(topic)}\n`);
  }
}
