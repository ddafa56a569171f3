import { expect, it } from 'vitest';
import { MqliteError } from '../../../../src/broker/errors.ts';
import type { RedriveEntry } from '../../../../src/client/redrive.ts';
import type { RedrivesOf } from '../../../../src/tui/panel.ts';
import { deadLettersPanel } from '../../../../src/tui/panels/dead-letters.ts';
import { FakeBroker } from '../../../support/fake-broker.ts';
import { ManualClock } from '../../client/support.ts';
import { loadOf, rowTexts, textOf } from './support.ts';

const clock = new ManualClock();

/** Four dead letters of a group, the newest first, and what the panel shows of them where that is known of the redriving. */
async function deadLetters(): Promise<{ readonly ids: readonly string[]; readonly load: (redrives: RedrivesOf, topics?: readonly string[]) => ReturnType<typeof loadOf<Parameters<typeof deadLettersPanel.rows>[0]>> }> {
  const broker = new FakeBroker({ clock });
  for (let index = 0; index < 4; index++) {
    await broker.send({ topic: 'mails', queueId: 0, body: Buffer.from(`m${index}`) });
    const [failed] = (await broker.pull({ queue: { topic: 'mails', brokerName: 'broker-a', queueId: 0 }, offset: index, maxMessages: 1 })).messages;
    await clock.advance(1000);
    await broker.sendBack(failed!, { group: 'mailer', delayLevel: -1 });
  }
  const ids = broker.store.log.filter(({ topic }) => topic === '%DLQ%mailer').map(({ offsetMsgId }) => offsetMsgId).reverse();
  return { ids, load: (redrives, topics = []) => loadOf(deadLettersPanel, broker, clock, null, { topics, groups: [] }, redrives) };
}

it('dead letters that were sent again are marked, counted, and known by their places', async () => {
  const { ids, load } = await deadLetters();
  const entry = (index: number, event: RedriveEntry['event'], topic: string): [string, RedriveEntry[]] => [ids[index]!, [{ event, offsetMsgId: ids[index]!, topic, newOffsetMsgId: 'x', reason: 'y' } as RedriveEntry]];
  const known = new Map([entry(0, 'sent', '%RETRY%mailer'), entry(1, 'failed', '%RETRY%mailer'), entry(2, 'sent', 'elsewhere')]);
  const snapshot = await load((group) => (group === 'mailer' ? known : new Map()));
  expect(rowTexts(deadLettersPanel, snapshot, 80, clock.nowMs()).map((line) => / (sent|-) +- +m/.exec(line)?.[1])).toEqual(['sent', '-', 'sent', '-']);
  expect(textOf(deadLettersPanel.summary(snapshot, { widthColumns: 80, nowMs: 0 }))).toBe('4 dead letters of 1 group, 2 sent again');
  // One that went to another topic may go to its group yet.
  expect([...deadLettersPanel.sentAgain!(snapshot)]).toEqual(['%DLQ%mailer/broker-a/0/3']);
});

it('dead letters are those of a topic that was chosen, also when it is the one that they lie in', async () => {
  const { load } = await deadLetters();
  for (const [topic, count] of [['mails', 4], ['%DLQ%mailer', 4], ['other', 0]] as const) expect((await load(() => new Map(), [topic])).rows, topic).toHaveLength(count);
});

it('dead letters are shown where nobody can say which were sent again', async () => {
  const { load } = await deadLetters();
  const snapshot = await load(() => {
    throw new MqliteError('DAMAGED', 'line 7: not an entry of a redrive ledger');
  });
  expect(rowTexts(deadLettersPanel, snapshot, 80, clock.nowMs())).toHaveLength(4);
  expect(textOf(deadLettersPanel.summary(snapshot, { widthColumns: 120, nowMs: 0 }))).toBe('4 dead letters of 1 group, what was sent again is not known: line 7: not an entry of a redrive ledger');
  expect(deadLettersPanel.sentAgain!(snapshot).size).toBe(0);
});
