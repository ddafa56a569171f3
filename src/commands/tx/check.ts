import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { plural } from '../../text/numbers.ts';
import { commandSpec } from '../../cli/run-command.ts';
import { parseDuration } from '../../text/time.ts';
import { commandChecker, noChecks } from '../../cli/transaction-checker.ts';

export interface TxCheckJson {
  readonly producerGroup: string;
  /** Half messages that the command was asked about, and its answers. */
  readonly asked: number;
  readonly committed: number;
  readonly rolledBack: number;
  readonly unknown: number;
}

export default class TxCheck extends BaseCommand<typeof TxCheck> {
  static override summary = "Ask a command about a group's pending transactions, as a broker asks their producer";
  static override description = `CMD is run by /bin/sh once for each half message that is old enough: the body on standard input, MQ_TOPIC, MQ_MSG_ID, MQ_KEYS,
MQ_TAGS and MQ_PROPERTY_<NAME> in its environment. Exit 0 commits, 1 rolls back, 75 or any other says that it does not know yet: that is
counted, and after --max-checks answers the transaction is given up. 126 and 127 (cannot be run) end this command, exit 2.
On a cluster, with --follow, brokers ask when they will and count by themselves (transactionTimeOut, transactionCheckInterval,
transactionCheckMax); without it the pending ones are asked about at once.`;
  static override examples = [
    '<%= config.bin %> tx check --group payers --exec "./was-it-paid.sh"',
    '<%= config.bin %> tx check --group payers --exec "exit 1" --older-than 10m --json',
    '<%= config.bin %> tx check --group payers --exec "./was-it-paid.sh" --follow --interval 10s',
  ];
  static override flags = {
    group: Flags.string({ description: 'producer group to answer for', required: true, helpValue: 'GROUP' }),
    exec: Flags.string({ description: 'command that knows what became of a message', required: true, helpValue: 'CMD' }),
    'older-than': Flags.string({ description: 'leave younger half messages to their producer (transactionTimeOut)', default: '6s', helpValue: 'DURATION' }),
    'max-checks': Flags.integer({ description: 'give up after so many answers without a decision (transactionCheckMax)', min: 1, default: 15, helpValue: 'N' }),
    follow: Flags.boolean({ description: 'go on asking until the command is stopped' }),
    interval: Flags.string({ description: 'with --follow: time between two rounds (transactionCheckInterval)', default: '30s', helpValue: 'DURATION' }),
  };

  async run(): Promise<TxCheckJson> {
    const { group, exec, follow } = this.flags;
    const command = commandSpec('--exec', exec, []);
    const options = {
      timeoutMs: parseDuration(this.flags['older-than'], '--older-than'), intervalMs: parseDuration(this.flags.interval, '--interval'),
      maxChecks: this.flags['max-checks'], once: !follow,
    };
    const broker = await this.openBroker({ mode: 'write' });
    const counts = noChecks();
    const checker = commandChecker('--exec', command, this.stopSignal, { counts, detail: (text) => this.detail(text) });
    await broker.checkTransactions(group, checker, this.stopSignal, options);
    const data = { producerGroup: group, asked: counts.asked, committed: counts.commit, rolledBack: counts.rollback, unknown: counts.unknown };
    return this.present(data, () => `asked about ${plural(data.asked, 'transaction')} of ${group}: ${data.committed} committed, ${data.rolledBack} rolled back, ${data.unknown} not known yet\n`);
  }
}
