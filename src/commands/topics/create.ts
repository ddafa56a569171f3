import { Args, Flags } from '@oclif/core';
import type { TopicConfig } from '../../broker/types.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { DEFAULT_QUEUE_NUMS, parseAttributes, topicShape, topicPatch } from '../../cli/commands/topics.ts';

export default class TopicsCreate extends BaseCommand<typeof TopicsCreate> {
  static override summary = 'Create a topic';
  static override description = 'Sending to a topic that is not there creates it too, with 4 queues; this is for other numbers and settings.';
  static override examples = [
    '<%= config.bin %> topics create Orders',
    '<%= config.bin %> topics create Orders --queues 8',
    '<%= config.bin %> topics create OrdersFifo --queues 1 --order --attribute message.type=FIFO',
  ];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'name: letters, digits and % | _ -, at most 127', required: true }) };
  static override flags = {
    queues: Flags.integer({ description: 'queues to read and to write', default: DEFAULT_QUEUE_NUMS, min: 1, helpValue: 'N' }),
    'read-queues': Flags.integer({ description: 'queues to read, where it differs', min: 1, helpValue: 'N' }),
    'write-queues': Flags.integer({ description: 'queues to write, where it differs', min: 1, helpValue: 'N' }),
    perm: Flags.string({ description: 'what clients may do: rw, r or w', default: 'rw', helpValue: 'PERM' }),
    order: Flags.boolean({ description: 'mark the topic as ordered' }),
    attribute: Flags.string({ description: 'attribute of the topic', multiple: true, multipleNonGreedy: true, helpValue: 'NAME=VALUE' }),
  };

  async run(): Promise<TopicConfig> {
    const { flags } = this;
    const patch = topicPatch({
      queues: flags.queues, readQueues: flags['read-queues'], writeQueues: flags['write-queues'], perm: flags.perm, order: flags.order,
      attributes: parseAttributes(flags.attribute ?? [], []),
    });
    const broker = await this.openBroker({ mode: 'write', create: true });
    const topic = await broker.createTopic(this.args.topic, patch);
    return this.present(topic, () => `created topic ${topic.topic}: ${topicShape(topic)}\n`);
  }
}
