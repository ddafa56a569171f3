import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';

export default class Produce extends BaseCommand<typeof Produce> {
  static override settingsOf = 'produce';
  static override summary = 'Send messages: an argument, lines of standard input, a file, or NDJSON';
  static override description = `A message is sent as soon as it is read. Without BODY and --file every line of standard input is one message.
A topic that does not exist is created with 4 queues, and so is the store. The first bad line ends the command;
what stands before it is stored.`;

  static override examples = [
    { description: 'One message', command: '<%= config.bin %> produce orders "hello"' },
    { description: 'A message a line, with tag and key', command: 'tail -f app.log | <%= config.bin %> produce logs --tag app --key run-7' },
    { description: 'A whole file as one message, acknowledged as JSON', command: '<%= config.bin %> produce images --file cat.png --json' },
    { description: 'Lose nothing when the store cannot be written: what is left goes to a file', command: 'tail -f app.log | <%= config.bin %> produce logs --spool unsent.ndjson' },
    { description: 'Later; see what waits with "delay list"', command: '<%= config.bin %> produce reminders "call back" --delay 30m' },
    { description: 'All lines or none', command: '<%= config.bin %> produce payments --transaction --group payers < batch.txt' },
    { description: 'Copy a topic', command: '<%= config.bin %> consume orders --until-end --json | <%= config.bin %> produce copy --json-input' },
  ];

  static override args = {
    topic: Args.string({ required: true, ignoreStdin: true, description: 'topic to send to' }),
    body: Args.string({ ignoreStdin: true, description: 'the message; standard input when it is left out' }),
  };

  static override flags = {
    file: Flags.string({ description: 'send the whole file as one message; with --json-input: its lines', helpValue: 'FILE' }),
    'json-input': Flags.boolean({ description: 'a JSON object a line, as "consume --json" prints them' }),
    'keep-id': Flags.boolean({ description: 'with --json-input: keep msgId' }),
    'keep-queue': Flags.boolean({ description: 'with --json-input: keep queueId' }),
    tag: Flags.string({ description: 'tag of the messages', helpValue: 'TAG' }),
    key: Flags.string({ description: 'key to find the messages by; may be repeated', multiple: true, multipleNonGreedy: true, helpValue: 'KEY' }),
    property: Flags.string({ description: 'property of the messages; may be repeated', multiple: true, multipleNonGreedy: true, helpValue: 'NAME=VALUE' }),
    'sharding-key': Flags.string({ description: 'messages of one key go to one queue, in order', helpValue: 'KEY' }),
    queue: Flags.integer({ description: 'queue to send to', min: 0, helpValue: 'N' }),
    'delay-level': Flags.integer({ description: 'deliver later, by a level of "delay levels"', min: 0, helpValue: 'N' }),
    delay: Flags.string({ description: 'deliver so much later, at most 3 days', helpValue: 'DURATION' }),
    'deliver-at': Flags.string({ description: 'deliver at this time; at once when it has passed', helpValue: 'TIME' }),
    batch: Flags.integer({ description: 'most messages of one send', min: 1, max: 65_536, default: 1024, helpValue: 'N' }),
    rate: Flags.string({ description: 'messages per second', helpValue: 'N/s' }),
    flush: Flags.option({ options: ['async', 'sync'] as const, description: 'acknowledge when the system has it, or when the disk has it' })(),
    timeout: Flags.string({ description: 'for one send with all its attempts (3s)', helpValue: 'DURATION' }),
    retries: Flags.integer({ description: 'further attempts of a send that failed for a reason that may pass (2)', min: 0, helpValue: 'N' }),
    'retry-another-broker': Flags.boolean({ description: 'also try another broker when a message is stored and not confirmed' }),
    spool: Flags.string({ description: 'keep what could not be stored in this file, for --json-input, and go on', helpValue: 'FILE' }),
    transaction: Flags.boolean({ description: 'all messages become visible together, or none: nothing is stored before the input has ended' }),
    check: Flags.string({ description: "with --transaction: answers for earlier half messages of the group; body on standard input, exit 0 commits, 1 rolls back, 75 or another: not known yet", helpValue: 'CMD' }),
    group: Flags.string({ description: 'with --transaction: producer group, which is asked about messages without a decision (DEFAULT_PRODUCER)', helpValue: 'GROUP' }),
    oneway: Flags.boolean({ description: 'do not wait for acknowledgements' }),
    'in-flight': Flags.integer({ description: 'most messages sent and not yet acknowledged (1024)', min: 1, helpValue: 'N' }),
    compress: Flags.option({ options: ['zlib', 'lz4', 'zstd'] as const, description: 'compress bodies' })(),
    'no-create': Flags.boolean({ description: 'refuse a topic or store that does not exist' }),
    'skip-empty': Flags.boolean({ description: 'skip empty lines instead of refusing them' }),
  };

  async run(): Promise<void> {
    const { produce } = await import('../cli/produce.ts');
    const target = this.target();
    const decisions = target.kind === 'remote' && this.flags.transaction ? (await import('../cli/decision-note.ts')).decisionDirectory(target, this.config.dataDir) : undefined;
    await produce({
      topic: this.args.topic,
      body: this.args.body,
      flags: this.flags,
      settings: await this.settings(),
      clock: this.host.clock,
      stdin: this.host.stdin,
      out: this.out,
      signal: this.stopSignal,
      openBroker: (create) => this.openBroker({ mode: 'write', create, flush: this.flags.flush }),
      messageCheck: async () => (await import('../cli/open-broker.ts')).messageCheck(this.target(), this.host.clock),
      notice: (text) => this.notice(text),
      decisionDirectory: decisions,
    });
  }
}
