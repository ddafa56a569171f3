import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import type { TransactionEndJson } from '../../cli/commands/transactions.ts';
import { endByHand } from '../../cli/commands/transactions.ts';
import type { ResumeJson } from '../../cli/commands/resume-transactions.ts';
import { resumeText, resumeTransactions } from '../../cli/commands/resume-transactions.ts';
import { decisionDirectory } from '../../cli/decision-note.ts';
import type { RemoteTarget } from '../../cli/target.ts';
import { MqliteError } from '../../broker/errors.ts';

export default class TxCommit extends BaseCommand<typeof TxCommit> {
  static override summary = 'Commit a pending transaction: its message becomes visible';
  static override description = `In place of the producer group, which is not asked. A transaction that is decided stays as it is: exit 5 names the decision.
A cluster commits each message of "produce --transaction" by itself; --resume commits the rest of one that was killed in between.`;
  static override examples = ['<%= config.bin %> tx commit AC1100020B5D30946E09000000000001', '<%= config.bin %> tx commit 7F00000100002A9F0000000000000000 --json', '<%= config.bin %> tx commit --resume --namesrv localhost:9876'];
  static override args = { id: Args.string({ ignoreStdin: true, description: 'transactionId, msgId or offsetMsgId' }) };
  static override flags = { resume: Flags.boolean({ description: 'go on with what a killed "produce --transaction" had decided (clusters only)' }) };

  async run(): Promise<TransactionEndJson | ResumeJson> {
    const { id } = this.args;
    if (this.flags.resume) {
      const target = this.target();
      if (target.kind === 'local') throw new MqliteError('UNSUPPORTED', '--resume is for clusters: in a store the next command that writes goes on with what was decided', { hint: 'See "mqlite tx list".' });
      if (id !== undefined) throw new MqliteError('USAGE', '--resume and an ID exclude each other', { hint: 'It goes on with whatever was left.' });
      return this.#resume(target);
    }
    if (id === undefined) throw new MqliteError('USAGE', 'missing ID', { hint: 'See "mqlite tx list" for what is pending.' });
    const broker = await this.openBroker({ mode: 'write' });
    const data = await endByHand(broker, id, 'commit', this.stopSignal);
    return this.present(data, () => `committed transaction ${data.transactionId}: ${data.topic}, queue ${data.queueId}, offset ${data.delivered?.queueOffset}\n`);
  }

  async #resume(target: RemoteTarget): Promise<ResumeJson> {
    const { data, failure } = await resumeTransactions(await this.openBroker({ mode: 'write' }), decisionDirectory(target, this.config.dataDir));
    if (data.resumed.length === 0) this.notice('nothing was left to do');
    await this.present(data, resumeText);
    if (failure !== null) throw failure;
    return data;
  }
}
