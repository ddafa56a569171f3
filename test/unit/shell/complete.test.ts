import { describe, expect, it } from 'vitest';
import { complete, wantedAt } from '../../../src/shell/complete.ts';
import type { Lookups, Name } from '../../../src/shell/complete.ts';
import { cursorAt, replacementOf } from '../../../src/shell/cursor.ts';
import { completeLine } from '../../../src/shell/line-completer.ts';
import type { Session } from '../../../src/shell/session.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { SPECS } from './specs.ts';

const names = (...all: string[]): Promise<Name[]> => Promise.resolve(all.map((name) => ({ name })));

/** Says what it was asked, and of which target. */
function lookups(asked: string[] = []): (flags: ReadonlyMap<string, readonly string[]>) => Lookups {
  return (flags) => {
    const note = (what: string): void => void asked.push([what, ...[...flags].filter(([name]) => name !== 'tag').map(([name, values]) => `${name}=${values.join(',')}`)].join(' '));
    return {
      topics: () => (note('topics'), Promise.resolve([{ name: 'orders' }, { name: 'mails' }, { name: '%RETRY%billing', isSystem: true }, { name: 'evil\u001b[31m' }])),
      groups: () => (note('groups'), names('billing', 'backup')),
      tags: (topic) => (note(`tags of ${topic}`), names('created', 'cancelled', 'two words')),
      profiles: () => (note('profiles'), Promise.resolve([{ name: 'prod', description: 'mq1:9876' }])),
      settings: () => (note('settings'), names('pullBatchSize', 'sendMsgTimeout')),
      files: (prefix, onlyDirectories) => (note(`${onlyDirectories ? 'directories' : 'files'} ${prefix}`), Promise.resolve(onlyDirectories ? [`${prefix}dir/`] : [`${prefix}dir/`, `${prefix}file.txt`])),
    };
  };
}

const valuesOf = async (...words: string[]): Promise<string[]> => (await complete(words, SPECS, lookups())).map(({ value }) => value);

describe('completion', () => {
  it.each<[string[], string[]]>([
    [['pro'], ['produce', 'profile']],
    [['topics', ''], ['alter', 'create', 'delete', 'list', 'show']],
    [['broker', 'config', ''], ['get', 'set']],
    [['help', 'top'], ['topics']],
    [['help', 'topics', 'sh'], ['show']],
    [['xyzzy', ''], []],
    [['topics', 'show', ''], ['mails', 'orders']],
    [['topics', 'show', '%'], ['%RETRY%billing']],
    [['topics', 'show', 'orders', ''], expect.arrayContaining(['--help', '--json', '--store']) as string[]],
    [['topics', 'create', ''], []],
    [['consume', 'orders', ''], ['mails', 'orders']],
    [['consume', 'orders', '--unt'], ['--until-end']],
    [['consume', 'orders', '--until-end', '--unt'], []],
    [['consume', 'orders', '--group', ''], ['backup', 'billing']],
    [['consume', 'orders', '-g', 'bi'], ['billing']],
    [['consume', 'orders', '--group=ba'], ['--group=backup']],
    [['consume', 'orders', '--mode', ''], ['push', 'pull']],
    [['consume', 'orders', '--mode=pul'], ['--mode=pull']],
    [['consume', 'orders', '--from', ''], ['first', 'last', 'committed']],
    [['message', 'find', 'orders', '--from', ''], []],
    [['consume', 'orders', '--tag', 'c'], ['cancelled', 'created']],
    [['consume', 'orders', '--tag', 'created || ca'], ['created || cancelled']],
    [['consume', '--tag', 'c'], []],
    [['consume', 'orders', '--exec', '--', ''], ['dir/', 'file.txt']],
    [['groups', 'create', 'g', '--no-e'], ['--no-enable']],
    [['offsets', 'reset', ''], ['backup', 'billing']],
    [['offsets', 'reset', 'billing', ''], ['mails', 'orders']],
    [['offsets', 'import', ''], ['dir/', 'file.txt']],
    [['produce', 'orders', '--file', 'a'], ['adir/', 'afile.txt']],
    [['topics', 'list', '--store', 'a'], ['adir/']],
    [['topics', 'list', '--profile', ''], ['prod']],
    [['profile', 'use', ''], ['prod']],
    [['profile', 'create', ''], []],
    [['produce', 'orders', '-X', 'send'], ['sendMsgTimeout=']],
    [['produce', 'orders', '--compress', 'z'], ['zlib', 'zstd']],
    [['produce', 'orders', '--', '--t'], []],
    [['completion', ''], ['bash', 'zsh', 'fish']],
    [['dlq', 'redrive', 'billing', '--to-topic', 'o'], ['orders']],
  ])('%j', async (words, expected) => {
    expect(await valuesOf(...words)).toEqual(expected);
  });

  it('offers flags that may come several times again, and those of every command', async () => {
    expect(await valuesOf('produce', 'orders', '--key', 'a', '--ke')).toEqual(['--keep-id', '--keep-queue', '--key']);
    expect(await valuesOf('topics', 'list', '--stor')).toEqual(['--store']);
  });

  it('hidden commands are not offered', async () => {
    expect(await valuesOf('completion', 'cand')).toEqual([]);
  });

  it('asks the target that the line names', async () => {
    const asked: string[] = [];
    await complete(['topics', 'show', '--store', './other', ''], SPECS, lookups(asked));
    await complete(['consume', '--namesrv=mq1:9876', 'orders', '--tag', ''], SPECS, lookups(asked));
    expect(asked).toEqual(['topics store=./other', 'tags of orders namesrv=mq1:9876']);
  });

  it('asks nobody for what it knows', () => {
    expect(wantedAt(['topics', ''], SPECS).kind).toBeUndefined();
    expect(wantedAt(['topics', 'list', '--'], SPECS).kind).toBeUndefined();
  });
});

