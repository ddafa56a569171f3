import { expect, it } from 'vitest';
import { brokerConfigOf, damageIn, mqlite, openForWriting, runMqlite, smallStore } from './support/mqlite.ts';
import { copyStore } from './support/store-copy.ts';
import { describeInterop } from './support/suite.ts';

const TOPIC = 'Shared';
const GROUP = 'shared';

/** Two members in processes of their own consume what the group has left; how many messages each printed. */
async function consumeByTwo(directory: string, count: number, args: readonly string[]): Promise<string[]> {
  const members = [0, 1].map(() => mqlite(directory, ['consume', TOPIC, '--group', GROUP, '--format', String.raw`%p@%o\n`, ...args]));
  const lines = (): string[] => members.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''));
  try {
    expect(await members[0]!.until(() => lines().length >= count, 20_000, `${count} messages`), members.map(({ stderr }) => stderr).join('\n')).toBe(true);
  } finally {
    await Promise.all(members.map((member) => member.stop('SIGTERM', 10_000)));
  }
  return lines().sort();
}

describeInterop('the offsets of a group', (world) => {
  it('committed by several members of mqlite are where the Java client goes on, and the other way round', async () => {
    const directory = await smallStore('groups');
    const send = async (count: number, into = directory): Promise<string[]> => {
      const broker = await openForWriting(into);
      const results = await broker.sendBatch(Array.from({ length: count }, (_, index) => ({ topic: TOPIC, body: Buffer.from(`m${index}`) })));
      await broker.close();
      return results.map((result) => ('error' in result ? '' : `${result.queueId}@${result.queueOffset}`)).sort();
    };
    const first = await send(40);
    expect(await consumeByTwo(directory, 40, ['--orderly'])).toEqual(first);
    const rest = await send(20);

    const copy = copyStore(directory);
    const { broker, client } = await world.broker({ storeDirectory: copy, config: await brokerConfigOf(directory) });
    expect((await client.committed(GROUP, TOPIC)).reduce((sum, row) => sum + (row.committedOffset ?? 0), 0)).toBe(40);
    const consumed = await client.consume({ group: GROUP, topic: TOPIC, count: 20 });
    expect(consumed.map(({ queueId, queueOffset }) => `${queueId}@${queueOffset}`).sort()).toEqual(rest);
    await client.close();
    await broker.stop();
    expect(broker.complaints()).toEqual([]);

    const more = await send(12, copy);
    expect(await consumeByTwo(copy, 12, [])).toEqual(more);
    expect(await runMqlite(copy, ['consume', TOPIC, '--group', GROUP, '--until-end'])).toBe('');
    expect(await damageIn(copy)).toEqual([]);
  });
});
