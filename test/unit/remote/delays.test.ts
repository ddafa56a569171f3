import { afterEach, describe, expect, it } from 'vitest';
import { encodeRecallHandle } from '../../../src/record/recall-handle.ts';
import { REQUEST_CODE, RESPONSE_CODE, VERSION } from '../../../src/wire/codes.ts';
import { responseCommand } from '../../../src/wire/command.ts';
import { decodeRequest, encodeResponse } from '../../../src/wire/definition.ts';
import { GET_BROKER_CONFIG } from '../../../src/wire/requests/broker-admin.ts';
import { GET_ALL_DELAY_OFFSET, GET_TIMER_CHECK_POINT } from '../../../src/wire/requests/progress.ts';
import { QUERY_MESSAGE } from '../../../src/wire/requests/query-message.ts';
import { RECALL_MESSAGE } from '../../../src/wire/requests/send-message.ts';
import { expectRefusal, text } from '../../contract/harness.ts';
import { recordBytes, ScriptedCluster, type Script } from '../../support/scripted-cluster.ts';

const TIMER = 'rmq_sys_wheel_timer';
let cluster: ScriptedCluster | undefined;
afterEach(async () => {
  await cluster?.end();
  cluster = undefined;
});

/** A broker with one timer message, due then, and what else its timer topic has of it. */
const timerBroker = (outMs: number, more: readonly Readonly<Record<string, string>>[] = [], recall?: Script[number]): Script => ({
  [REQUEST_CODE.QUERY_MESSAGE]: (request) => {
    const { topic, key } = decodeRequest(QUERY_MESSAGE, request).header;
    if (topic !== TIMER || key !== 'ID') return responseCommand(request, RESPONSE_CODE.QUERY_NOT_FOUND);
    const records = [{ REAL_TOPIC: 'T', TIMER_OUT_MS: String(outMs) }, ...more].map((properties) => recordBytes({ topic: TIMER, properties: { UNIQ_KEY: 'ID', ...properties } }));
    return encodeResponse(QUERY_MESSAGE, request, { indexLastUpdateTimestamp: 1, indexLastUpdatePhyoffset: 1 }, Buffer.concat(records));
  },
  [REQUEST_CODE.RECALL_MESSAGE]: recall ?? ((request) => encodeResponse(RECALL_MESSAGE, request, { msgId: 'ID' }, null)),
});

const handleOf = (outMs: number, more: { readonly topic?: string; readonly brokerName?: string; readonly msgId?: string } = {}): string =>
  encodeRecallHandle({ topic: 'T', brokerName: 'a', msgId: 'ID', timestamp: outMs + 1, ...more });

describe('recall', () => {
  it('tells the broker that has the message', async () => {
    const outMs = Date.now() + 60_000;
    cluster = await ScriptedCluster.start({ a: timerBroker(outMs), b: {} }, ['T', TIMER]);
    const broker = await cluster.open();
    expect(await broker.recall('T', handleOf(outMs))).toBe('ID');
    expect(cluster.asked('a', REQUEST_CODE.RECALL_MESSAGE).map((request) => decodeRequest(RECALL_MESSAGE, request).header)).toMatchObject([{ topic: 'T', recallHandle: handleOf(outMs), producerGroup: 'MQLITE_PRODUCER' }]);
    // Before the index names what takes it back.
    await expectRefusal(broker.recall('T', handleOf(outMs)), 'REFUSED');
  });

  it.each([
    ['nobody\'s handle', 'T', () => 'nonsense', 'INVALID_INPUT', /no recall handle/],
    ['another topic', 'T', (outMs: number) => handleOf(outMs, { topic: 'Other' }), 'INVALID_INPUT', /topic Other/],
    ['a broker that is none of the cluster\'s', 'T', (outMs: number) => handleOf(outMs, { brokerName: 'z' }), 'INVALID_INPUT', /broker z/],
    ['a message that is not there', 'T', (outMs: number) => handleOf(outMs, { msgId: 'NONE' }), 'NOT_FOUND', /no timer message NONE/],
    ['another time', 'T', (outMs: number) => handleOf(outMs + 5000), 'NOT_FOUND', /no timer message ID/],
  ] as const)('refuses %s, and tells no broker', async (_, topic, handle, code, message) => {
    const outMs = Date.now() + 60_000;
    cluster = await ScriptedCluster.start({ a: timerBroker(outMs) }, ['T', TIMER]);
    expect((await expectRefusal((await cluster.open()).recall(topic, handle(outMs)), code)).message).toMatch(message);
    expect(cluster.asked('a', REQUEST_CODE.RECALL_MESSAGE)).toEqual([]);
  });

  it.each([
    [2900, [], /too late to be sure/], [-1000, [], /was due at/], [60_000, [{ TIMER_DEL_UNIQKEY: 'ID' }], /taken back already/], [60_000, [{ TIMER_DEL_UNIQKEY: 'T+ID' }], /taken back already/],
  ] as const)('refuses what is due in %i ms with %j, and tells no broker', async (inMs, more, message) => {
    const outMs = Date.now() + inMs;
    cluster = await ScriptedCluster.start({ a: timerBroker(outMs, more) }, ['T', TIMER]);
    const error = await expectRefusal((await cluster.open()).recall('T', handleOf(outMs)), 'REFUSED');
    expect([error.message, error.exitCode]).toEqual([expect.stringMatching(message), 5]);
    expect(cluster.asked('a', REQUEST_CODE.RECALL_MESSAGE)).toEqual([]);
  });

  it('a broker that cannot, or may not, says so in words', async () => {
    const outMs = Date.now() + 60_000;
    const refusing = (code: number, remark: string): Script => timerBroker(outMs, [], (request) => responseCommand(request, code, remark));
    cluster = await ScriptedCluster.start({
      a: refusing(RESPONSE_CODE.REQUEST_CODE_NOT_SUPPORTED, ' request type 370 not supported'), b: refusing(RESPONSE_CODE.NO_PERMISSION, 'recall failed, operation is forbidden'),
      c: refusing(RESPONSE_CODE.NO_PERMISSION, 'User has no permission'),
    }, ['T', TIMER]);
    const broker = await cluster.open();
    expect((await expectRefusal(broker.recall('T', handleOf(outMs)), 'UNSUPPORTED')).message).toContain('too old');
    expect((await expectRefusal(broker.recall('T', handleOf(outMs, { brokerName: 'b' })), 'UNSUPPORTED')).hint).toContain('recallMessageEnable=true');
    await expectRefusal(broker.recall('T', handleOf(outMs, { brokerName: 'c' })), 'PERMISSION_DENIED');
    await expectRefusal(broker.deliverNow('T', handleOf(outMs)), 'UNSUPPORTED');
  });
});

