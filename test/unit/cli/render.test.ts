import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { editDistance, nearest, suggestion } from '../../../src/cli/did-you-mean.ts';
import { wantsColor } from '../../../src/cli/render/color.ts';
import { escapeControl, escapeControlInJson, escapeControlKeepLines } from '../../../src/text/escape.ts';
import { compileFormat } from '../../../src/text/format-string.ts';
import { toJson } from '../../../src/text/json.ts';
import { formatBytes, formatDuration, formatInteger, formatTime, plural } from '../../../src/text/numbers.ts';
import { renderTable } from '../../../src/cli/render/table.ts';
import type { Message } from '../../../src/record/message.ts';

const MESSAGE = {
  topic: 'T', queueId: 3, queueOffset: 42, commitLogOffset: 4096, tags: null, keys: ['k1', 'k2'], msgId: 'ID', body: Buffer.from([0xff, 0x41]),
  properties: { a: '1', b: 'x' }, storeTimestamp: Date.UTC(2026, 0, 5, 3, 4, 5, 67),
} as unknown as Message;

const format = (text: string): string => compileFormat(text).map((segment) => {
  const piece = typeof segment === 'string' ? segment : segment(MESSAGE);
  return typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1');
}).join('');

describe('format strings', () => {
  it.each([
    ['%t/%p@%o %O %i', 'T/3@42 4096 ID'],
    ['[%g] %k', '[] k1 k2'],
    [String.raw`%v\n%s\t|`, '\xffA\n\xffA\t|'],
    ['%v{hex} %v{base64} %k{hex}', 'ff41 /0E= 6b31206b32'],
    ['%h{%k=%v;}', 'a=1;b=x;'],
    [String.raw`%h{%k{hex}:%v{base64}\n}`, '61:MQ==\n62:eA==\n'],
    ['%d %d{unix} %d{unixmilli}', `2026-01-05T03:04:05.067Z ${Date.UTC(2026, 0, 5, 3, 4, 5) / 1000} ${Date.UTC(2026, 0, 5, 3, 4, 5, 67)}`],
    ['%d{strftime[%F %T.%L %j %a %b %e %I%p %%]}', '2026-01-05 03:04:05.067 005 Mon Jan  5 03AM %'],
    [String.raw`100%% \x41\\`, String.raw`100% A\ `.trim()],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(format(text)).toBe(expected);
  });

  it.each([
    ['%', 0, 'nothing follows "%"'], ['ab%z', 2, 'unknown verb "%z"'], ['%v{hexx}', 3, 'unknown encoding'], ['x%h', 1, '%h needs braces'],
    ['%h{%k', 2, 'this brace is not closed'], ['%h{a%x}', 4, 'inside %h'], ['%d{never}', 3, 'unknown time format'], ['%d{strftime[%F %Q]}', 15, 'unknown directive "%Q"'],
    [String.raw`a\q`, 1, 'unknown escape'], [String.raw`\x4`, 0, 'two hex digits'], ['\\', 0, 'nothing follows "\\"'],
  ])('"%s" is refused at %d', (text, position, message) => {
    try {
      compileFormat(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError);
      expect(error).toMatchObject({ position, message: expect.stringContaining(message) as string });
    }
  });
});

