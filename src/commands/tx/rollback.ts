import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { TransactionEndJson } from '../../cli/commands/transactions.ts';
import { endByHand } from '../../cli/commands/transactions.ts';

export default class TxRollback extends BaseCommand<typeof TxRollback> {
  static override summary = 'Roll a pending transaction back: nobody will see its message';
  static override description = 'In place of the producer group, which is not asked. A transaction that is decided stays as it is: exit 5 names the decision.';
  static override examples = ['<%= config.bin %> tx rollback AC1100020B5D30946E09000000000001', '<%= config.bin %> tx rollback 7F00000100002A9F0000000000000000 --json'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'transactionId, msgId or offsetMsgId', required: true }) };

  async run(): Promise<TransactionEndJson> {
    const broker = await this.openBroker({ mode: 'write' });
    const data = await endByHand(broker, this.args.id, 'rollback', this.stopSignal);
    return this.present(data, () => `rolled back transaction ${data.transactionId}\n`);
  }
}
