import { describe, expect, it } from 'vitest';
import { bumpDataVersion, cloneJson, formatBrokerJson, parseBrokerJson } from '../../../../src/engine/state/broker-json.ts';
import type { JsonObject } from '../../../../src/engine/state/broker-json.ts';

describe('parseBrokerJson', () => {
  it('takes bare integer keys, and leaves strings that look like them alone', () => {
    const value = parseBrokerJson('{"t":{0:10,\n\t-1:2 , "a{0:1,2:":"x,{3:4}\\"5:\\\\"}}');
    expect(JSON.stringify(value)).toBe(JSON.stringify({ t: { 0: 10, '-1': 2, 'a{0:1,2:': 'x,{3:4}"5:\\' } }));
  });

  it.each(['9007199254740993', '-9223372036854775808', '9223372036854775807'])('keeps %s exactly', (digits) => {
    expect(formatBrokerJson(parseBrokerJson(`{"a":${digits}}`))).toBe(`{\n\t"a":${digits}\n}`);
    expect(formatBrokerJson(cloneJson(parseBrokerJson(digits)))).toBe(digits);
  });

  it('takes names that are special to JavaScript as plain keys', () => {
    const value = parseBrokerJson('{"__proto__":{"x":1},"constructor":2}') as JsonObject;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as JsonObject)['x']).toBeUndefined();
    expect(formatBrokerJson(cloneJson(value))).toContain('"__proto__":{');
  });

  it.each([
    ['', 'line 1, column 1: expected a value, found end of file'],
    ['{"a":1', 'line 1, column 7: expected "," or "}", found end of file'],
    ['{\n\t"a" 1}', 'line 2, column 6: expected ":", found "1"'],
    ['{"a":1}x', 'line 1, column 8: expected end of file, found "x"'],
    ['{"a":"b', 'expected the end of a string'],
    ['{"a":"\\x"}', 'expected a well-formed string'],
    ['[1,]', 'expected a value, found "]"'],
    ['\0\0\0\0', 'expected a value, found "\\u0000"'],
    ['{"a":01.}', 'expected "," or "}"'],
  ])('refuses %j and says where', (text, message) => {
    expect(() => parseBrokerJson(text)).toThrow(message);
  });

  it('refuses deep nesting instead of overflowing the stack', () => {
    expect(() => parseBrokerJson('['.repeat(1_000_000))).toThrow('at most 200 levels');
  });

  it('writes empty objects and arrays compactly, as the broker does', () => {
    expect(formatBrokerJson({ a: {}, b: [], c: [1, 'x'], d: null, e: 1.5, f: true })).toBe(
      '{\n\t"a":{},\n\t"b":[],\n\t"c":[\n\t\t1,\n\t\t"x"\n\t],\n\t"d":null,\n\t"e":1.5,\n\t"f":true\n}',
    );
  });
});

it('bumpDataVersion: counter and timestamp, stateVersion kept; a missing one is made', () => {
  const root = parseBrokerJson('{"dataVersion":{"counter":9223372036854775806,"stateVersion":3,"timestamp":1}}') as JsonObject;
  bumpDataVersion(root, 77);
  expect(root['dataVersion']).toEqual({ counter: 9223372036854775807n, stateVersion: 3, timestamp: 77 });
  const empty = parseBrokerJson('{}') as JsonObject;
  bumpDataVersion(empty, 5);
  expect(empty['dataVersion']).toEqual({ counter: 1, stateVersion: 0, timestamp: 5 });
});
