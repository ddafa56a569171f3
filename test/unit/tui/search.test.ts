import { beforeEach, describe, expect, it } from 'vitest';
import { lineText } from '../../../src/tui/line.ts';
import { frame } from '../../../src/tui/views/frame.ts';
import { row, rows, View } from './reducer-view.ts';

let view: View;
beforeEach(() => {
  view = new View();
});

describe('search', () => {
  it('goes along with what is typed, and back when it is given up', () => {
    view.window({ rows: rows(0, 100) }).keys('/').type('body 4');
    expect(view.selected).toBe('T49');
    view.type('2');
    expect(view.selected).toBe('T42');
    view.keys('esc');
    expect(view.selected).toBe('T99');
  });

  it('that finds nothing in all there is says so, and leaves the cursor', () => {
    view.window({ rows: rows(0, 100) }).keys('k', 'k', '/').type('nowhere').keys('enter');
    expect([view.selected, view.state.notice?.text, view.stream.seeking]).toEqual(['T97', '"nowhere" was not found', null]);
  });

  it('makes what it finds stand out, while it is typed and until Esc', () => {
    const found = (): string[] => frame(view.state).flatMap((line) => line.filter(({ tone }) => tone === 'match' || tone === 'selected-match').map(({ text, tone }) => `${tone} ${text}`));
    view.window({ rows: rows(0, 5) });
    expect(found()).toEqual([]);
    view.keys('/').type('ODY 3');
    expect(found()).toEqual([]);
    view.keys('ctrl-u').type('ody 3');
    expect(found()).toEqual(['selected-match ody 3']);
    view.keys('enter', 'j');
    expect(found()).toEqual(['match ody 3']);
    view.keys('esc');
    expect(found()).toEqual([]);
    // What is a pattern elsewhere is none here.
    view.keys('/').type('b.dy (');
    expect(found()).toEqual([]);
  });

  it('names the keys that go on with it as long as it lasts', () => {
    const hints = (): string => lineText(frame(view.state).at(-1)!);
    view.window({ rows: rows(0, 100) });
    expect(hints()).not.toContain('n next');
    view.keys('/').type('body').keys('enter');
    expect(hints()).toContain('/ search  n next  N previous');
    view.keys('esc');
    expect(hints()).not.toContain('n next');
  });

  it('that is given up goes back to the row, and to following', () => {
    view.window({ rows: rows(0, 100) }).keys('/').type('body 42').keys('esc');
    expect([view.selected, view.stream.isFollowing, view.taken().at(-1)]).toEqual(['T99', true, { type: 'follow', stream: 'messages', on: true }]);
    view.keys('k', 'k', '/').type('body 42');
    // What came before the row has moved it.
    view.window({ rows: rows(50, 100).concat(rows(0, 30, 'U')) }).keys('esc');
    expect([view.selected, view.stream.isFollowing]).toEqual(['T97', false]);
  });

  it('goes on with n and N, and further through the store', () => {
    view.window({ rows: rows(500, 600), atStart: false }).keys('/').type('body 5').keys('enter', 'N', 'N');
    expect(view.selected).toBe('T597');
    view.keys('n');
    expect(view.selected).toBe('T598');
    view.taken();
    view.window({ rows: rows(500, 600), atStart: false }, { done: true }).keys('/').type('body 123').keys('enter');
    expect(view.taken().filter(({ type }) => type === 'older')).toEqual([{ type: 'older', stream: 'messages', count: 1000 }]);
    view.window({ rows: rows(200, 600), atStart: false }, { done: true });
    expect([view.stream.seeking, view.taken()]).toEqual(['up', [{ type: 'older', stream: 'messages', count: 1000 }]]);
    view.window({ rows: rows(0, 600), atStart: true }, { done: true });
    expect([view.stream.seeking, view.selected]).toEqual([null, 'T123']);
    view.keys('N');
    expect(view.state.notice?.text).toBe('"body 123" was not found above; n looks below');
    view.window({ rows: rows(500, 600), atStart: false }, { done: true }).keys('/').type('body nowhere').keys('enter');
    view.window({ rows: rows(0, 600), atStart: true }, { done: true });
    expect(view.state.notice?.text).toBe('"body nowhere" was not found');
  });

  it('goes on from a match through the store as far as the next one is', () => {
    const before = { ...row(23), body: 'body 1598' };
    view.window({ rows: rows(1500, 1600), atStart: false }).keys('/').type('body 1598').keys('enter', 'N').window({ rows: rows(1000, 1600), atStart: false }, { done: true });
    view.taken();
    view.window({ rows: rows(500, 1600), atStart: false }, { done: true });
    expect([view.stream.seeking, view.taken()]).toEqual(['up', [{ type: 'older', stream: 'messages', count: 1000 }]]);
    view.window({ rows: [before, ...rows(24, 1600)], atStart: false }, { done: true });
    expect([view.stream.seeking, view.selected, view.state.notice]).toEqual([null, 'T23', null]);
  });

  it('that comes to an end of the store says what was not looked through, and the other key goes there', () => {
    const middle = { rows: rows(500, 600), atStart: false, atEnd: false };
    view.window(middle).keys('/').type('body 123').keys('enter');
    expect(view.taken().at(-1)).toEqual({ type: 'newer', stream: 'messages', count: 1000 });
    view.window({ rows: rows(500, 700), atStart: false }, { done: true });
    expect(view.state.notice?.text).toBe('"body 123" was not found below; N looks above');
    view.keys('N');
    expect(view.taken().at(-1)).toMatchObject({ type: 'older' });
    view.window({ rows: rows(0, 700), atStart: true }, { done: true });
    expect([view.selected, view.state.notice]).toEqual(['T123', null]);
    // What lies below a match was not looked at by N.
    view.window({ ...middle, rows: rows(120, 600) }, { done: true }).keys('N').window({ rows: rows(0, 600), atEnd: false }, { done: true });
    expect(view.state.notice?.text).toBe('"body 123" was not found above; n looks below');
    view.window({ rows: rows(123, 600), atStart: false }, { done: true, select: { id: 'T123' } }).keys('N').window({ rows: rows(123, 600), atStart: true }, { done: true });
    expect([view.selected, view.state.notice?.text]).toEqual(['T123', '"body 123" was not found above; n looks below']);
    // From the start on, what lies above was looked at while it was typed.
    view = new View().window({ rows: rows(0, 100), atEnd: false }).keys('/').type('nowhere').keys('enter').window({ rows: rows(0, 300) }, { done: true });
    expect(view.state.notice?.text).toBe('"nowhere" was not found');
  });

  it('in vain goes back to where it began, in the window or out of it', () => {
    const began = (): void => {
      view.window({ rows: rows(500, 600), atStart: false, atEnd: false }, { done: true, select: { id: 'T510' } }).keys('/').type('nowhere').keys('enter');
      view.taken();
    };
    view.keys('p');
    began();
    view.window({ rows: rows(500, 700), atStart: false }, { done: true });
    expect([view.selected, view.stream.seeking, view.state.notice?.text, view.taken().filter(({ type }) => type === 'jump')]).toEqual(['T510', null, '"nowhere" was not found below; N looks above', []]);
    began();
    view.window({ rows: rows(800, 900), atStart: false }, { done: true });
    expect(view.taken()).toEqual([{ type: 'jump', stream: 'messages', to: { at: 'time', timestamp: 1510 }, context: 20, row: 'T510' }]);
    view.window({ rows: rows(450, 650), atStart: false, atEnd: false }, { done: true, select: { id: 'T510' } });
    expect([view.selected, view.stream.loading, view.stream.soughtFrom]).toEqual(['T510', false, null]);
    // A match that ends one is where the next begins.
    view.keys('/').type('body 1200').keys('enter').window({ rows: rows(640, 1250), atStart: false, atEnd: false }, { done: true }).keys('n');
    view.window({ rows: rows(640, 1300), atStart: false }, { done: true });
    expect([view.selected, view.stream.seeking]).toEqual(['T1200', null]);
  });

  it('in vain lets a stream flow that flowed', () => {
    view.window({ rows: rows(500, 600), atStart: false }).keys('/').type('nowhere').keys('enter').window({ rows: rows(0, 100), atEnd: false }, { done: true });
    expect([view.stream.isFollowing, view.taken().at(-1)]).toEqual([true, { type: 'follow', stream: 'messages', on: true }]);
  });

  it('that goes on says so, and Esc ends it where it began', () => {
    view.keys('p').window({ rows: rows(500, 600), atStart: false, atEnd: false }, { done: true, select: { id: 'T510' } }).keys('/').type('nowhere').keys('enter');
    expect(frame(view.state).map(lineText).join('\n')).toContain('searching below …');
    view.window({ rows: rows(800, 900), atStart: false, atEnd: false }, { done: true });
    view.taken();
    view.keys('esc');
    expect([view.stream.seeking, view.taken()]).toEqual([null, [{ type: 'jump', stream: 'messages', to: { at: 'time', timestamp: 1510 }, context: 20, row: 'T510' }]]);
    expect(frame(view.state).map(lineText).join('\n')).not.toContain('searching');
  });
});
