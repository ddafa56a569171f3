import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { dlqTopicOf, isDlqTopic, retryTopicOf } from '../../broker/retry-topics.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { DamageTally } from '../../cli/commands/damage-tally.ts';
import { letterFilter, letterFlags, requireDlqGroup } from '../../cli/commands/dlq.ts';
import { redriveJson, redriveLine, RedriveTally } from '../../cli/commands/dlq-redrive.ts';
import { requireTopic } from '../../cli/commands/lookup.ts';
import { targetText } from '../../cli/commands/plan.ts';
import { LedgerFile, entryKey, ledgerPath, readLedger } from '../../cli/redrive-ledger.ts';
import { parseRate } from '../../text/time.ts';
import { deadLetters } from '../../client/dead-letters.ts';
import type { RedriveLedger, RedriveOutcome } from '../../client/redrive.ts';
import { redrive } from '../../client/redrive.ts';

export default class DlqRedrive extends BaseCommand<typeof DlqRedrive> {
  static override summary = 'Send dead letters to their group again, or to a topic';
  static override description = `Each goes to the retry topic of the group, which alone consumes it, as if it had never failed. --to-topic publishes them to a topic
and so to all of its groups. What happened to each is printed; a letter that was sent once is not sent again.
After a crash, those that were under way are looked for; what is not found is unknown, and is left alone unless --resend-unknown is given.`;
  static override examples = [
    '<%= config.bin %> dlq redrive billing --dry-run',
    '<%= config.bin %> dlq redrive billing --tag paid --rate 100/s',
    '<%= config.bin %> dlq redrive billing --from @-1h --to-topic orders --json',
  ];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'consumer group', required: true }) };
  static override flags = {
    ...letterFlags,
    count: Flags.integer({ description: 'send N at most', min: 1, helpValue: 'N' }),
    rate: Flags.string({ description: 'messages per second', helpValue: 'N/s' }),
    'to-topic': Flags.string({ description: 'publish them to this topic instead', helpValue: 'TOPIC' }),
    'dry-run': Flags.boolean({ description: 'say what would be sent, send nothing' }),
    'resend-unknown': Flags.boolean({ description: 'send also those of which it is unknown whether they were sent' }),
  };

  async run(): Promise<void> {
    const { group } = this.args;
    const { flags } = this;
    const dryRun = flags['dry-run'];
    const toTopic = flags['to-topic'];
    if (toTopic !== undefined && isDlqTopic(toTopic)) throw new MqliteError('USAGE', `--to-topic ${toTopic} is a dead-letter topic`, { hint: 'Name the topic that the messages are for.' });
    const filter = letterFilter(flags, this.host.clock.nowMs());
    const ratePerSecond = flags.rate === undefined ? undefined : parseRate(flags.rate, '--rate');
    const broker = await this.openBroker({ mode: dryRun ? 'read' : 'write' });
    await requireDlqGroup(broker, group);
    if (toTopic !== undefined) await requireTopic(broker, toTopic);
    const topic = toTopic ?? retryTopicOf(group);
    this.notice(`${dryRun ? 'would redrive' : 'redriving'} dead letters of ${group} to ${toTopic === undefined ? `${topic} (that group alone)` : `topic ${topic} and with it to all of its groups`}, ${targetText(this.target())}`);

    const tally = new RedriveTally();
    const damage = new DamageTally((text) => this.warnLine(text));
    const { ledger, close } = await this.#openLedger(group, dryRun);
    try {
      await redrive(broker, this.host.clock, ledger, {
        letters: deadLetters(broker, this.host.clock, { group, ...filter, signal: this.stopSignal, onDamage: damage.add }),
        topic, dryRun, ratePerSecond, resendUnknown: flags['resend-unknown'], count: flags.count, signal: this.stopSignal,
        onOutcomes: async (outcomes) => {
          tally.add(outcomes);
          await this.#print(outcomes);
        },
      });
    } finally {
      close();
    }
    if (tally.total > 0) this.notice(tally.text);
    damage.judge();
    if (tally.total === 0 && !this.stopSignal.aborted) {
      throw new MqliteError('NOT_FOUND', `nothing to redrive: ${dlqTopicOf(group)} has no ${hasFilter(flags) ? 'such ' : ''}dead letters`, { hint: `See "mqlite dlq list ${group}".` });
    }
    tally.judge(group);
  }

  /** A dry run looks into the ledger and leaves it alone. */
  async #openLedger(group: string, dryRun: boolean): Promise<{ readonly ledger: RedriveLedger; readonly close: () => void }> {
    const file = ledgerPath(this.target(), this.config.dataDir, group);
    if (!dryRun) {
      const ledger = await LedgerFile.open(file, group, this.host.clock);
      return { ledger, close: () => ledger.close() };
    }
    const entries = readLedger(file);
    return { ledger: { last: (offsetMsgId, topic) => entries.get(entryKey(offsetMsgId, topic)), record: () => undefined }, close: () => undefined };
  }

  async #print(outcomes: readonly RedriveOutcome[]): Promise<void> {
    await this.out.write(outcomes.map((outcome) => (this.flags.json ? `${this.jsonText(redriveJson(outcome))}\n` : redriveLine(outcome, this.out.isTTY))).join(''));
  }
}

const hasFilter = (flags: Readonly<Record<string, unknown>>): boolean => Object.keys(letterFlags).some((name) => flags[name] !== undefined);
