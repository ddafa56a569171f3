import type { DamageReport } from '../../broker/types.ts';

/** So many places are kept: a follower of a damaged queue meets the same ones, and new ones, for as long as it lives. */
const MAX_KEPT = 1000;

/** The first places of damage that were met, each once. */
export class DamageList {
  readonly first: DamageReport[] = [];
  readonly #known = new Set<string>();

  add(reports: readonly DamageReport[]): void {
    for (const report of reports) {
      if (this.first.length === MAX_KEPT) return;
      const place = `${report.file}:${report.position}`;
      if (this.#known.has(place)) continue;
      this.#known.add(place);
      this.first.push(report);
    }
  }
}
