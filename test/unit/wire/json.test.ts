import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { parseJson } from '../../../src/wire/json/parse.ts';
import { JsonPairs } from '../../../src/wire/json/value.ts';
import { writeJson } from '../../../src/wire/json/write.ts';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseJson(text)));

/** For a title. */
const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

describe('parseJson', () => {
  it('takes numbers and words for keys', () => {
    expect(plain('{"brokerAddrs":{0:"a",1:"b",-3:"c",1.5:"d",key:"e"}}')).toEqual({ brokerAddrs: { '0': 'a', '1': 'b', '-3': 'c', '1.5': 'd', key: 'e' } });
  });

  it('takes objects for keys', () => {
    const value = parseJson('{"t":{{"topic":"T","queueId":0}:7,{"topic":"T","queueId":1}:{"x":[{}:1]}}}'.replace('[{}:1]', '[1]')) as { t: JsonPairs };
    expect(value.t).toBeInstanceOf(JsonPairs);
    expect(JSON.parse(JSON.stringify(value.t.entries))).toEqual([[{ topic: 'T', queueId: 0 }, 7], [{ topic: 'T', queueId: 1 }, { x: [1] }]]);
    expect((parseJson('{"a":1,["k"]:2}') as JsonPairs).entries).toEqual([['a', 1], [['k'], 2]]);
  });

  it('loses no digit', () => {
    expect(parseJson('[9223372036854775807,-9223372036854775808,9007199254740991,9007199254740993,1795418961357863439,0,-0]')).toEqual(
      [9223372036854775807n, -9223372036854775808n, 9007199254740991, 9007199254740993n, 1795418961357863439n, 0, -0]);
    expect(parseJson('[1.5,1e3,1.0E10,0.0,12L]')).toEqual([1.5, 1000, 1e10, 0, 12]);
  });

  it('takes what Java, Go and C++ write besides', () => {
    expect(plain(`\ufeff {'a' : 'it\\'s', "b":"\\u4e2d\\x41\\v\\0\\/\\n" , } \n\0`)).toEqual({ a: "it's", b: '中A\v\0/\n' });
    expect(plain('["a","b",]')).toEqual(['a', 'b']);
    expect(plain('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  it('is not misled by what looks like keys inside texts', () => {
    expect(plain('{"a":"{0:1}, 1:2","b":"\\"x\\":{"}')).toEqual({ a: '{0:1}, 1:2', b: '"x":{' });
  });

  it('keeps names that objects have by nature', () => {
    const value = parseJson('{"__proto__":{"x":1},"constructor":2,"toString":3}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(value['hasOwnProperty']).toBeUndefined();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('follows references to what was printed before', () => {
    expect(plain('{"a":{"b c":[{"x":1}]},"d":{"$ref":"$.a.b\\\\ c[0]"},"e":{"$ref":"$.d"},"f":{"$ref":"$[\\"a\\"]"}}')).toEqual(
      { a: { 'b c': [{ x: 1 }] }, d: { x: 1 }, e: { x: 1 }, f: { 'b c': [{ x: 1 }] } });
    expect(plain('{"a":"$ref","b":{"$ref":1},"c":{"$ref":"x","other":1}}')).toEqual({ a: '$ref', b: { $ref: 1 }, c: { $ref: 'x', other: 1 } });
  });

  it('follows very many references in time', () => {
    const queue = (id: number): string => `{"topic":"T","brokerName":"b","queueId":${id}}`;
    const path = '$.t.MessageQueue\\\\ \\\\[topic\\\\=T\\\\,\\\\ brokerName\\\\=b\\\\,\\\\ queueId\\\\=0\\\\]';
    const text = `{"t":{${queue(0)}:{"x":1}${Array.from({ length: 5_000 }, (_, id) => `,${queue(id + 1)}:{"$ref":"${path}"}`).join('')}}}`;
    const { t } = parseJson(text) as { t: JsonPairs };
    expect(t.entries).toHaveLength(5_001);
    expect(t.entries[5_000]![1]).toBe(t.entries[0]![1]);
  });

  it.each([
    ['{"a":{"$ref":"$"}}', /contains it/],
    ['{"a":{"$ref":"$.b"},"b":{"x":{"$ref":"$.a"}}}', /contains it/],
    ['{"a":{"$ref":"$.a"}}', /contains it/],
    ['{"a":{"$ref":".."}}', /where nothing is/],
    ['{"a":{"$ref":"$.b.c"}}', /where nothing is/],
    ['{"a":{"$ref":"$["}}', /where nothing is/],
    [`{"end":{},${Array.from({ length: 300 }, (_, index) => `"a${index}":{"$ref":"$.a${index + 1}"}`).join()},"a300":{"$ref":"$.end"}}`, /too many \$refs behind/],
    // Each level stands for a thousand of the one below.
    [`{"a":[${'0,'.repeat(1000)}0],"b":[${'{"$ref":"$.a"},'.repeat(1000)}0],"c":[${'{"$ref":"$.b"},'.repeat(1000)}0]}`, /those behind \$refs counted/],
  ].map(([text, message]) => [short(text as string), text as string, message as RegExp] as const))('refuses the reference of %s', (_, text, message) => expect(() => parseJson(text)).toThrow(message));

  it.each([
    ['', /ends where a value should be/],
    ['{', /ends where a key should be/],
    ['{"a"}', /":" should be/],
    ['{"a":1 "b":2}', /"," or "}" should be/],
    ['[1 2]', /"," or "\]" should be/],
    ['[,]', /a value should be/],
    ['"abc', /not ended/],
    ['"\\q"', /unknown escape/],
    ['"\\u12g4"', /without its hexadecimal digits/],
    ['"\\u12', /without its hexadecimal digits/],
    ['{} {}', /the end of the text should be/],
    ['nul', /a value should be/],
    ['-', /a number should be/],
    ['undefined', /a value should be/],
    ['1'.repeat(10_000_000), /too many digits/],
    ['['.repeat(65) + ']'.repeat(65), /more than 64 levels/],
    ['{"a":'.repeat(100_000), /more than 64 levels/],
    ['{'.repeat(100_000), /more than 64 levels/],
  ].map(([text, message]) => [short(text as string), text as string, message as RegExp] as const))('refuses %s', (_, text, message) => {
    expect(() => parseJson(text)).toThrow(CodecError);
    expect(() => parseJson(text)).toThrow(message);
  });

  it('refuses more values than it may have', () => {
    const text = `[${'0,'.repeat(99)}0]`;
    expect(parseJson(text, 101)).toHaveLength(100);
    expect(() => parseJson(text, 100)).toThrow(/more than 100 values/);
    expect(() => parseJson('{"a":[0,0,0],"b":{"$ref":"$.a"},"c":{"$ref":"$.a"}}', 10)).toThrow(/more than 10 values, those behind \$refs counted/);
  });
});

describe('writeJson', () => {
  it('writes what Java reads', () => {
    const pairs = new JsonPairs([[{ brokerName: 'b', queueId: 7, topic: 't' }, 5], [{ brokerName: 'b', queueId: 8, topic: 't' }, 9223372036854775807n]]);
    expect(writeJson({ offsetTable: pairs, none: undefined, null: null, list: [1, 'a"b', true, { '0': 'x' }] })).toBe(
      '{"offsetTable":{{"brokerName":"b","queueId":7,"topic":"t"}:5,{"brokerName":"b","queueId":8,"topic":"t"}:9223372036854775807},"null":null,"list":[1,"a\\"b",true,{"0":"x"}]}');
  });
});
