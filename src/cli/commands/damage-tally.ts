import { MqliteError } from '../../broker/errors.ts';
import type { DamageReport } from '../../broker/types.ts';
import { plural } from '../../text/numbers.ts';

/** Records that could not be read: each is told at once, and the result is judged by them at the end. */
export class DamageTally {
  readonly #tell: (text: string) => void;
  #count = 0;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  readonly add = (report: DamageReport): void => {
    this.skipped(`${report.queue === null ? '' : `${report.queue.topic}/${report.queue.queueId}@${report.queueOffset ?? '?'}, `}${report.file} at byte ${report.position}: ${report.reason}`);
  };

  skipped(text: string): void {
    this.#count++;
    this.#tell(`damaged record skipped: ${text}`);
  }

  /** Error: VERDICT when there were any. */
  judge(): void {
    if (this.#count > 0) throw new MqliteError('VERDICT', `${plural(this.#count, 'damaged record')} skipped`, { hint: 'See what is wrong with "mqlite store verify".' });
  }
}
