import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { MqliteError } from '../../broker/errors.ts';
import { groupDeletionPlan } from '../../cli/commands/groups.ts';
import { requireGroup } from '../../cli/commands/lookup.ts';
import { confirm, targetText } from '../../cli/commands/plan.ts';

export interface GroupDeleteJson {
  readonly target: string;
  readonly group: string;
  readonly deleted: true;
  /** Topics on which offsets were forgotten. */
  readonly topics: readonly string[];
}

export default class GroupsDelete extends BaseCommand<typeof GroupsDelete> {
  static override summary = 'Delete a consumer group with its offsets';
  static override description = 'Shows what would go and asks; --yes answers for you.';
  static override examples = ['<%= config.bin %> groups delete billing', '<%= config.bin %> groups delete billing --yes'];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'name of the group', required: true }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) };

  async run(): Promise<GroupDeleteJson> {
    const broker = await this.openBroker({ mode: 'write' });
    const found = await requireGroup(broker, this.args.group);
    if (found.system) throw new MqliteError('REFUSED', `group ${found.group} is RocketMQ's own and cannot be deleted`, { hint: 'Only groups that "mqlite groups list" shows can be.' });
    const members = await broker.listMembers(found.group);
    if (members.length > 0) {
      throw new MqliteError('LOCKED', `group ${found.group} has a live member: pid ${members.map(({ pid }) => pid).join(', ')}`, { hint: 'Stop it first.' });
    }
    const topics = [...new Set((await broker.committedOffsets(found.group)).map(({ queue }) => queue.topic))];
    const target = targetText(this.target());
    this.notice(target);
    for (const line of groupDeletionPlan(found.group, topics)) this.notice(line);
    await confirm({
      yes: this.flags.yes, interactive: this.host.stdin.isTTY === true && this.err.isTTY && !this.flags.json, stdin: this.host.stdin, signal: this.stopSignal,
      ask: (question) => void this.err.write(question), action: `delete group ${found.group}`,
    });
    await broker.deleteGroup(found.group);
    return this.present({ target, group: found.group, deleted: true, topics }, () => `deleted group ${found.group}\n`);
  }
}
