import { describe, expect, it } from 'vitest';
import { encodeHost, formatHost } from '../../../src/record/host.ts';
import { parseOffsetMsgId, UniqKeyGenerator } from '../../../src/record/message-id.ts';
import { compressionFlags, compressionTypeOf } from '../../../src/record/sys-flag.ts';
import { joinProperties, parseProperties, propertyOf } from '../../../src/record/properties.ts';

const fakeClock = (start: number) => {
  const clock = { now: start, nowMs: () => clock.now, elapsedMs: () => clock.now, repeat: () => ({ within: () => {} }), sleep: async () => {} };
  return clock;
};

describe('hosts', () => {
  it.each([
    ['127.0.0.1:10911', '7f00000100002a9f'],
    ['255.255.255.255:65535', 'ffffffff0000ffff'],
    ['[::1]:1', '00000000000000000000000000000001' + '00000001'],
    ['[fe80::1:0:0:2]:80', 'fe800000000000000001000000000002' + '00000050'],
    ['[1:2:3:4:5:6:7:8]:0', '00010002000300040005000600070008' + '00000000'],
  ])('%s', (text, hex) => {
    expect(encodeHost(text).toString('hex')).toBe(hex);
    expect(formatHost(Buffer.from(hex, 'hex'), 0, hex.length === 40)).toBe(text);
  });

  it('understands an IPv4 tail', () => {
    expect(formatHost(encodeHost('[::ffff:1.2.3.4]:5'), 0, true)).toBe('[::ffff:102:304]:5');
  });

  it.each(['', 'localhost:1', '127.0.0.1', '256.0.0.1:1', '1.2.3.4:65536', '1.2.3.4:-1', '::1:5', '[::1]', '[1::2::3]:4', '[12345::]:1', '[1:2:3]:4', '[:1:2:3:4:5:6:7]:1'])(
    'refuses "%s"',
    (text) => {
      expect(() => encodeHost(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    },
  );
});

describe('offsetMsgId', () => {
  it.each(['', '7F00000100002A9F000000000000000', '7F00000100002A9F000000000000000G', '7F00000100002A9FFFFFFFFFFFFFFFFF', '7F00000100002A9F0020000000000000', '0'.repeat(40)])(
    '"%s" is none',
    (text) => {
      expect(parseOffsetMsgId(text)).toBeNull();
    },
  );
});

describe('UNIQ_KEY', () => {
  const ip = Buffer.from([127, 0, 0, 1]);

  it('holds ip, pid, the number of the process, milliseconds of the month, a counter', () => {
    const monthStart = new Date(2026, 10, 1).getTime();
    const keys = new UniqKeyGenerator({ clock: fakeClock(monthStart + 0x72b840dd), ip, pid: 0x51c08, random: 0x30946e09 });
    expect(keys.next()).toBe('7F000001' + '1C08' + '30946E09' + '72B840DD' + '0000');
    expect(keys.next()).toBe('7F000001' + '1C08' + '30946E09' + '72B840DD' + '0001');
  });

  it('starts over with the month', () => {
    const clock = fakeClock(new Date(2026, 10, 30, 23, 59, 59, 999).getTime());
    const keys = new UniqKeyGenerator({ clock, ip, pid: 1, random: 2 });
    keys.next();
    clock.now += 1;
    expect(keys.next().slice(20, 28)).toBe('00000000');
  });

  it('never repeats: in one millisecond, with the clock going back, across the counter', () => {
    const clock = fakeClock(1_795_416_795_453);
    const keys = new UniqKeyGenerator({ clock, ip, pid: 1, random: 2 });
    const seen = new Set<string>();
    for (let index = 0; index < 200_000; index++) {
      if (index % 50_000 === 49_999) clock.now -= 1000;
      seen.add(keys.next());
    }
    expect(seen.size).toBe(200_000);
  });

  it('two processes with the same ip and pid differ', () => {
    const clock = fakeClock(1_795_416_795_453);
    expect(new UniqKeyGenerator({ clock, ip, pid: 1, random: 2 }).next()).not.toBe(new UniqKeyGenerator({ clock, ip, pid: 1, random: 3 }).next());
  });
});

describe('sysFlag', () => {
  it('names the compression of every type a broker knows', () => {
    expect([0x1, 0x101, 0x201, 0x301, 0x401, 0x701].map(compressionTypeOf)).toEqual(['zlib', 'lz4', 'zstd', 'zlib', null, null]);
    expect([compressionFlags('lz4'), compressionFlags('zstd'), compressionFlags('zlib')]).toEqual([0x101, 0x201, 0x301]);
  });
});

describe('properties', () => {
  it('follow RocketMQ where they are odd', () => {
    const odd = 'a\u0001\u0002' + '\u0001x\u0002' + 'novalue\u0002' + 'k\u0001v\u0001w\u0002' + 'd\u00011\u0002' + 'd\u00012\u0002' + 'd\u0001\u0002' + 'last\u0001one';
    expect({ ...parseProperties(odd) }).toEqual({ k: 'v\u0001w', d: '2', last: 'one' });
    expect(['a', 'k', 'd', 'last', 'novalue'].map((name) => propertyOf(odd, name))).toEqual([null, 'v\u0001w', '2', 'one', null]);
  });

  it('hold names that objects have', () => {
    const properties = parseProperties('__proto__\u0001x\u0002toString\u0001y\u0002');
    expect(Object.entries(properties)).toEqual([['__proto__', 'x'], ['toString', 'y']]);
    expect(parseProperties('').constructor).toBeUndefined();
    expect(joinProperties(properties)).toBe('__proto__\u0001x\u0002toString\u0001y\u0002');
  });

  it.each<[Record<string, string>]>([[{ '': 'v' }], [{ 'a\u0001': 'v' }], [{ a: 'v\u0002' }], [{ a: '' }]])('%j cannot be stored', (properties) => {
    expect(() => joinProperties(properties)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });
});
