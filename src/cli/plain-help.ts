import { CommandHelp, Help } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import { argsUsage } from './usage.ts';

/** oclif's page of a command, said once and in lines of the terminal's length. */
class PlainCommandHelp extends CommandHelp {
  /** oclif's begins with the summary, which is the first line of the page already, and breaks lines where the source does. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ')).join('\n\n'));
  }

  /** oclif's names every flag, those of all commands first: the list of them is right below. */
  protected override defaultUsage(): string {
    const needed = Object.values(this.command.flags).filter(({ required }) => required === true).map((flag) => `--${flag.name} ${String('helpValue' in flag ? flag.helpValue : flag.name.toUpperCase())}`);
    return ['<%= command.id %>', argsUsage(this.command), ...needed, '[flags]'].filter((part) => part !== '').join(' ');
  }
}

/** The help of oclif, saying things once. */
export class PlainHelp extends Help {
  protected override CommandHelpClass = PlainCommandHelp;

  /** For oclif a topic is also a command whose name is part of a topic's, such as "config" beside "broker config". */
  protected override get sortedTopics(): Interfaces.Topic[] {
    return super.sortedTopics.filter(({ name }) => this.config.commandIDs.some((id) => id.startsWith(`${name}:`)));
  }
}
