import type { WaitingAtLevel } from '../../client/delayed.ts';
import { formatDuration } from '../../text/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

/** Levels that brokers have different delays for, or that some do not have, in their order. */
export function levelsThatDiffer(levels: readonly WaitingAtLevel[]): number[] {
  const brokers = new Set(levels.map(({ brokerName }) => brokerName)).size;
  return [...byLevel(levels)].filter(([, rows]) => rows.length < brokers || rows.some(({ delayMs }) => delayMs !== rows[0]!.delayMs)).map(([level]) => level);
}

/** A row for each level, with what waits on all brokers together; where they differ, one for each broker. */
export function levelTable(levels: readonly WaitingAtLevel[], style: TableStyle): Promise<string> {
  const different = new Set(levelsThatDiffer(levels));
  const columns = [{ title: 'LEVEL', align: 'right' }, ...(different.size === 0 ? [] : [{ title: 'BROKER' }]), { title: 'DELAY', align: 'right' }, { title: 'WAITING', align: 'right' }] as const;
  const row = (level: number, brokerName: string, delayMs: number, waiting: number): (string | number)[] => [level, ...(different.size === 0 ? [] : [brokerName]), formatDuration(delayMs), waiting];
  const rows = [...byLevel(levels)].flatMap(([level, those]) => (different.has(level)
    ? those.map(({ brokerName, delayMs, waiting }) => row(level, brokerName ?? '-', delayMs, waiting))
    : [row(level, 'all', those[0]!.delayMs, those.reduce((sum, { waiting }) => sum + waiting, 0))]));
  return renderTable(columns, rows, style);
}

function byLevel(levels: readonly WaitingAtLevel[]): Map<number, WaitingAtLevel[]> {
  const map = new Map<number, WaitingAtLevel[]>();
  for (const row of [...levels].sort((left, right) => left.level - right.level)) map.set(row.level, [...(map.get(row.level) ?? []), row]);
  return map;
}