describe('the cursor', () => {
  it.each([
    ['', { words: [''], start: 0 }],
    ['topics li', { words: ['topics', 'li'], start: 7 }],
    ['topics ', { words: ['topics', ''], start: 7 }],
    ['topics list; gro', { words: ['gro'], start: 13 }],
    ['topics list;', { words: [''], start: 12 }],
    ["consume 'or", { words: ['consume', 'or'], start: 8 }],
    ['consume t > f --unt', { words: ['consume', 't', '--unt'], start: 14 }],
    ['consume t > f; gro', { words: ['gro'], start: 15 }],
    ["consume 'a b' --tag \"x |", { words: ['consume', 'a b', '--tag', 'x |'], start: 20 }],
  ])('%j', (text, expected) => {
    expect(cursorAt(text)).toEqual({ kind: 'words', ...expected });
  });

  it.each([
    ['!cat fi', 'fi', 5],
    ['!fi', 'fi', 1],
    ['consume t | tee ou', 'ou', 16],
    ['consume t > "a', 'a', 13],
    ['produce t < a\\ b', 'a b', 12],
    ['produce t >> ', '', 13],
  ])('%j is a path', (text, path, start) => {
    expect(cursorAt(text)).toEqual({ kind: 'path', path, start });
  });

  it.each(['topics list # li', 'topics list && gro', 'a |'])('%j is nothing', (text) => {
    expect(cursorAt(text).kind).toBe('none');
  });

  it.each([
    ['orders', true, 'orders '],
    ['two words', true, "'two words' "],
    ['~/a b/', false, "~/'a b/'"],
    ['~a', true, "'~a' "],
    ['dir/', false, 'dir/'],
  ])('%j is put in as %j', (value, isFinal, text) => {
    expect(replacementOf({ value, isFinal, description: undefined })).toBe(text);
  });
});

describe('Tab', () => {
  const session: Session = { flags: [], target: [], topic: undefined, group: undefined };
  const tab = (line: string, given: Partial<Session> = {}, begun = '', asked: string[] = []): Promise<[string[], string]> =>
    completeLine(line, begun, { ...session, ...given }, { commands: SPECS, clock: systemClock, lookups: lookups(asked) });

  it('replaces the word that is begun, quoted where it must be', async () => {
    expect(await tab('topics show or')).toEqual([['orders '], 'or']);
    expect(await tab("topics show 'or")).toEqual([['orders '], "'or"]);
    expect(await tab('consume orders --tag tw')).toEqual([["'two words' "], 'tw']);
  });

  it('knows the words of the shell itself', async () => {
    expect(await tab('se')).toEqual([['set '], 'se']);
    expect(await tab('set topic ')).toEqual([['mails ', 'orders '], '']);
    expect(await tab('use pr')).toEqual([['prod ', 'prdir/'], 'pr']);
    expect(await tab('mqlite topics li')).toEqual([['list '], 'li']);
  });

  it('looks at the target of the session, and at its topic', async () => {
    const asked: string[] = [];
    await tab('topics show ', { target: ['--store', '/data'] }, '', asked);
    await tab('topics show --namesrv x:1 ', { target: ['--store', '/data'] }, '', asked);
    await tab('consume --tag ', { topic: 'mails' }, '', asked);
    expect(asked).toEqual(['topics store=/data', 'topics namesrv=x:1', 'tags of mails']);
  });

  it('goes on in a second line, but not with a word of the first', async () => {
    expect(await tab(' --unt', {}, "produce t 'a\nb' \\\n")).toEqual([[], '--unt']);
    expect(await tab('--unt', {}, 'consume t \\\n')).toEqual([['--until-end '], '--unt']);
    expect(await tab('b', {}, "produce t 'a\n")).toEqual([[], 'b']);
  });
});
