import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { TopicListJson } from '../../cli/commands/topics.ts';
import { topicTable } from '../../cli/commands/topics.ts';
import { selectTopics } from '../../client/listing.ts';

export default class TopicsList extends BaseCommand<typeof TopicsList> {
  static override summary = 'List the topics';
  static override description = "RocketMQ's own topics, those of retries (%RETRY%group) and of dead letters (%DLQ%group) are hidden unless --all or --system is given.";
  static override examples = ['<%= config.bin %> topics list', '<%= config.bin %> topics list --all --json', '<%= config.bin %> topics list --store ./broker-store --system'];
  static override flags = {
    all: Flags.boolean({ description: "RocketMQ's own topics too", exclusive: ['system'] }),
    system: Flags.boolean({ description: "only RocketMQ's own topics" }),
  };

  async run(): Promise<TopicListJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const all = await broker.listTopics();
    const topics = selectTopics(all, this.flags);
    this.hiddenNotice('topic', topics.length, this.flags.system ? 0 : all.length - topics.length);
    return this.present({ topics, truncated: false }, () => topicTable(topics, this.tableStyle));
  }
}
