import { describe, expect, it } from 'vitest';
import { queueKey } from '../../../src/broker/queue-key.ts';
import type { MessageQueue } from '../../../src/broker/types.ts';
import { checkInstanceName, clientIdOf, ipBytes, ownerOfClientId, plainIp } from '../../../src/remote/client-id.ts';
import { versionText } from '../../../src/remote/groups/client-version.ts';
import { handedOver, shareOut } from '../../../src/remote/groups/share-out.ts';
import { disagreements, textOfSubscription, toSubscriptionData } from '../../../src/remote/groups/subscription-data.ts';

const keyOf = (queueId: number): string => queueKey({ topic: 'T', brokerName: 'b', queueId });
const queues = (count: number): MessageQueue[] => Array.from({ length: count }, (_, queueId) => ({ topic: 'T', brokerName: 'b', queueId }));

describe('client ids', () => {
  it('are Java\'s: the address, the process and a moment, or the instance', () => {
    expect(clientIdOf('10.0.0.1', null)).toMatch(new RegExp(`^10\\.0\\.0\\.1@${process.pid}#\\d+$`));
    expect(clientIdOf('10.0.0.1', null)).not.toBe(clientIdOf('10.0.0.1', null));
    expect(clientIdOf('10.0.0.1', 'DEFAULT')).toBe('10.0.0.1@DEFAULT');
    expect(clientIdOf('10.0.0.1', 'DEFAULT', 'unit-1')).toBe('10.0.0.1@DEFAULT@unit-1');
    expect(ownerOfClientId(clientIdOf('10.0.0.1', null, 'unit-1'))).toEqual({ host: '10.0.0.1', pid: process.pid });
  });

  it.each([
    ['192.0.2.2@4082#1214645138358', '192.0.2.2', 4082], ['192.0.2.2@4082', '192.0.2.2', 4082], ['192.0.2.2@DEFAULT', '192.0.2.2', null], ['fe80::1@7#1@unit', 'fe80::1', 7], ['whatever', null, null],
  ])('%s tells whose it is', (id, host, pid) => {
    expect(ownerOfClientId(id)).toEqual({ host, pid });
  });

  it('take names of instances that are names of files', () => {
    for (const name of ['DEFAULT', 'a.b', '10.0.0.1@1#2']) expect(() => checkInstanceName(name)).not.toThrow();
    for (const name of ['', '..', '.hidden', 'a/b', 'a\\b', 'a b', 'x'.repeat(121)]) expect(() => checkInstanceName(name)).toThrow(/instance name/);
  });

  it('begin with an address that everybody writes alike', () => {
    expect(['::ffff:10.0.0.1', '10.0.0.1', 'fe80::1%eth0', '::1'].map(plainIp)).toEqual(['10.0.0.1', '10.0.0.1', 'fe80::1', '::1']);
    expect([...ipBytes(plainIp('::ffff:10.0.0.1'))]).toEqual([10, 0, 0, 1]);
    expect(Buffer.from(ipBytes(plainIp('fe80::1%eth0'))).toString('hex')).toBe('fe800000000000000000000000000001');
    expect(ownerOfClientId(clientIdOf(plainIp('fe80::1%eth0'), null))).toEqual({ host: 'fe80::1', pid: process.pid });
  });
});

it.each([[213, '4.0.0'], [214, '4.0.1-SNAPSHOT'], [232, '4.1.0-SNAPSHOT'], [401, '4.9.4'], [413, '5.0.0'], [475, '5.3.1'], [479, '5.3.3'], [493, '5.4.0'], [513, '5.5.0'], [121, null]])('version %i is %s', (ordinal, text) => {
  expect(versionText(ordinal)).toBe(text);
});

describe('queues that change hands', () => {
  it('are those that a living member had', () => {
    const now = shareOut('average', 'b', ['a', 'b'], queues(4));
    expect([...handedOver('average', 'b', null, now)]).toEqual([[keyOf(2), 'a'], [keyOf(3), 'a']]);
  });

  it('are none that a member had who is gone, and none that this member had', () => {
    const before = shareOut('average', 'b', ['a', 'b', 'c'], queues(6));
    expect(before.mine.map(({ queueId }) => queueId)).toEqual([2, 3]);
    const now = shareOut('average', 'b', ['a', 'b'], queues(6));
    expect(now.mine.map(({ queueId }) => queueId)).toEqual([3, 4, 5]);
    expect([...handedOver('average', 'b', before, now)]).toEqual([]);
    expect([...handedOver('average', 'a', shareOut('average', 'a', ['a', 'b', 'c'], queues(6)), shareOut('average', 'a', ['a', 'b'], queues(6)))]).toEqual([[keyOf(2), 'b']]);
  });
});

describe('subscriptions', () => {
  it('are Java\'s, hash by hash', () => {
    expect(toSubscriptionData({ topic: 'T', filter: { tags: ' TagA ||TagB' } }, 7)).toEqual({ topic: 'T', classFilterMode: false, expressionType: 'TAG', subString: 'TagA || TagB', tagsSet: ['TagA', 'TagB'], codeSet: [2598919, 2598920], subVersion: 7 });
    expect(toSubscriptionData({ topic: 'T' }, 7)).toMatchObject({ subString: '*', tagsSet: [], codeSet: [] });
    expect(toSubscriptionData({ topic: 'T', filter: { sql: 'a  > 5' } }, 7)).toMatchObject({ expressionType: 'SQL92', subString: 'a  > 5', tagsSet: [], codeSet: [] });
    expect(() => toSubscriptionData({ topic: 'T', filter: { tags: 'A ||' } }, 7)).toThrow(/tag/);
  });

  it('disagree where the broker knows others, and not where they are only spaced otherwise', () => {
    const mine = { group: 'g', messageModel: 'clustering' as const, subscriptions: [toSubscriptionData({ topic: 'T', filter: { tags: 'A || B' } }, 1), toSubscriptionData({ topic: '%RETRY%g' }, 1)] };
    const theirs = (subString: string, more: readonly string[] = [], messageModel: 'CLUSTERING' | 'BROADCASTING' = 'CLUSTERING') => ({
      connectionSet: [], consumeFromWhere: null, consumeType: null, messageModel,
      subscriptionTable: Object.fromEntries(['T', ...more].map((topic) => [topic, { ...toSubscriptionData({ topic }, 1), subString }])),
    });
    expect(disagreements(mine, theirs('A||B', ['%RETRY%g']))).toEqual([]);
    expect(disagreements(mine, theirs('A'))).toEqual(['group g: other members filter T by "A", this one by "A || B"']);
    expect(disagreements(mine, theirs('A || B', ['U']))).toEqual([expect.stringMatching(/other members read U/) as string]);
    expect(disagreements(mine, { ...theirs('A || B'), subscriptionTable: {} })).toEqual([expect.stringMatching(/do not read T/) as string]);
    expect(disagreements(mine, theirs('A || B', [], 'BROADCASTING'))).toEqual(['group g: other members are broadcasting, this one is clustering']);
    expect(textOfSubscription({ ...toSubscriptionData({ topic: 'T', filter: { sql: 'a > 5' } }, 1) })).toBe('sql a > 5');
  });
});
