import { join } from 'node:path';
import { Config } from '@oclif/core';
import type { Command } from '@oclif/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedPlugin } from '../../../src/cli/embedded-plugin.ts';
import { PlainHelp } from '../../../src/cli/plain-help.ts';
import { argsUsage } from '../../../src/cli/usage.ts';

const ROOT = join(import.meta.dirname, '../../..');
let config: Config;
beforeAll(async () => {
  const pjson = (await import('../../../package.json', { with: { type: 'json' } })).default as never;
  const plugin = new EmbeddedPlugin({ isRoot: true, root: ROOT, pjson });
  await plugin.load();
  config = new Config({ root: ROOT, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
});

/** What is printed of a page. */
class PrintedHelp extends PlainHelp {
  text = '';

  protected override log(...lines: string[]): void {
    this.text += `${lines.join(' ')}\n`;
  }
}

const pageOf = async (...subject: string[]): Promise<string> => {
  const help = new PrintedHelp(config, { maxWidth: 120, hideAliasesFromRoot: true });
  await help.showHelp(subject);
  return help.text;
};

const pageOfCommand = async (command: Partial<Command.Cached>): Promise<string> => {
  const help = new PrintedHelp(config, { maxWidth: 60, stripAnsi: true });
  await help.showCommandHelp({ id: 'x', args: {}, flags: {}, aliases: [], hiddenAliases: [], ...command } as unknown as Command.Loadable);
  return help.text;
};

describe('help', () => {
  it('lists each command once', async () => {
    const page = await pageOf();
    expect(page.match(/^ {2}config /gm)).toHaveLength(1);
    expect(page).toMatch(/TOPICS\n[^]*^ {2}broker .*\n[^]*COMMANDS\n[^]*^ {2}config /m);
    expect(await pageOf('broker')).toMatch(/^ {2}broker config {2}Settings/m);
  });

  it('of a command begins with its arguments, not with every flag there is', async () => {
    expect(await pageOf('consume')).toContain('USAGE\n  $ mqlite consume TOPIC... [flags]\n');
    expect(await pageOf('produce')).toContain('USAGE\n  $ mqlite produce TOPIC [BODY] [flags]\n');
    expect(await pageOf('topics', 'list')).toContain('USAGE\n  $ mqlite topics list [flags]\n');
    expect(await pageOfCommand({ flags: { to: { name: 'to', type: 'option', required: true, helpValue: 'WHERE' } } as never })).toContain('$ mqlite x --to WHERE [flags]\n');
  });

  it('has descriptions in lines of its own length, and keeps their paragraphs', async () => {
    const page = await pageOfCommand({ summary: 'Do it', description: 'A sentence whose line was\nbroken in the source and is\nlonger than a line.\n\nAnother one.' });
    expect(page).toContain('DESCRIPTION\n  A sentence whose line was broken in the source and is\n  longer than a line.\n\n  Another one.\n');
    expect(page.match(/Do it/g)).toHaveLength(1);
  });

  it('names arguments as errors do', () => {
    const args = { topic: { name: 'topic', required: true }, body: { name: 'body' }, secret: { name: 'secret', hidden: true } };
    expect(argsUsage({ args, strict: true })).toBe('TOPIC [BODY]');
    expect(argsUsage({ args, strict: false })).toBe('TOPIC... [BODY...]');
    expect(argsUsage({ args: {} })).toBe('');
  });
});
