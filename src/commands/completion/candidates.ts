import { BaseCommand } from '../../cli/base-command.ts';

/** Answers the scripts of `mqlite completion`: within their patience or not at all, and never with an error. */
export default class CompletionCandidates extends BaseCommand<typeof CompletionCandidates> {
  static override hidden = true;
  static override strict = false;
  static override summary = 'What can stand for the last word of a command line: a value a line, a tab, what it is';

  static override examples = ['<%= config.bin %> completion candidates -- topics show'];

  async run(): Promise<void> {
    const { printCandidates } = await import('../../cli/print-candidates.ts');
    // As they were typed: the parser sorts words, and takes out those that it knows.
    const words = this.argv.slice(this.argv.indexOf('--') + 1);
    await printCandidates({ config: this.config, host: this.host, words, write: (text) => this.out.write(text) });
  }

  override async catch(): Promise<void> {
    // Whoever presses Tab has not asked to be told what is wrong.
    this.parsed = true;
  }
}
