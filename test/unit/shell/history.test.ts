import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HISTORY_ENTRIES, historyEntry, parseHistory } from '../../../src/shell/history.ts';
import { parseStatements } from '../../../src/shell/words.ts';

describe('the history', () => {
  it.each([
    ['topics list', 'topics list'],
    ['topics list  ', 'topics list'],
    ["produce t 'a\nb' < ~/f", "produce t $'a\\nb' < ~/f"],
    ["produce t 'a\nb' < '~/f' >> 'a b'", "produce t $'a\\nb' < '~/f' >> 'a b'"],
    ['topics \\\nlist', 'topics list'],
    ["produce t 'a\nb' | cat > f", "produce t $'a\\nb' | cat > f"],
    ['produce t "the authorization failed" --key pass', 'produce t "the authorization failed" --key pass'],
    ['produce t body --key k-1 --tls-key key.pem', 'produce t body --key k-1 --tls-key key.pem'],
  ])('keeps %j', (text, entry) => {
    expect(historyEntry(text)).toBe(entry);
  });

  it.each([
    '', '  ', ' topics list', `produce t ${'x'.repeat(5000)}`,
    'profile create p --secret-key abc', 'profile create p --secret-key=abc', "profile create p '--secret-key' abc", 'profile create p --sec\\ret-key abc', 'profile create p --access-key ops',
    'produce t b -X secretKey=abc', 'produce t b -XaccessKey=abc', '!export MQLITE_SECRET_KEY=abc', '!curl -H "password: abc"', 'topics list | curl --token abc', `topics list | tool '--secret-key' abc`, '!tool "--secret-key" abc', '!tool --sec\\ret-key abc', '!tool --pass"word" abc',
    '!curl -H "Authorization: Basic abc"', "topics list | curl -H 'Authorization'': x'", '!curl -H "X-Api-Key: abc"', '!API_KEY=abc tool', '!tool --apikey abc', '!ssh-tool --passphrase abc', '!PASSPHRASE=abc tool',
    `topics list | tool '"secretKey": "abc"'`, 'topics list; profile create p --access-key a',
    "consume t | grep 'a\nb'",
  ])('does not keep %j', (text) => {
    expect(historyEntry(text)).toBeUndefined();
  });

  it('what it keeps means the same when it is run again, on one line', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\n', ' ', "'", '\\', '"', '\t', '#', '|') }), { minLength: 1 }), (words) => {
      const text = `x ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}`;
      const entry = historyEntry(text);
      if (entry === undefined) return;
      expect(entry).not.toContain('\n');
      const meaning = (line: string): unknown => parseStatements(line).statements.map(({ statement }) => (statement.kind === 'command' ? statement.words.map((word) => word.text) : statement));
      expect(meaning(entry)).toEqual(meaning(text.trim()));
    }));
  });

  it('reads a file: the latest of each line, as many as are kept, and nothing that is no entry', () => {
    expect(parseHistory('a\nb\n\n c\na\n--secret-key x\n')).toEqual(['b', 'a']);
    const many = Array.from({ length: HISTORY_ENTRIES + 5 }, (_, index) => `line ${index}`);
    expect(parseHistory(many.join('\n'))).toEqual(many.slice(5));
  });
});
