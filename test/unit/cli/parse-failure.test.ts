import { describe, expect, it } from 'vitest';
import { parseFailure, refuseInexactNumbers, refuseValuesOfSwitches } from '../../../src/cli/parse-failure.ts';

/** As oclif words them, with what it adds to every one. */
const oclif = (text: string, more: object = {}): Error => Object.assign(new Error(`${text}\nSee more help with --help`), { oclif: { exit: 2 } }, more);
const line = { command: 'produce', args: 'TOPIC [BODY]', flagNames: ['tag', 'json'] };

describe('parse failures', () => {
  it.each([
    ['Parsing --queue \n\tExpected an integer but received: x', '--queue: "x" is not a whole number', 'For example --queue 10.'],
    ['Parsing --queue \n\tExpected an integer greater than or equal to 0 but received: -1', '--queue: -1 is too small', 'Write a whole number from 0 on.'],
    ['Parsing --batch \n\tExpected an integer less than or equal to 65536 but received: 70000', '--batch: 70000 is too large', 'Write a whole number up to 65536.'],
    ['Expected --flush=maybe to be one of: async, sync', '--flush: "maybe" is none of its values', 'Write one of async, sync.'],
    ['Expected --flush=asinc to be one of: async, sync', '--flush: "asinc" is none of its values', 'Did you mean "async"?'],
    ['Flag --file expects a value', '--file needs a value', 'See the flags with --help.'],
    ['The following error occurred:\n  All of the following must be provided when using --body: --commitlog', '--body needs --commitlog', 'See the flags with --help.'],
    ['Unexpected argument: there', 'unexpected argument "there"', 'Usage: mqlite produce TOPIC [BODY] [flags] (quote a BODY with spaces)'],
    ['Something new', 'Something new', 'See the flags with --help.'],
  ])('%j', (text, message, hint) => {
    expect(parseFailure(oclif(text), line)).toMatchObject({ code: 'USAGE', exitCode: 2, message, hint });
  });

  it('what is missing, what is unknown, what is one too many', () => {
    expect(parseFailure(oclif('Missing 1 required arg:\ntopic', { args: [{ name: 'topic' }] }), line)).toMatchObject({ message: 'missing TOPIC', hint: 'Usage: mqlite produce TOPIC [BODY] [flags]' });
    expect(parseFailure(oclif('The following error occurred:\n  \u001b[2mMissing required flag exec\u001b[22m\nSee more help with --help'), line)).toMatchObject({ message: 'missing --exec' });
    expect(parseFailure(oclif('Nonexistent flag: --tga', { flags: ['--tga'] }), line)).toMatchObject({ message: 'unknown flag --tga', hint: 'Did you mean "--tag"?' });
    expect(parseFailure(oclif('Unexpected argument: ./s'), { command: 'store init', args: '' })).toMatchObject({ hint: 'Name the directory with --store: mqlite store init --store DIR' });
  });
});

describe('values', () => {
  const flags = { json: { type: 'boolean' }, tag: { type: 'option' } };

  it('a switch takes none', () => {
    expect(() => refuseValuesOfSwitches(['t', '--json=false'], flags)).toThrow('--json takes no value');
    expect(() => refuseValuesOfSwitches(['t', '--tag=a', '--nope=1', '--', '--json=1'], flags)).not.toThrow();
  });

  it('a number is exact or refused', () => {
    expect(() => refuseInexactNumbers({ count: 1e20 })).toThrow('--count: the number is too large');
    expect(() => refuseInexactNumbers({ count: Number.MAX_SAFE_INTEGER, tag: 'x' })).not.toThrow();
  });
});
