import { Args, Flags } from '@oclif/core';
import { MqliteError } from '../../broker/errors.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import type { DeadLettersJson, DlqGroupsJson } from '../../cli/commands/dlq.ts';
import { deadLetterJson, deadLetterTable, dlqGroupTable, groupsWithDeadLetters, letterFilter, letterFlags, requireDlqGroup } from '../../cli/commands/dlq.ts';
import { entriesByLetter, ledgerPath, readLedger } from '../../cli/redrive-ledger.ts';
import { DamageTally } from '../../cli/commands/damage-tally.ts';
import { deadLetters } from '../../client/dead-letters.ts';

const DEFAULT_COUNT = 1000;

export default class DlqList extends BaseCommand<typeof DlqList> {
  static override summary = 'List the groups that have dead letters, or the dead letters of a group';
  static override description = `Of a group: where each one came from, how often it was tried, when it was given up, and whether it was redriven.
What was purged is left out; --from first shows it too. Nothing is written.`;
  static override examples = ['<%= config.bin %> dlq list', '<%= config.bin %> dlq list billing --from @-1h', "<%= config.bin %> dlq list billing --grep 'timeout' --json"];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'consumer group' }) };
  static override flags = { ...letterFlags, count: Flags.integer({ description: 'how many at most', default: DEFAULT_COUNT, min: 1, helpValue: 'N' }) };

  async run(): Promise<DlqGroupsJson | DeadLettersJson> {
    const { group } = this.args;
    if (group !== undefined) return this.#listOne(group);
    const filters = Object.keys(letterFlags).filter((name) => this.flags[name as keyof typeof letterFlags] !== undefined);
    if (filters.length > 0) throw new MqliteError('USAGE', `--${filters[0]} chooses among the dead letters of a group, and none is named`, { hint: 'Name the group: mqlite dlq list GROUP.' });
    const broker = await this.openBroker({ mode: 'read' });
    const groups = await groupsWithDeadLetters(broker);
    if (groups.length === 0) this.notice('no dead letters');
    return this.present({ groups, truncated: false }, () => (groups.length === 0 ? '' : dlqGroupTable(groups, this.tableStyle)));
  }

  async #listOne(group: string): Promise<DeadLettersJson> {
    const { count } = this.flags;
    const filter = letterFilter(this.flags, this.host.clock.nowMs());
    const broker = await this.openBroker({ mode: 'read' });
    await requireDlqGroup(broker, group);
    const entries = entriesByLetter(readLedger(ledgerPath(this.target(), this.config.dataDir, group)));
    const damage = new DamageTally((text) => this.warnLine(text));
    const letters = [];
    for await (const batch of deadLetters(broker, this.host.clock, { group, ...filter, signal: this.stopSignal, onDamage: damage.add })) {
      letters.push(...batch.map((letter) => deadLetterJson(letter, entries.get(letter.offsetMsgId) ?? [])));
      if (letters.length > count) break;
    }
    const shown = letters.slice(0, count);
    if (letters.length === 0) this.notice(`no dead letters of group ${group}`);
    const data = await this.present({ group, deadLetters: shown, truncated: letters.length > count }, () => (shown.length === 0 ? '' : deadLetterTable(shown, this.tableStyle)));
    if (letters.length > count) this.notice(`only ${count} shown; there are more (--count)`);
    damage.judge();
    return data;
  }
}