describe('what a terminal must not obey', () => {
  it.each([
    ['\u001b]52;c;ZXZpbA==\u0007', String.raw`\e]52;c;ZXZpbA==\a`],
    ['\u001b]0;title\u001b\\', String.raw`\e]0;title\e\ `.trim()],
    ['a\u009b31mb', String.raw`a\x9b31mb`],
    ['user\u202egnp.exe', String.raw`user\u202egnp.exe`],
    ['\u2066x\u2069\u200b\ufeff', String.raw`\u2066x\u2069\u200b\ufeff`],
    ['\u0000\r\n\t\u007f', String.raw`\0\r\n\t\x7f`],
    ['tag\u{e0041}', String.raw`tag\u{e0041}`],
    ['lone \ud800 end', String.raw`lone \ud800 end`],
    ['häßlich 日本 👨‍👩‍👧', 'häßlich 日本 👨‍👩‍👧'],
  ])('%j', (text, expected) => {
    expect(escapeControl(text)).toBe(expected);
  });

  it('lines and tabs stay where several lines are shown', () => {
    expect(escapeControlKeepLines('a\n\tb\r\u001b')).toBe(String.raw`a` + '\n\tb' + String.raw`\r\e`);
  });

  it('JSON for a terminal is escaped and means the same', () => {
    const value = { text: 'a\u009b\u202e\u{e0001}\u007f\u001b"\\', list: ['\n'] };
    const text = escapeControlInJson(JSON.stringify(value, null, 1));
    // oxlint-disable-next-line no-control-regex -- control characters are the point
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u{e0001}]/u);
    expect(JSON.parse(text)).toEqual(value);
  });

  it('tables escape cells on a terminal, and only what breaks lines and columns on a pipe', async () => {
    const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' as const }];
    const rows = [['a\u001b[31m\tb', 1], ['c', 20]];
    const drawn = await renderTable(columns, rows, { terminal: true, color: false });
    expect(drawn).toContain(String.raw`a\e[31m\tb`);
    expect(drawn).not.toContain('\u001b');
    expect(drawn).toContain('│  1 │');
    expect(await renderTable(columns, rows, { terminal: false, color: false })).toBe('NAME\tN\na\u001b[31m\\tb\t1\nc\t20\n');
    expect(await renderTable(columns, rows, { terminal: true, color: true })).toContain('\u001b[1mNAME');
  });

  it('a table wider than its terminal is a block a row, which no terminal breaks', async () => {
    const columns = [{ title: 'NAME' }, { title: 'COUNT', align: 'right' as const }, { title: 'NOTE' }];
    const rows = [['中文\u001b[31m', 1, ''], ['x'.repeat(30), 20, 'seen']];
    const style = { terminal: true, color: false };
    const table = await renderTable(columns, rows, style);
    const widthColumns = table.indexOf('\n');
    expect(await renderTable(columns, rows, { ...style, widthColumns })).toBe(table);
    expect(await renderTable(columns, rows, { ...style, widthColumns: widthColumns - 1 })).toBe(`NAME   中文\\e[31m\nCOUNT  1\nNOTE\n\nNAME   ${'x'.repeat(30)}\nCOUNT  20\nNOTE   seen\n`);
    expect(await renderTable(columns, rows, { ...style, color: true, widthColumns: 10 })).toContain('\u001b[1mCOUNT\u001b[22m  1\n');
    // Nothing but a head is a table however narrow the terminal.
    expect(await renderTable(columns, [], { ...style, widthColumns: 10 })).toMatch(/^┌/);
    expect(await renderTable(columns, rows, { terminal: false, color: false, widthColumns: 10 })).toMatch(/^NAME\tCOUNT\tNOTE\n/);
  });
});

describe('small renderers', () => {
  it('numbers, sizes, durations, times', () => {
    expect([0, 999, 1000, 1_234_567, -1000].map(formatInteger)).toEqual(['0', '999', '1,000', '1,234,567', '-1,000']);
    expect([0, 1023, 1024, 1536, 10 * 1024 ** 2, 3 * 1024 ** 4].map(formatBytes)).toEqual(['0 B', '1023 B', '1 KiB', '1.50 KiB', '10 MiB', '3 TiB']);
    expect([0, 1.25, 999, 1500, 59_900, 60_000, 3_660_000, 90_061_000, -1500].map(formatDuration)).toEqual(['0ms', '1.3ms', '999ms', '1.5s', '59.9s', '1m', '1h 1m', '1d 1h', '-1.5s']);
    expect([formatTime(null), formatTime(0)]).toEqual(['-', '1970-01-01 00:00:00.000Z']);
    expect([plural(1, 'queue'), plural(2000, 'queue'), plural(2, 'entry', 'entries')]).toEqual(['1 queue', '2,000 queues', '2 entries']);
  });

  it('JSON keeps every digit, of bigint too, and is not fooled by text that looks like its marks', () => {
    expect(toJson({ code: 9_007_199_254_740_993n, list: [-1n], text: '@bigint0:7' })).toContain('"code":9007199254740993,"list":[-1]');
    expect(JSON.parse(toJson({ code: 1n, text: '@bigint0:7', other: '@bigint1:8' }))).toEqual({ code: 1, text: '@bigint0:7', other: '@bigint1:8' });
    expect(toJson({ a: 1 }, 2)).toBe('{\n  "a": 1\n}');
  });

  it('colours only where they are wanted', () => {
    expect(wantsColor(true, false, {})).toBe(true);
    expect([wantsColor(false, false, {}), wantsColor(true, true, {}), wantsColor(true, false, { NO_COLOR: '1' }), wantsColor(true, false, { TERM: 'dumb' })]).toEqual([false, false, false, false]);
    expect(wantsColor(true, false, { NO_COLOR: '' })).toBe(true);
  });

  it('did you mean', () => {
    expect([editDistance('kitten', 'sitting'), editDistance('', 'abc'), editDistance('a', 'A'), editDistance('abcdef', 'x', 2)]).toEqual([3, 3, 0, 3]);
    expect([editDistance('tga', 'tag'), editDistance('ab', 'ba'), editDistance('abc', 'bca')]).toEqual([1, 1, 2]);
    expect(nearest('payment', ['paymemts', 'payments', 'orders', 'payment'])).toEqual(['payments', 'paymemts']);
    expect(suggestion('ordres', ['orders'])).toBe('Did you mean "orders"?');
    expect(suggestion('xyz', ['orders'])).toBeUndefined();
  });
});
