import { describe, expect, it } from 'vitest';
import { resolveCommand } from '../../src/cli/resolve-command.ts';
import { unknownCommand } from '../../src/cli/unknown-command.ts';

const IDS = ['bench:produce', 'config', 'produce', 'topics:create', 'topics:list'];

describe('resolveCommand', () => {
  it.each([
    ['produce t hello', { kind: 'command', id: 'produce', argv: ['t', 'hello'] }],
    ['topics list --json', { kind: 'command', id: 'topics:list', argv: ['--json'] }],
    ['bench produce produce', { kind: 'command', id: 'bench:produce', argv: ['produce'] }],
    ['produce topics list', { kind: 'command', id: 'produce', argv: ['topics', 'list'] }],
    ['produce t -- --help', { kind: 'command', id: 'produce', argv: ['t', '--', '--help'] }],
    ['', { kind: 'help', subject: [] }],
    ['--help', { kind: 'help', subject: [] }],
    ['help', { kind: 'help', subject: [] }],
    ['help topics list', { kind: 'help', subject: ['topics', 'list'] }],
    ['help topics', { kind: 'help', subject: ['topics'] }],
    ['help topics lst', { kind: 'unknown', words: ['topics', 'lst'] }],
    ['help prodce', { kind: 'unknown', words: ['prodce'] }],
    ['help --json', { kind: 'help', subject: [] }],
    ['topics help', { kind: 'help', subject: ['topics'] }],
    ['produce help', { kind: 'command', id: 'produce', argv: ['help'] }],
    ['topics list help', { kind: 'command', id: 'topics:list', argv: ['help'] }],
    ['topics', { kind: 'help', subject: ['topics'] }],
    ['topics --help', { kind: 'help', subject: ['topics'] }],
    ['topics list --store x --help', { kind: 'help', subject: ['topics', 'list'] }],
    ['topics -h', { kind: 'help', subject: ['topics'] }],
    ['produce t -h', { kind: 'help', subject: ['produce'] }],
    ['produce t -- -h', { kind: 'command', id: 'produce', argv: ['t', '--', '-h'] }],
    ['--version', { kind: 'version' }],
    ['topics lst', { kind: 'unknown', words: ['topics', 'lst'] }],
    ['prodce t', { kind: 'unknown', words: ['prodce', 't'] }],
    ['--json topics list', { kind: 'unknown', words: ['--json'] }],
    ['topics:list --json', { kind: 'command', id: 'topics:list', argv: ['--json'] }],
  ])('%s', (line, expected) => {
    expect(resolveCommand(line.split(' ').filter((word) => word !== ''), IDS)).toEqual(expected);
  });
});

describe('unknownCommand', () => {
  it.each([
    [['prodce', 't'], 'unknown command "prodce"', 'Did you mean "produce"?'],
    [['topics', 'lst'], 'unknown command "topics lst"', 'Did you mean "topics list"?'],
    [['topic', 'list', 'x'], 'unknown command "topic"', 'Did you mean "topics list"?'],
    [['topic', 'xyzzy'], 'unknown command "topic"', 'Did you mean "topics"?'],
    [['topics', 'xyzzy'], 'unknown command "topics xyzzy"', 'See "mqlite topics --help".'],
    [['list', 'topics'], 'unknown command "list"', 'Did you mean "topics list"?'],
    [['topics', 'ls'], 'unknown command "topics ls"', 'Did you mean "topics list"?'],
    [['topics', 'new', 't'], 'unknown command "topics new"', 'Did you mean "topics create"?'],
    [['topics', 'remove', 't'], 'unknown command "topics remove"', 'See "mqlite topics --help".'],
    [['send', 't'], 'unknown command "send"', 'Did you mean "produce"?'],
    [['topics:lst', 'x'], 'unknown command "topics:lst"', 'Did you mean "topics list"?'],
    [['topics:list'], 'unknown command "topics:list"', 'Did you mean "topics list"?'],
    [['xy:zzy:'], 'unknown command "xy:zzy:"', 'See "mqlite --help".'],
    [['constructor'], 'unknown command "constructor"', 'See "mqlite --help".'],
    [['topics', 'constructor'], 'unknown command "topics constructor"', 'See "mqlite topics --help".'],
    [['-V'], 'expected a command before -V', 'For the version: mqlite --version'],
    [['xyzzy'], 'unknown command "xyzzy"', 'See "mqlite --help".'],
    [['--json'], 'expected a command before --json', 'Flags go behind the command: mqlite topics list --json'],
  ])('%j', (words, message, hint) => {
    expect(unknownCommand(words, IDS)).toMatchObject({ code: 'USAGE', exitCode: 2, message, hint });
  });

  it('says how to get the list where it was typed', () => {
    const listedBy = (topic = ''): string => `help ${topic}`.trim();
    expect([['xyzzy'], ['topics', 'xyzzy']].map((words) => unknownCommand(words, IDS, listedBy).hint)).toEqual(['See "help".', 'See "help topics".']);
  });
});
