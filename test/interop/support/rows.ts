import type { TruthRow } from './store-copy.ts';

/** A failing comparison of thousands of rows stays readable. */
const MAX_LINES = 10;

const place = (row: TruthRow): string => `${row.topic}/${row.queueId}/${row.queueOffset}`;

export function byPlace(rows: readonly TruthRow[]): Map<string, TruthRow> {
  const map = new Map<string, TruthRow>();
  for (const row of rows) {
    if (map.has(place(row))) throw new Error(`${place(row)} came twice`);
    map.set(place(row), row);
  }
  return map;
}

/**
 * What differs between two readings of one store, a line each: rows of `expected` that `actual` lacks or has with another
 * value in any field of the expected row, and rows that only `actual` has, unless they were stored at or after `since`
 * (a running broker goes on writing to its system topics).
 */
export function differences(actual: readonly TruthRow[], expected: readonly TruthRow[], since = Infinity): string[] {
  const found = byPlace(actual);
  const wanted = byPlace(expected);
  const lines: string[] = [];
  for (const [where, row] of wanted) {
    const other = found.get(where);
    if (other === undefined) lines.push(`${where} is missing`);
    else lines.push(...fieldDifferences(where, other, row));
  }
  for (const [where, row] of found) {
    if (!wanted.has(where) && row.storeTimestamp < since) lines.push(`${where} is there, but was not expected`);
  }
  return lines.length <= MAX_LINES ? lines : [`${lines.length} differences`, ...lines.slice(0, MAX_LINES)];
}

function fieldDifferences(where: string, actual: TruthRow, expected: TruthRow): string[] {
  const fields = Object.keys(expected) as (keyof TruthRow)[];
  return fields
    .filter((field) => canonical(actual[field]) !== canonical(expected[field]))
    .map((field) => `${where}: ${field} is ${canonical(actual[field])}, expected ${canonical(expected[field])}`);
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  return JSON.stringify(Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)));
}