describe('progress of delivery', () => {
  const config = (settings: Readonly<Record<string, string>>): Script => ({
    [REQUEST_CODE.GET_BROKER_CONFIG]: (request) => encodeResponse(GET_BROKER_CONFIG, request, { version: '{}' }, settings),
    [REQUEST_CODE.GET_ALL_DELAY_OFFSET]: (request) => encodeResponse(GET_ALL_DELAY_OFFSET, request, {}, { dataVersion: null, offsetTable: new Map([[2, 7]]) }),
    [REQUEST_CODE.GET_TIMER_CHECK_POINT]: (request) => encodeResponse(GET_TIMER_CHECK_POINT, request, {}, { lastReadTimeMs: 5000, lastTimerLogFlushPos: 1, lastTimerQueueOffset: 9, masterTimerQueueOffset: 8 }),
  });

  it('is what each broker says, with its own levels', async () => {
    cluster = await ScriptedCluster.start({ a: config({ messageDelayLevel: '1s 5s 1m' }), b: config({ messageDelayLevel: '2s' }) }, []);
    const broker = await cluster.open();
    expect(await broker.delayProgress('a')).toEqual({
      levels: [{ level: 1, delayMs: 1000, queueId: 0, nextOffset: 0 }, { level: 2, delayMs: 5000, queueId: 1, nextOffset: 7 }, { level: 3, delayMs: 60_000, queueId: 2, nextOffset: 0 }],
      timer: { nextQueueOffset: 8, lastReadTimeMs: 5000, doneInSecond: [] },
    });
    expect((await broker.delayProgress('b')).levels).toMatchObject([{ delayMs: 2000 }]);
    expect((await broker.delayProgress()).levels).toHaveLength(3);
  });

  it('without settings that may be read, without deliveries, without a timer: what is known all the same', async () => {
    const refused = (code: number): Script[number] => (request) => responseCommand(request, code, 'no');
    cluster = await ScriptedCluster.start({
      a: { [REQUEST_CODE.GET_BROKER_CONFIG]: refused(RESPONSE_CODE.NO_PERMISSION), [REQUEST_CODE.GET_ALL_DELAY_OFFSET]: refused(RESPONSE_CODE.SYSTEM_ERROR) },
      b: config({ timerWheelEnable: 'false' }), c: config({ timerRocksDBEnable: 'true' }),
    }, []);
    const broker = await cluster.open();
    const { levels, timer } = await broker.delayProgress('a');
    expect([levels.length, levels.every(({ nextOffset }) => nextOffset === 0), timer]).toEqual([18, true, null]);
    expect((await broker.delayProgress('b')).timer).toBeNull();
    expect((await broker.delayProgress('c')).timer).toBeNull();
  });
});

it('a broker older than 5.0 gets no message for later, which it would deliver at once', async () => {
  cluster = await ScriptedCluster.start({ a: { [REQUEST_CODE.GET_TOPIC_CONFIG]: (request) => ({ ...responseCommand(request, RESPONSE_CODE.TOPIC_NOT_EXIST), version: VERSION.V5_0_0 - 1 }) } }, ['T']);
  const broker = await cluster.open();
  for (const more of [{ delayMs: 5000 }, { deliverAtMs: Date.now() + 5000 }]) {
    const error = await expectRefusal(broker.send(text('T', 'x', more)), 'UNSUPPORTED');
    expect([error.exitCode, error.message]).toEqual([5, expect.stringContaining('deliver at once')]);
  }
  expect(cluster.asked('a', REQUEST_CODE.SEND_MESSAGE_V2)).toEqual([]);
});
