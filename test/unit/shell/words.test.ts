import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Statement } from '../../../src/shell/words.ts';
import { parseStatement, parseStatements, quoteWord } from '../../../src/shell/words.ts';

const statementOf = (text: string): Statement => {
  const parsed = parseStatement(text);
  if (parsed.kind === 'incomplete') throw new Error(`incomplete: ${text}`);
  return parsed.statement;
};

function wordsOf(text: string): string[] {
  const statement = statementOf(text);
  if (statement.kind !== 'command') throw new Error(`no command: ${text}`);
  return statement.words.map((word) => word.text);
}

describe('words', () => {
  it.each([
    ['topics list', ['topics', 'list']],
    ['  topics\tlist  ', ['topics', 'list']],
    [`produce t 'a b' "c d"`, ['produce', 't', 'a b', 'c d']],
    [`produce t a'b'"c"\\ d`, ['produce', 't', 'abc d']],
    [`produce t ''`, ['produce', 't', '']],
    [`produce t "a\\"b\\\\c\\$d\\\`e\\n"`, ['produce', 't', 'a"b\\c$d`e\\n']],
    [`produce t 'a\\nb'`, ['produce', 't', 'a\\nb']],
    [`produce t $'a\\nb\\tc\\r\\'\\\\\\q'`, ['produce', 't', 'a\nb\tc\r\'\\\\q']],
    [`produce t 'one\ntwo'`, ['produce', 't', 'one\ntwo']],
    [`produce t "one\\\ntwo"`, ['produce', 't', 'onetwo']],
    ['produce t \\\n body', ['produce', 't', 'body']],
    ['produce t # a comment | with > things', ['produce', 't']],
    ['produce t a#b', ['produce', 't', 'a#b']],
    ['produce t $HOME * ~', ['produce', 't', '$HOME', '*', '~']],
    [`consume t --tag 'A || B'`, ['consume', 't', '--tag', 'A || B']],
    ['produce t "订单 🎉"', ['produce', 't', '订单 🎉']],
  ])('%j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('a word that is made is read as what it was made of', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (words) => {
      expect(wordsOf(`x ${words.map(quoteWord).join(' ')}`)).toEqual(['x', ...words]);
    }));
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('\'', '"', '\\', '$', '`', '\n', '\r', '\t', ' ', '|', '>', '<', '&', ';', '#', '!', '~', 'a', '=') }), (word) => {
      expect(wordsOf(`x ${quoteWord(word)}`)).toEqual(['x', word]);
      expect(quoteWord(word)).not.toContain('\n');
    }), { numRuns: 1000 });
  });

  it('quotes and backslashes mean what they mean to /bin/sh', () => {
    // What both know, and none of what only one expands.
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '-', '=', ':', '%', '/') }),
      fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '#', '|', ';', '\n', '~', '*', '$') }).map((text) => `'${text}'`),
      fc.string({ unit: fc.constantFrom('a', ' ', '\'', '#', '|', '>', '\n', '~', '*', '\\\\', '\\"', '\\$', '\\a') }).map((text) => `"${text}"`),
      fc.constantFrom('\\ ', '\\|', '\\;', '\\#', '\\\'', '\\"', '\\\\', '\\a'),
    );
    const word = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('')).filter((text) => text !== '');
    fc.assert(fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
      const line = `x ${words.join(' ')}`;
      const { stdout } = spawnSync('/bin/sh', ['-c', `x() { printf '%s\\0' "$@"; }; ${line}`], { encoding: 'utf8' });
      expect(wordsOf(line).slice(1)).toEqual(stdout.split('\0').slice(0, -1));
    }), { numRuns: 200 });
  }, 60_000);

  it('never fails but with a reason, whatever is typed', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '\'', '"', '\\', '$', '\n', '|', '>', '<', '&', ';', '#', '!', '2') }), (text) => {
      try {
        parseStatements(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringMatching(/./) as string });
      }
    }), { numRuns: 2000 });
  });
});

describe('what stands around the words', () => {
  it.each([
    ['consume t | jq .body', { tail: '| jq .body', input: undefined }],
    ['consume t > "a file"', { tail: undefined, input: undefined, output: { word: { text: 'a file' }, isAppended: false } }],
    ['consume t >> f; topics list', { words: [{ text: 'consume' }, { text: 't' }], tail: undefined, input: undefined, output: { word: { text: 'f' }, isAppended: true } }],
    ['consume t>f --until-end', { words: [{ text: 'consume' }, { text: 't' }, { text: '--until-end' }], output: { word: { text: 'f' }, isAppended: false } }],
    ['produce t > out < in x', { words: [{ text: 'produce' }, { text: 't' }, { text: 'x' }], input: { text: 'in' }, output: { word: { text: 'out' } } }],
    ["consume t | grep 'a\nb' # it's", { tail: "| grep 'a\nb' # it's", input: undefined }],
    ['produce t < f | cat', { tail: '| cat', input: { text: 'f' } }],
    ['produce t <"a b" --batch 2', { tail: undefined, input: { text: 'a b' } }],
    ['topics list; groups list', { tail: undefined, input: undefined }],
  ])('%j', (text, expected) => {
    expect(statementOf(text)).toMatchObject(expected);
  });

  it('a ! hands over the line', () => {
    expect(statementOf(' !ls -l | wc; echo "a\nb"')).toEqual({ kind: 'system', command: 'ls -l | wc; echo "a\nb"' });
  });

  it.each([
    ['topics list && groups list', '"&&" is not understood here'],
    ['topics list &', '"&" is not understood here'],
    ['topics list || true', '"||" is not understood here'],
    ['topics list 2> f', '"2>" is not understood here'],
    ['produce t << EOF', '"<<" is not understood here'],
    ['topics list |', 'nothing follows "|"'],
    ['topics list > ', 'nothing follows ">"'],
    ['topics list >> ; groups list', 'nothing follows ">>"'],
    ['topics list >&2', 'nothing follows ">"'],
    ['topics list > f > g', 'what a command prints goes to one file'],
    ['topics list > f | cat', 'what goes to a file does not go to "|", too'],
    ['> f', 'a command is missing before ">"'],
    ['produce t <', 'nothing follows "<"'],
    ['| cat', 'a command is missing before "|"'],
    ['< f', 'a command is missing before "<"'],
    ['!', 'a command is missing behind "!"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseStatement(text)).toThrow(expect.objectContaining({ code: 'USAGE', message }) as Error);
  });

  it.each(["produce t 'a", 'produce t "a', 'produce t a\\', 'produce t \\', "produce t $'a", 'consume t | grep "a', '!echo \\', 'produce t "a\\', 'consume t > "a', "produce t < 'a"])('%j goes on in the next line', (text) => {
    expect(parseStatement(text).kind).toBe('incomplete');
    expect(parseStatements(`topics list\n${text}`)).toMatchObject({ isIncomplete: true, statements: [{ line: 1 }] });
  });

  it('statements know their lines', () => {
    expect(parseStatements('topics list > f; produce orders two').statements.map(({ statement }) => (statement.kind === 'command' ? statement.words.length : 0))).toEqual([2, 3]);
    const text = "# a script\n\ntopics list; groups list\nproduce t 'a\nb'\n\n  topics \\\n list\n!date\nconsume t | cat\n";
    expect(parseStatements(text).statements.map(({ line, statement }) => [line, statement.kind])).toEqual([[3, 'command'], [3, 'command'], [4, 'command'], [7, 'command'], [9, 'system'], [10, 'command']]);
  });
});
