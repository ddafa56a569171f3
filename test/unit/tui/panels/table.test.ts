import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../../../src/text/columns.ts';
import { ageCell, bar, brokerQueueCell, idCell, integerCell, lagCell, rateCell } from '../../../../src/tui/panels/cells.ts';
import { textLine } from '../../../../src/tui/panels/lines.ts';
import { headerLine, placeColumns, rowLine } from '../../../../src/tui/panels/table.ts';
import type { Column } from '../../../../src/tui/panels/table.ts';
import { FAMILY, textOf } from './support.ts';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly body: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'NAME', min: 6, wanted: 10, max: 20, keep: 3, cell: ({ name }) => ({ text: name, tone: 'strong' }) },
  { header: 'COUNT', align: 'right', min: 5, wanted: 7, keep: 2, cell: ({ count }, width) => integerCell(count, width) },
  { header: 'BODY', min: 8, wanted: 12, max: 60, keep: 1, cell: ({ body }) => body },
];
const ROW: Row = { name: '订单订单订单订单', count: 1_234_567, body: `a${FAMILY}b\u001b[2J\u202e` };
const at = (width: number, row: Row = ROW): string[] => {
  const table = placeColumns(COLUMNS, width);
  return [textOf(headerLine(table)), textOf(rowLine(table, row))];
};

describe('placeColumns', () => {
  it('gives everything what it wants where there is room, and the rest to those that can use it', () => {
    expect(placeColumns(COLUMNS, 31).columns.map(({ widthColumns }) => widthColumns)).toEqual([10, 7, 12]);
    expect(placeColumns(COLUMNS, 120).columns.map(({ widthColumns }) => widthColumns)).toEqual([20, 7, 60]);
    expect(placeColumns(COLUMNS, 200).columns.map(({ widthColumns }) => widthColumns)).toEqual([20, 7, 60]);
    // In proportion to what they want, until one has all that it can use.
    expect(placeColumns(COLUMNS, 60).columns.map(({ widthColumns }) => widthColumns)).toEqual([20, 7, 31]);
  });

  it('takes from those that are kept least, first their room and then themselves', () => {
    expect(placeColumns(COLUMNS, 27).columns.map(({ widthColumns }) => widthColumns)).toEqual([10, 7, 8]);
    expect(placeColumns(COLUMNS, 22).columns.map(({ widthColumns }) => widthColumns)).toEqual([7, 5, 8]);
    expect(placeColumns(COLUMNS, 20).columns.map(({ column }) => column.header)).toEqual(['NAME', 'COUNT']);
    expect(placeColumns(COLUMNS, 11).columns.map(({ column, widthColumns }) => [column.header, widthColumns])).toEqual([['NAME', 11]]);
    expect(placeColumns(COLUMNS, 3).columns.map(({ widthColumns }) => widthColumns)).toEqual([3]);
  });

  it('shows what is extra only where nothing else gives way for it', () => {
    const withExtra = [...COLUMNS, { header: 'AT', min: 4, wanted: 6, keep: 0, isExtra: true, cell: () => 'now' }];
    const headers = (width: number): string[] => placeColumns(withExtra, width).columns.map(({ column }) => column.header);
    expect(headers(37)).toEqual(['NAME', 'COUNT', 'BODY']);
    expect(headers(38)).toEqual(['NAME', 'COUNT', 'BODY', 'AT']);
  });

  it('lines of every width are as wide as their header, and no wider than the screen', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 250 }), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (width, name, body) => {
      const [header, row] = at(width, { name, count: 12, body }).map(columnsOf);
      expect(row).toBe(header);
      expect(row).toBeLessThanOrEqual(width);
    }));
  });
});

describe('rowLine', () => {
  it('keeps wide characters whole, numbers to the right and user data harmless', () => {
    const [header, row] = at(31);
    expect(header).toBe('NAME         COUNT BODY        ');
    expect(row).toBe(`订单订单…  1234567 a${FAMILY}b\\e[2J\\u…`);
  });

  it('joins neighbours that look the same', () => {
    expect(rowLine(placeColumns(COLUMNS, 31), { name: 'a', count: 1, body: 'b' })).toEqual([{ text: 'a         ', tone: 'strong' }, { text: '       1 b           ' }]);
  });
});

describe('textLine', () => {
  it('is cut where the screen ends, with a mark', () => {
    expect(textLine([{ text: '12 queues' }, { text: ', and more', tone: 'warn' }], 40)).toEqual([{ text: '12 queues' }, { text: ', and more', tone: 'warn' }]);
    expect(textLine([{ text: '12 queues' }, { text: ', and more', tone: 'warn' }], 12)).toEqual([{ text: '12 queues' }, { text: ', …', tone: 'warn' }]);
    expect(textOf(textLine([{ text: '12 queues\u001b[2J' }, { text: 'x' }], 9))).toBe('12 queue…');
  });
});

describe('cells', () => {
  it('numbers stay numbers in a narrow column', () => {
    expect([1_234_567, 999_999, 12, 0].map((value) => integerCell(value, 9))).toEqual(['1,234,567', '999,999', '12', '0']);
    expect([1_234_567, 999_999, 123_456_789_012].map((value) => integerCell(value, 6))).toEqual(['1.2M', '999999', '123.4G']);
    expect(integerCell(123_456_789, 4)).toBe('123M');
    expect([rateCell(1_234_567, 7), rateCell(999.4, 7), rateCell(0.25, 7), rateCell(0, 7), rateCell(null, 7)].map(({ text }) => text)).toEqual(['1.2M/s', '999/s', '0.25/s', '0/s', 'unknown']);
    expect([lagCell(null, 8), lagCell(0, 8)]).toEqual(['unknown', '0']);
  });

  it('ages are in whole seconds', () => {
    expect([0, 999, 1000, 90_500, 3_600_000, 90_061_000].map((ms) => ageCell(ms, 8))).toEqual(['0s', '0s', '1s', '1m 30s', '1h', '1d 1h']);
    expect(ageCell(86_399_000, 5)).toBe('23h');
  });

  it('ids show their end', () => {
    expect([idCell('7F00000100', 10), idCell('7F00000100', 5), idCell('键中文', 5), idCell('a\u001bb', 4)]).toEqual(['7F00000100', '…0100', '…中文', 'a\\eb']);
  });

  it('queues of several brokers show the ends of their names', () => {
    const cell = (queueId: number, brokerName: string, width: number): string => brokerQueueCell({ topic: 'T', brokerName, queueId }, width);
    expect([10, 9, 6, 5].map((width) => cell(0, 'broker-a', width))).toEqual(['0@broker-a', '0@br…er-a', '0@b…-a', '0@…-a']);
    expect([cell(0, 'broker-a', 5), cell(0, 'broker-b', 5), cell(12, 'broker-b', 5)]).toEqual(['0@…-a', '0@…-b', '12@…b']);
    expect(columnsOf(cell(1, '订单订单', 7))).toBeLessThanOrEqual(7);
  });

  it('bars are in eighths of a column, and something is never nothing', () => {
    expect([0, 0.0001, 0.5, 1].map((part) => bar(part, 5))).toEqual(['     ', '▏    ', '██▌  ', '█████']);
  });
});
