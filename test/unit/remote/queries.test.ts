import { afterEach, describe, expect, it } from 'vitest';
import { REQUEST_CODE, RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { decodeRequest, encodeResponse } from '../../../src/wire/definition.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from '../../../src/wire/requests/query-message.ts';
import { expectRefusal } from '../../contract/harness.ts';
import { placeOf, recordBytes, ScriptedCluster, type Script } from '../../support/scripted-cluster.ts';

let cluster: ScriptedCluster | undefined;
afterEach(async () => {
  await cluster?.end();
  cluster = undefined;
});

interface Stored {
  readonly at: number;
  readonly storeTimestamp: number;
  readonly keys: string;
  readonly id?: string;
  readonly topic?: string;
}

const record = ({ at, storeTimestamp, keys, id = `ID${at}`, topic = 'T' }: Stored): Buffer =>
  recordBytes({ topic, commitLogOffset: at, storeTimestamp, body: String(at), properties: { ...(keys === '' ? {} : { KEYS: keys }), UNIQ_KEY: id } });

/** The index of a broker as it is: by hash (here: everything), times to a second, the newest of a range, 64 at most. */
const index = (stored: readonly Stored[]): Script => ({
  [REQUEST_CODE.QUERY_MESSAGE]: (request) => {
    const { header } = decodeRequest(QUERY_MESSAGE, request);
    const seconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
    const found = stored.filter(({ storeTimestamp }) => seconds(storeTimestamp) >= Number(header.beginTimestamp) && seconds(storeTimestamp) <= Number(header.endTimestamp)).slice(-Math.min(64, header.maxNum));
    return answer(request, found.map(record));
  },
});

const answer = (request: RemotingCommand, records: readonly Buffer[]): RemotingCommand => (records.length === 0
  ? responseCommand(request, RESPONSE_CODE.QUERY_NOT_FOUND, 'can not find message, maybe time range not correct')
  : encodeResponse(QUERY_MESSAGE, request, { indexLastUpdateTimestamp: 1, indexLastUpdatePhyoffset: 1 }, Buffer.concat(records)));

const bodies = ({ messages }: { readonly messages: readonly { readonly body: Buffer }[] }): string[] => messages.map(({ body }) => body.toString());

describe('by key', () => {
  it('asks every broker of the topic, and answers in order of time what has the key', async () => {
    cluster = await ScriptedCluster.start({
      a: index([{ at: 1, storeTimestamp: 1000, keys: 'k' }, { at: 2, storeTimestamp: 5000, keys: 'x k' }, { at: 3, storeTimestamp: 6000, keys: 'kk' }]),
      b: index([{ at: 4, storeTimestamp: 3000, keys: 'k' }, { at: 5, storeTimestamp: 3500, keys: 'k', topic: 'Other' }]),
    }, ['T']);
    const broker = await cluster.open();
    expect(bodies(await broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 10 }))).toEqual(['1', '4', '2']);
    const two = await broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 2 });
    expect([bodies(two), two.truncated]).toEqual([['4', '2'], true]);
    expect(bodies(await broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 10, beginTimestamp: 1001, endTimestamp: 3000 }))).toEqual(['4']);
  });

  it('asks for older ones behind a full answer, to the last', async () => {
    const stored = Array.from({ length: 150 }, (_, at): Stored => ({ at, storeTimestamp: 1_000_000 + at * 300, keys: 'k' }));
    cluster = await ScriptedCluster.start({ a: index(stored) }, ['T']);
    const broker = await cluster.open();
    const all = await broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 1000 });
    expect([bodies(all), all.truncated]).toEqual([stored.map(({ at }) => String(at)), false]);
    const some = await broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 70 });
    expect([bodies(some), some.truncated]).toEqual([stored.slice(80).map(({ at }) => String(at)), true]);
  });

  it('more in one second than a broker answers: it says that there are more', async () => {
    const stored = Array.from({ length: 100 }, (_, at): Stored => ({ at, storeTimestamp: 1_000_000 + at, keys: 'k' }));
    cluster = await ScriptedCluster.start({ a: index(stored) }, ['T']);
    const { messages, truncated } = await (await cluster.open()).queryByKey({ topic: 'T', key: 'k', maxMessages: 1000 });
    expect([messages.length, truncated]).toEqual([64, true]);
  });

  it('a broker that cannot be asked: an error, not half of the answer', async () => {
    cluster = await ScriptedCluster.start({ a: index([{ at: 1, storeTimestamp: 1000, keys: 'k' }]), b: {} }, ['T']);
    const broker = await cluster.open();
    await expectRefusal(broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 10 }), 'UNSUPPORTED');
    await cluster.broker('b').stop();
    await expectRefusal(broker.queryByKey({ topic: 'T', key: 'k', maxMessages: 10 }), 'UNREACHABLE');
  });
});

