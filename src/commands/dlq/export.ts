import { Args, Flags } from '@oclif/core';
import { CodecError } from '../../base/codec-error.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { DamageTally } from '../../cli/commands/damage-tally.ts';
import { letterFilter, letterFlags, requireDlqGroup } from '../../cli/commands/dlq.ts';
import { fullJson } from '../../cli/commands/messages.ts';
import { plural } from '../../text/numbers.ts';
import { deadLetters } from '../../client/dead-letters.ts';
import type { Message } from '../../record/message.ts';

export default class DlqExport extends BaseCommand<typeof DlqExport> {
  static override summary = 'Print the dead letters of a group as NDJSON, for "produce --json-input"';
  static override examples = [
    '<%= config.bin %> dlq export billing > dead.ndjson',
    "<%= config.bin %> dlq export billing --tag 'A || B' | <%= config.bin %> produce orders --json-input",
  ];
  static override args = { group: Args.string({ ignoreStdin: true, description: 'consumer group', required: true }) };
  static override flags = { ...letterFlags, count: Flags.integer({ description: 'how many at most', min: 1, helpValue: 'N' }) };

  async run(): Promise<void> {
    const { group } = this.args;
    const filter = letterFilter(this.flags, this.host.clock.nowMs());
    const broker = await this.openBroker({ mode: 'read' });
    await requireDlqGroup(broker, group);
    const damage = new DamageTally((text) => this.warnLine(text));
    let left = this.flags.count ?? Infinity;
    let printed = 0;
    for await (const batch of deadLetters(broker, this.host.clock, { group, ...filter, signal: this.stopSignal, onDamage: damage.add })) {
      const lines = batch.slice(0, left).flatMap((letter) => this.#line(letter, damage));
      left -= batch.length;
      printed += lines.length;
      await this.out.write(lines.join(''));
      if (left <= 0 || this.out.closed) break;
    }
    this.notice(`${plural(printed, 'dead letter')} of group ${group}`);
    damage.judge();
  }

  #line(letter: Message, damage: DamageTally): string[] {
    try {
      return [`${this.jsonText(fullJson(letter))}\n`];
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      damage.skipped(`${letter.topic}/${letter.queueId}@${letter.queueOffset}: ${error.message}`);
      return [];
    }
  }
}
