import { describe, expect, it } from 'vitest';
import { findCommand } from '../../../src/shell/command-spec.ts';
import { promptText } from '../../../src/shell/prompt.ts';
import { homePath } from '../../../src/text/home-path.ts';
import type { Session } from '../../../src/shell/session.ts';
import { applySession, commonFlags, setDefault, targetFlags, unsetDefaults } from '../../../src/shell/session.ts';
import { useWords } from '../../../src/shell/use.ts';
import { SPECS } from './specs.ts';

const NONE: Session = { flags: [], target: [], topic: undefined, group: undefined };
const applied = (line: string, session: Partial<Session>, hasInput = false): string => {
  const words = line.split(' ');
  return applySession(words, findCommand(words, SPECS)!, { ...NONE, ...session }, hasInput).join(' ');
};

describe('what a session adds', () => {
  const target = { target: ['--store', '/s'] };

  it.each<[string, Partial<Session>, string]>([
    ['topics list', {}, 'topics list'],
    ['topics list --all', target, 'topics list --store /s --all'],
    ['topics list --store /t', target, 'topics list --store /t'],
    ['topics list --namesrv=a:1', target, 'topics list --namesrv=a:1'],
    ['produce t -- --store', target, 'produce --store /s t -- --store'],
    ['profile create p --store /t', target, 'profile create p --store /t'],
    ['profile create p', target, 'profile create p'],
    ['profile show', target, 'profile show --store /s'],
    ['profile show --json', target, 'profile show --store /s --json'],
    ['profile show p', target, 'profile show p'],
    ['profile show --profile p', target, 'profile show --profile p'],
    ['topics list -X a=2', { target: ['--namesrv', 'x:1', '--set=a=1'] }, 'topics list --namesrv x:1 --set=a=1 -X a=2'],
    ['topics list --namesrv y:1', { target: ['--namesrv', 'x:1', '--set=a=1'] }, 'topics list --namesrv y:1'],
    ['config', { target: ['--namesrv', 'x:1', '--set=a=1'] }, 'config'],
    ['config', target, 'config'],
    ['topics list', { flags: ['--json', '--lock-timeout=1s'] }, 'topics list --json --lock-timeout=1s'],
    ['topics list --json', { flags: ['--json'] }, 'topics list --json'],
  ])('%s', (line, session, expected) => {
    expect(applied(line, session)).toBe(expected);
  });

  const topic = { topic: 'orders' };
  const group = { group: 'billing' };
  it.each<[string, Partial<Session>, string]>([
    ['topics show', topic, 'topics show orders'],
    ['topics show mails', topic, 'topics show mails'],
    ['topics delete', topic, 'topics delete'],
    ['topics create', topic, 'topics create'],
    ['consume --until-end', topic, 'consume orders --until-end'],
    ['consume mails', topic, 'consume mails'],
    ['consume --count 3', topic, 'consume orders --count 3'],
    ['tail', topic, 'tail'],
    ['produce body', topic, 'produce orders body'],
    ['produce mails body', topic, 'produce mails body'],
    ['produce', topic, 'produce orders'],
    ['produce mails --file f', topic, 'produce mails --file f'],
    ['produce --tag a', topic, 'produce orders --tag a'],
    ['consume --exec -- cat -n', topic, 'consume orders --exec -- cat -n'],
    ['consume', group, 'consume --group billing'],
    ['consume t --group other', group, 'consume t --group other'],
    ['consume', { ...topic, ...group }, 'consume --group billing orders'],
    ['produce t b', group, 'produce t b'],
    ['groups show', group, 'groups show billing'],
    ['groups delete', group, 'groups delete'],
    ['offsets reset --to first', { ...topic, ...group }, 'offsets reset billing orders --to first'],
    ['offsets reset mails --to first', { ...topic, ...group }, 'offsets reset billing mails --to first'],
    ['offsets reset --to first g', topic, 'offsets reset --to first g orders'],
    ['offsets reset t --to first', group, 'offsets reset billing t --to first'],
    ['offsets show', group, 'offsets show billing'],
    ['offsets show other', group, 'offsets show other'],
    ['dlq show 7F', group, 'dlq show billing 7F'],
    ['dlq list', group, 'dlq list'],
    ['message find --key k', topic, 'message find orders --key k'],
  ])('%s with %j', (line, session, expected) => {
    expect(applied(line, session)).toBe(expected);
  });

  it('a body that is read leaves the one argument to be the topic', () => {
    expect(applied('produce mails', topic, true)).toBe('produce mails');
    expect(applied('produce', topic, true)).toBe('produce orders');
  });
});

describe('set and use', () => {
  it('set takes topic and group, and nothing else', () => {
    expect(setDefault(['topic', 'a'], NONE)).toEqual({ ...NONE, topic: 'a' });
    for (const words of [['topic'], ['tag', 'a'], ['topic', 'a', 'b'], ['topic', '']]) expect(() => setDefault(words, NONE)).toThrow('set what?');
    expect(unsetDefaults([], { ...NONE, topic: 'a', group: 'b' })).toEqual(NONE);
    expect(unsetDefaults(['topic'], { ...NONE, topic: 'a', group: 'b' })).toEqual({ ...NONE, group: 'b' });
    expect(() => unsetDefaults(['tag'], NONE)).toThrow('"tag" cannot be set');
  });

  it('use takes a name, or flags', () => {
    const { flags } = SPECS[0]!;
    const named = (name: string): string[] => ['--profile', name];
    expect(useWords(['prod'], flags, named)).toEqual(['--profile', 'prod']);
    expect(useWords(['--namesrv', 'a:1', '--tls'], flags, named)).toEqual(['--namesrv', 'a:1', '--tls']);
    expect(useWords(['--store=/s'], flags, named)).toEqual(['--store', '/s']);
    expect(useWords(['a:1', '--tls-ca', '/ca.pem'], flags, named)).toEqual(['--profile', 'a:1', '--tls-ca', '/ca.pem']);
    for (const words of [['a', 'b'], ['--json'], ['--store'], ['--store', '/s', 'more']]) expect(() => useWords(words, flags, named)).toThrow(/^use: /);
  });

  it('the flags of the shell are those of its commands', () => {
    const flags = { json: true, quiet: false, store: '/s', tls: false, 'lock-timeout': '1s', command: 'x' };
    expect(targetFlags({ namesrv: 'a:1', set: ['x=1', 'y=a b'] })).toEqual(['--namesrv', 'a:1', '--set=x=1', '--set=y=a b']);
    expect([commonFlags(flags), targetFlags(flags)]).toEqual([['--json', '--lock-timeout=1s'], ['--store', '/s']]);
  });
});

describe('the prompt', () => {
  it.each([
    ['/home/ada/shop', {}, 'mqlite ~/shop> '],
    ['/home/adam', {}, 'mqlite /home/adam> '],
    ['/home/ada', { topic: 'orders' }, 'mqlite ~ topic=orders> '],
    ['mq1:9876', { topic: 'orders', group: 'billing' }, 'mqlite mq1:9876 topic=orders group=billing> '],
    [`/${'d'.repeat(60)}/end`, {}, `mqlite …${'d'.repeat(35)}/end> `],
    ['/a\u001b[31m', { topic: 'b\u0007' }, 'mqlite /a\\e[31m topic=b\\a> '],
  ])('%j', (target, session, expected) => {
    expect(promptText(homePath(target, '/home/ada'), { topic: undefined, group: undefined, ...session })).toBe(expected);
  });
});