describe('by id', () => {
  const view = (records: () => readonly Buffer[]): Script => ({
    [REQUEST_CODE.VIEW_MESSAGE_BY_ID]: (request) => {
      const { header } = decodeRequest(VIEW_MESSAGE_BY_ID, request);
      const found = records().find((bytes) => bytes.readBigInt64BE(28) === BigInt(header.offset));
      return found === undefined ? responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'can not find message by the offset') : encodeResponse(VIEW_MESSAGE_BY_ID, request, {}, found);
    },
    ...index([]),
  });

  it('an offset id is asked of the broker that has its address, and of nobody else', async () => {
    const records: Buffer[] = [];
    cluster = await ScriptedCluster.start({ a: view(() => records), b: view(() => []) }, ['T']);
    const { address } = cluster.broker('a');
    records.push(recordBytes({ topic: 'T', commitLogOffset: 77, at: address }), recordBytes({ topic: 'Gone', commitLogOffset: 88, at: address }));
    const broker = await cluster.open();
    const id = placeOf(address, 77);
    expect((await broker.queryByMsgId(id, 'T')).messages.map(({ offsetMsgId }) => offsetMsgId)).toEqual([id]);
    expect(cluster.asked('b', REQUEST_CODE.VIEW_MESSAGE_BY_ID)).toEqual([]);
    expect((await broker.queryByMsgId(placeOf(address, 78), 'T')).messages).toEqual([]);
    // Of a topic that is deleted.
    expect((await broker.queryByMsgId(placeOf(address, 88), 'T')).messages).toEqual([]);
    const asked = cluster.asked('a', REQUEST_CODE.VIEW_MESSAGE_BY_ID).length;
    expect((await broker.queryByMsgId(placeOf('10.1.2.3:10911', 77), 'T')).messages).toEqual([]);
    expect(cluster.asked('a', REQUEST_CODE.VIEW_MESSAGE_BY_ID)).toHaveLength(asked);
  });

  it('a unique id is asked of every broker of the topic: found by one is an answer, found by none takes all', async () => {
    cluster = await ScriptedCluster.start({ a: index([{ at: 1, storeTimestamp: 1000, keys: '', id: 'WANTED' }, { at: 2, storeTimestamp: 1000, keys: 'WANTED', id: 'OTHER' }]), b: {} }, ['T']);
    const broker = await cluster.open();
    const { messages, truncated } = await broker.queryByMsgId('WANTED', 'T');
    expect([messages.map(({ commitLogOffset }) => commitLogOffset), truncated]).toEqual([[1], true]);
    expect(decodeRequest(QUERY_MESSAGE, cluster.asked('a', REQUEST_CODE.QUERY_MESSAGE)[0]!).header).toMatchObject({ isUniqueKey: true, key: 'WANTED' });
    await expectRefusal(broker.queryByMsgId('NOBODY', 'T'), 'UNSUPPORTED');
  });

  it('an index that lags behind is asked once more before it is said that there is none', async () => {
    let asked = 0;
    const late = index([{ at: 1, storeTimestamp: 1000, keys: '', id: 'LATE' }])[REQUEST_CODE.QUERY_MESSAGE]!;
    cluster = await ScriptedCluster.start({ a: { [REQUEST_CODE.QUERY_MESSAGE]: (request, peer) => (++asked === 1 ? answer(request, []) : late(request, peer)) } }, ['T']);
    expect((await (await cluster.open()).queryByMsgId('LATE', 'T')).messages).toHaveLength(1);
  });
});
