import { describe, expect, it } from 'vitest';
import type { MessageRow } from '../../../src/tui/rows.ts';
import { messageTable } from '../../../src/tui/views/messages.ts';
import { lineText } from '../../../src/tui/line.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 0, 0, 1);
const row = (storeTimestamp: number): MessageRow => ({
  kind: 'message', id: String(storeTimestamp), record: { topic: 'T', brokerName: 'a', queueId: 0, queueOffset: 0, commitLogOffset: 0 }, storeTimestamp, commitLogOffset: 0, tags: '', keys: '', body: 'x',
} as unknown as MessageRow);
const shown = (columns: number, ...times: readonly number[]): string => {
  const rows = times.map(row);
  return lineText(messageTable(rows, columns, 0, NOW_MS).row(rows[0]!)).split(' T ')[0]!;
};

describe('when a message was stored', () => {
  it('is told to the millisecond where all are of today, and with its day as soon as one is not', () => {
    expect(shown(78, NOW_MS - 500)).toBe('00:00:00.500');
    expect(shown(78, NOW_MS - 2000, NOW_MS)).toBe('11-26 23:59:59');
    expect(shown(78, NOW_MS, NOW_MS - 2000)).toBe('11-27 00:00:01');
  });

  it('is told whole where there is room', () => {
    expect(shown(158, NOW_MS - 2000)).toBe('2026-11-26 23:59:59.000Z');
  });
});
