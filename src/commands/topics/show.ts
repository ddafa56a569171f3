import { Args } from '@oclif/core';
import type { TopicDescription } from '../../broker/types.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import { topicText } from '../../cli/commands/topics.ts';

export default class TopicsShow extends BaseCommand<typeof TopicsShow> {
  static override summary = 'Show a topic: its settings, its queues, the groups that read it';
  static override examples = ['<%= config.bin %> topics show Orders', '<%= config.bin %> topics show Orders --json'];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'name of the topic', required: true }) };

  async run(): Promise<TopicDescription> {
    const broker = await this.openBroker({ mode: 'read' });
    await requireTopic(broker, this.args.topic);
    return this.present(await broker.describeTopic(this.args.topic), (topic) => topicText(topic, this.tableStyle));
  }
}
