import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import { COMMAND_TABLE } from './command-table.ts';
import { EmbeddedPlugin } from './embedded-plugin.ts';
import type { Reference } from './reference.ts';
import { resolveCommand } from './resolve-command.ts';

/** A command class as far as running it goes; `_run` is protected in oclif's types. */
type Runnable = new (argv: string[], config: Config) => { _run(): Promise<unknown> };

export interface MainOptions {
  /** The words after `mqlite`. */
  readonly argv: readonly string[];
  /** The package's directory: `package.json` and `oclif.manifest.json` lie there. */
  readonly root: string;
}

/**
 * Runs one command line. What fails inside a command is reported by the command; what fails around it is reported here,
 * with the same words. Sets `process.exitCode` and returns when the command is over: nothing is cut off on its way out.
 */
export async function main(options: MainOptions): Promise<void> {
  try {
    await run(options);
  } catch (error) {
    if (error instanceof Error && isExitZero(error)) return;
    await report(error, options.argv);
  }
}

/** The contents of `oclif.manifest.json`, made from the command classes. */
export async function buildManifest(root: string): Promise<Interfaces.Manifest> {
  const plugin = await loadPlugin(root, true);
  return plugin.manifest;
}

/** The code's own tables of exit codes, environment and files, for the pages made of the manifest. */
export async function loadReference(): Promise<Reference> {
  return (await import('./reference.ts')).REFERENCE;
}

async function run({ argv, root }: MainOptions): Promise<void> {
  const resolution = resolveCommand(argv, Object.keys(COMMAND_TABLE));
  const plugin = await loadPlugin(root, false);
  const config = new Config({ root, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  switch (resolution.kind) {
    case 'version':
      process.stdout.write(`${config.userAgent}\n`);
      return;
    case 'help': {
      const { PlainHelp } = await import('./plain-help.ts');
      await new PlainHelp(config, config.pjson.oclif.helpOptions).showHelp([...resolution.subject]);
      // Whoever typed the name alone wants to get somewhere.
      if (argv.length === 0 && process.stdout.isTTY) process.stdout.write('At a prompt, with completion and a history: mqlite shell\n');
      return;
    }
    case 'unknown': {
      const { unknownCommand } = await import('./unknown-command.ts');
      throw unknownCommand(resolution.words, Object.keys(COMMAND_TABLE));
    }
    case 'command': {
      const command = (await plugin.findCommand(resolution.id, { must: true })) as unknown as Runnable;
      // `Command.run` would load a second Config; the rest of what it does is this.
      await new command([...resolution.argv], config)._run();
    }
  }
}

async function loadPlugin(root: string, ignoreManifest: boolean): Promise<EmbeddedPlugin> {
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Interfaces.PJSON;
  const plugin = new EmbeddedPlugin({ isRoot: true, root, pjson, ignoreManifest, errorOnManifestCreate: true });
  await plugin.load();
  return plugin;
}

/** oclif ends some runs by throwing an exit of 0. */
function isExitZero(error: Error & { readonly oclif?: { readonly exit?: number } }): boolean {
  return error.oclif?.exit === 0;
}

async function report(error: unknown, argv: readonly string[]): Promise<void> {
  const { describeError, errorJson, errorText } = await import('./error-report.ts');
  const description = describeError(error);
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  process.stderr.write(words.includes('--json') ? `${errorJson(description)}\n` : errorText(description));
  if (description.code === 'BUG' && (words.includes('-v') || words.includes('--verbose')) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = description.exitCode;
}
