import { CommandHelp, Help } from '@oclif/core';

/** oclif's page of a command begins its description with the summary, which is the first line of the page already. */
class PlainCommandHelp extends CommandHelp {
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description);
  }
}

/** The help of oclif, saying things once. */
export class PlainHelp extends Help {
  protected override CommandHelpClass = PlainCommandHelp;
}
