import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { TransactionListJson } from '../../cli/commands/transactions.ts';
import { describeTransaction, transactionTable } from '../../cli/commands/transactions.ts';
import { plural } from '../../text/numbers.ts';
import { listTransactions } from '../../client/transactions.ts';

const DEFAULT_LIMIT = 1000;

export default class TxList extends BaseCommand<typeof TxList> {
  static override summary = 'List the transactions that are pending, and those that were given up';
  static override description = `A half message is pending until its producer group commits it or rolls it back. One about which nobody knew after
15 checks, or for 72 hours, is given up: its message is kept in TRANS_CHECK_MAX_TIME_TOPIC. Looking asks nobody and writes nothing.`;
  static override examples = ['<%= config.bin %> tx list', '<%= config.bin %> tx list --all --group payers --json'];
  static override flags = {
    all: Flags.boolean({ description: 'the decided ones too, as far as the store still holds them' }),
    group: Flags.string({ description: 'only those of this producer group', helpValue: 'GROUP' }),
    limit: Flags.integer({ description: 'show at most N, the oldest first', min: 1, default: DEFAULT_LIMIT, helpValue: 'N' }),
  };

  async run(): Promise<TransactionListJson> {
    const { all, group, limit } = this.flags;
    const broker = await this.openBroker({ mode: 'read' });
    const found = (await listTransactions(broker, { withEnded: all, signal: this.stopSignal })).filter(({ producerGroup }) => group === undefined || producerGroup === group);
    const transactions: TransactionListJson['transactions'][number][] = [];
    for (const transaction of found.slice(0, limit)) transactions.push(await describeTransaction(broker, transaction));
    if (found.length === 0) this.notice(all ? 'no transactions' : 'no transaction is pending or was given up; see --all');
    if (found.length > limit) this.notice(`${plural(found.length - limit, 'transaction')} more; see --limit`);
    return this.present({ transactions, truncated: found.length > limit }, () => transactionTable(transactions, this.tableStyle));
  }
}
