import { Plugin } from '@oclif/core';
import type { Command } from '@oclif/core';
import { COMMAND_TABLE } from './command-table.ts';

/**
 * The one plugin mqlite has: itself. Command classes come out of the table, each evaluated when it is asked for;
 * everything that oclif needs to know of the others is in `oclif.manifest.json`.
 */
export class EmbeddedPlugin extends Plugin {
  constructor(options: ConstructorParameters<typeof Plugin>[0]) {
    super(options);
    // Private in oclif's types; asked when there is no manifest, that is when it is being made.
    Object.defineProperty(this, 'getCommandIDs', { value: () => Promise.resolve(Object.keys(COMMAND_TABLE)) });
  }

  override async findCommand(id: string, options: { must: true }): Promise<Command.Class>;
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined>;
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined> {
    const load = COMMAND_TABLE[id];
    if (load === undefined) {
      if (options?.must === true) throw new Error(`no command ${id}`);
      return undefined;
    }
    const { default: command } = await load();
    command.id = id;
    command.plugin = this;
    return command;
  }

}
