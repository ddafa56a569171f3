import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findDeadLetters, redrivesOf, redriveText, requireDlqGroup } from '../../cli/commands/dlq.ts';
import type { RedriveJson } from '../../cli/commands/dlq.ts';
import type { MessageJson } from '../../cli/commands/messages.ts';
import { fullJson, messageText } from '../../cli/commands/messages.ts';
import { entriesByLetter, ledgerPath, readLedger } from '../../cli/redrive-ledger.ts';

interface ShownLetterJson {
  readonly group: string;
  readonly message: MessageJson;
  readonly redrives: readonly RedriveJson[];
}

export default class DlqShow extends BaseCommand<typeof DlqShow> {
  static override summary = 'Show one dead letter of a group, with its body';
  static override description = 'ID is the msgId or the offset that "dlq list" shows, or the offsetMsgId of the dead letter. Where several have it, the newest is shown.';
  static override examples = ['<%= config.bin %> dlq show billing 0', '<%= config.bin %> dlq show billing 7F00000100002A9F0000000000000ABC --json'];
  static override args = {
    group: Args.string({ ignoreStdin: true, description: 'consumer group', required: true }),
    id: Args.string({ ignoreStdin: true, description: 'which one', required: true }),
  };

  async run(): Promise<ShownLetterJson> {
    const { group, id } = this.args;
    const broker = await this.openBroker({ mode: 'read' });
    await requireDlqGroup(broker, group);
    const [letter, ...others] = await findDeadLetters(broker, group, id);
    if (others.length > 0) this.notice(`${others.length + 1} dead letters are called ${id}; not shown: ${others.map(({ offsetMsgId }) => offsetMsgId).join(', ')}`);
    const entries = entriesByLetter(readLedger(ledgerPath(this.target(), this.config.dataDir, group)));
    const redrives = redrivesOf(entries.get(letter.offsetMsgId) ?? []);
    return this.present({ group, message: fullJson(letter), redrives }, ({ message }) => {
      const text = messageText(message, this.out.isTTY);
      return redrives.length === 0 ? text : `redriven: ${redriveText(redrives)}\n${text}`;
    });
  }
}
