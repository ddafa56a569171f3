import type { RedriveOutcome, RedriveStatus } from '../../client/redrive.ts';
import { MqliteError } from '../../broker/errors.ts';
import { escapeControl } from '../../text/escape.ts';
import { formatInteger, plural } from '../../text/numbers.ts';

export interface RedriveLineJson {
  readonly status: RedriveStatus;
  readonly offsetMsgId: string;
  readonly msgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly originTopic: string | null;
  /** Where it was, or would be, sent. */
  readonly topic: string;
  readonly newOffsetMsgId: string | null;
  readonly reason: string | null;
}

export function redriveJson({ letter, status, topic, newOffsetMsgId, reason }: RedriveOutcome): RedriveLineJson {
  const { offsetMsgId, msgId, queueId, queueOffset, originTopic } = letter;
  return { status, offsetMsgId, msgId, queueId, queueOffset, originTopic, topic, newOffsetMsgId, reason };
}

/** `sent     AC… from Orders -> %RETRY%g 7F…`. */
export function redriveLine({ letter, status, topic, newOffsetMsgId, reason }: RedriveOutcome, terminal: boolean): string {
  const detail = newOffsetMsgId === null ? topic : `${topic} ${newOffsetMsgId}`;
  const line = `${status.padEnd(8)} ${letter.msgId} from ${letter.originTopic ?? '-'} -> ${detail}${reason === null ? '' : `: ${reason}`}`;
  return `${terminal ? escapeControl(line) : line}\n`;
}

/** Counts what happened, and judges it at the end. */
export class RedriveTally {
  readonly #counts = new Map<RedriveStatus, number>();

  add(outcomes: readonly RedriveOutcome[]): void {
    for (const { status } of outcomes) this.#counts.set(status, this.count(status) + 1);
  }

  count(status: RedriveStatus): number {
    return this.#counts.get(status) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `3 sent, 1 sent before`. */
  get text(): string {
    return [...this.#counts].map(([status, count]) => `${formatInteger(count)} ${status === 'already' ? 'sent before' : status}`).join(', ');
  }

  /** Error: VERDICT for messages that were not sent, or of which nobody knows. */
  judge(group: string): void {
    const failed = this.count('failed');
    const unknown = this.count('unknown');
    if (failed + unknown === 0) return;
    const parts = [failed > 0 ? `${plural(failed, 'dead letter')} could not be sent` : '', unknown > 0 ? `of ${plural(unknown, 'dead letter')} it is unknown whether an earlier run sent ${unknown === 1 ? 'it' : 'them'}` : ''];
    throw new MqliteError('VERDICT', parts.filter((part) => part !== '').join('; '), {
      hint: unknown > 0 ? `Look for them with the consumers of ${group}; --resend-unknown sends them again.` : 'The reason stands beside each; run it again when it is gone.',
    });
  }
}
