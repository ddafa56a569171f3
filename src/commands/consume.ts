import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { MqliteError } from '../broker/errors.ts';
import { cutExecWords } from '../cli/exec-words.ts';
import { groupFlags } from '../cli/group-flags.ts';
import { readFlags } from '../cli/read-flags.ts';

export default class Consume extends BaseCommand<typeof Consume> {
  static override settingsOf = 'consume';
  static override summary = 'Print messages: browse topics, or take part in a group';
  static override description = `Without --group nothing is written and nothing is committed. With --group what was printed is committed every 5 s
and at the end, and the group's live members, in whatever processes, share the queues: each is read by one of them at a time. Every
message is consumed at least once: what a member had not yet committed when it died comes again to another.

Follows until Ctrl-C unless --count, --timeout, --to or --until-end ends it.

--exec CMD runs CMD by /bin/sh, --exec -- PROGRAM ARGUMENTS without a shell, with MQ_TOPIC, MQ_MSG_ID, MQ_KEYS, MQ_TAGS, MQ_RECONSUME_TIMES,
MQ_QUEUE_ID, MQ_QUEUE_OFFSET and MQ_PROPERTY_<NAME> in its environment. It ends 0: consumed. 75: the queue rests, then the same message again.
126 and 127: no such command, the end. Anything else: the message comes again later, at last as a dead letter (see "dlq").
With --json a line says what became of each message, and what CMD prints goes to stderr.

On a pipe each message is its body and a newline; positions are first, last, committed, OFFSET, -N, @TIME and @-1h.`;

  static override examples = [
    { description: 'Everything there is, one body a line', command: '<%= config.bin %> consume orders --until-end' },
    { description: 'As a member of a group, as JSON', command: '<%= config.bin %> consume orders --group billing --json' },
    { description: 'Strictly in order by queue, wherever the queue moves', command: '<%= config.bin %> consume orders --group billing --orderly' },
    { description: 'Every message to every process', command: '<%= config.bin %> consume orders --group caches --broadcast --instance cache-1' },
    { description: 'The last ten, then wait for more', command: '<%= config.bin %> consume orders --from -10' },
    { description: 'What came in the last hour with tag A or B', command: "<%= config.bin %> consume orders --from @-1h --until-end --tag 'A || B'" },
    { description: 'What SQL92 says, over properties', command: `<%= config.bin %> consume orders --until-end --sql "price > 100 AND region IN ('eu', 'us')"` },
    { description: 'A command for each message; those it fails on come again later', command: "<%= config.bin %> consume orders --group billing --exec './bill \"$MQ_KEYS\"'" },
    { description: 'A format of your own', command: String.raw`<%= config.bin %> consume orders --format '%p@%o %k %v\n'` },
  ];

  static override strict = false;
  static override args = {
    topic: Args.string({ name: 'TOPIC', required: true, ignoreStdin: true, description: 'topic; several are read as one stream' }),
  };

  static override flags = {
    group: Flags.string({ char: 'g', description: 'consume as a member of this group', helpValue: 'GROUP' }),
    from: Flags.string({ description: 'where to start (first); a group with committed offsets goes on from them', helpValue: 'POSITION' }),
    to: Flags.string({ description: 'first position not wanted', helpValue: 'POSITION' }),
    exec: Flags.string({ description: 'run this for each message, the body on its standard input (see the description)', helpValue: 'CMD' }),
    suspend: Flags.string({ description: 'with --exec: how long the queue rests when the command ends 75 (30s)', helpValue: 'DURATION' }),
    'max-reconsume': Flags.integer({ description: 'with --exec: how often a message comes again before it is dead (16, or what the group has)', min: 0, helpValue: 'N' }),
    ...groupFlags,
    ...readFlags,
  };

  #execWords: readonly string[] = [];

  override async init(): Promise<void> {
    const { argv, words } = cutExecWords(this.argv);
    this.argv = argv;
    this.#execWords = words;
    await super.init();
  }

  async run(): Promise<void> {
    if (this.flags.set !== undefined) (await import('../cli/settings.ts')).refuseSettingsWithout(this.flags.set, this.flags);
    if (this.flags.group !== undefined && this.flags['read-only']) {
      throw new MqliteError('USAGE', '--read-only: consuming as a group commits offsets', { hint: 'Leave out --group to look without committing.' });
    }
    const { consume } = await import('../cli/consume.ts');
    await consume({
      topics: this.words,
      flags: this.flags,
      settings: await this.settings(),
      clock: this.host.clock,
      out: this.out,
      signal: this.stopSignal,
      openBroker: () => this.openBroker({ mode: this.flags.group === undefined ? 'read' : 'write' }),
      onDamage: (text) => this.warnLine(text),
      execWords: this.#execWords,
      onNotice: (text) => this.notice(text),
      onDetail: (text) => this.detail(text),
    });
  }
}
