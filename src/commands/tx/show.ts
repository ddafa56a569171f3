import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { TransactionShowJson } from '../../cli/commands/transactions.ts';
import { showTransaction, transactionText } from '../../cli/commands/transactions.ts';
import { findTransaction } from '../../client/transactions.ts';

export default class TxShow extends BaseCommand<typeof TxShow> {
  static override summary = 'Show a transaction: its half message, and what became of it';
  static override description = 'ID is its transactionId, msgId, or the offsetMsgId of a copy of its half message.';
  static override examples = ['<%= config.bin %> tx show AC1100020B5D30946E09000000000001', '<%= config.bin %> tx show 7F00000100002A9F0000000000000000 --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'id of the transaction', required: true }) };

  async run(): Promise<TransactionShowJson> {
    const broker = await this.openBroker({ mode: 'read' });
    const data = await showTransaction(broker, await findTransaction(broker, this.args.id, this.stopSignal));
    return this.present(data, () => transactionText(data, this.out.isTTY));
  }
}
