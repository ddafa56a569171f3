import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import { confirm, targetText } from '../../cli/commands/plan.ts';
import { deletionPlan, messageCount } from '../../cli/commands/topics.ts';

export interface TopicDeleteJson {
  readonly target: string;
  readonly topic: string;
  readonly deleted: true;
  readonly messages: number;
  /** Groups whose offsets on the topic went with it. */
  readonly groups: readonly string[];
}

export default class TopicsDelete extends BaseCommand<typeof TopicsDelete> {
  static override summary = 'Delete a topic with its messages and the offsets on it';
  static override description = 'Shows what would go and asks; --yes answers for you. A topic of the same name starts empty.';
  static override examples = ['<%= config.bin %> topics delete Orders', '<%= config.bin %> topics delete Orders --yes'];
  static override args = { topic: Args.string({ ignoreStdin: true, description: 'name of the topic', required: true }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) };

  async run(): Promise<TopicDeleteJson> {
    const broker = await this.openBroker({ mode: 'write' });
    const { topic, system } = await requireTopic(broker, this.args.topic);
    if (system) throw new MqliteError('REFUSED', `topic ${topic} is RocketMQ's own and cannot be deleted`, { hint: 'Only topics that "mqlite topics list" shows can be.' });
    const description = await broker.describeTopic(topic);
    const target = targetText(this.target());
    this.notice(target);
    for (const line of deletionPlan(description, broker.kind)) this.notice(line);
    await confirm({
      yes: this.flags.yes, interactive: this.host.stdin.isTTY === true && this.err.isTTY && !this.flags.json, stdin: this.host.stdin, signal: this.stopSignal,
      ask: (question) => void this.err.write(question), action: `delete topic ${topic}`,
    });
    await broker.deleteTopic(topic);
    const { groups, queues } = description;
    return this.present({ target, topic, deleted: true, messages: messageCount(queues), groups }, () => `deleted topic ${topic}\n`);
  }
}
