import { beforeEach, describe, expect, it } from 'vitest';
import { FakeBroker } from '../../support/fake-broker.ts';
import { letter, row, rows, View } from './reducer-view.ts';

let view: View;
beforeEach(() => {
  view = new View();
});

describe('o', () => {
  it('in a list opens the message under the cursor, and looks for others of its id', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('x') });
    const message = broker.store.log[0]!;
    view.window({ rows: rows(0, 10) }).keys('k', 'o');
    expect(view.taken().at(-1)).toEqual({ type: 'read', record: row(8).record, withOthers: true });
    view.send({ type: 'message', message, withOthers: true });
    expect(view.taken()).toEqual([{ type: 'find', msgId: message.msgId, topic: undefined, open: false, of: message.offsetMsgId }]);
    expect([view.state.details.length, view.state.notice?.text]).toEqual([1, `looking for ${message.msgId} in every topic …`]);
    view.keys('3').send({ type: 'panel', panel: 'letters', snapshot: [7, 8], atMs: 0 }).taken();
    view.keys('o');
    expect(view.taken()).toEqual([{ type: 'read', record: letter(7), withOthers: true }]);
    view.send({ type: 'panel', panel: 'letters', snapshot: [], atMs: 0 }).keys('o');
    expect([view.taken(), view.state.notice?.text]).toEqual([[], 'there is no message to open']);
  });
});

describe('the number of a view', () => {
  it('goes there from the page of a message and from the page of keys, which are left', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    await broker.send({ topic: 'T', body: Buffer.from('x') });
    const message = broker.store.log[0]!;
    view.window({ rows: rows(0, 10) }).send({ type: 'message', message, withOthers: false }).keys('3');
    expect([view.state.active, view.state.details, view.taken()]).toEqual(['letters', [], [{ type: 'show', view: 'letters' }]]);
    view.send({ type: 'message', message, withOthers: false }).keys('?', '3');
    expect([view.state.active, view.state.details, view.state.help, view.taken()]).toEqual(['letters', [], null, []]);
  });
});
