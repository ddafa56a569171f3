import { afterEach, describe, expect, it } from 'vitest';
import type { EndTransactionRequest, TransactionDecision } from '../../../src/broker/types.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { HALF_TOPIC, OP_HALF_TOPIC } from '../../../src/record/transaction.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { requestCommand, responseCommand } from '../../../src/wire/command.ts';
import { decodeRequest, encodeRequest, encodeResponse } from '../../../src/wire/definition.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { HEART_BEAT, UNREGISTER_CLIENT } from '../../../src/wire/requests/client.ts';
import { GET_MAX_OFFSET, GET_MIN_OFFSET, SEARCH_OFFSET_BY_TIMESTAMP } from '../../../src/wire/requests/offsets.ts';
import { PULL_MESSAGE } from '../../../src/wire/requests/pull-message.ts';
import { QUERY_MESSAGE, VIEW_MESSAGE_BY_ID } from '../../../src/wire/requests/query-message.ts';
import { CHECK_TRANSACTION_STATE, END_TRANSACTION } from '../../../src/wire/requests/transaction.ts';
import { expectRefusal } from '../../contract/harness.ts';
import type { Peer } from '../../support/remoting-server.ts';
import { placeOf, recordBytes, ScriptedCluster, type RecordOptions, type Script } from '../../support/scripted-cluster.ts';

const GROUP = 'payers';
const COMMIT = 8;
const ROLLBACK = 12;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let fake: FakeTransactions | undefined;
afterEach(async () => {
  await fake?.cluster.end();
  fake = undefined;
});

type Ending = ReturnType<typeof END_TRANSACTION.requestHeader.decode>;

/** A broker with half messages: one queue of each topic, and an index. It ends halves as real ones do: as often as it is told. */
class FakeTransactions {
  readonly records: RecordOptions[] = [];
  readonly ended: Ending[] = [];
  /** The heartbeats' connection. */
  producer: Peer | null = null;
  cluster!: ScriptedCluster;
  endCode: number = RESPONSE_CODE.SUCCESS;

  static async start(topics: readonly string[] = ['T', HALF_TOPIC, OP_HALF_TOPIC]): Promise<FakeTransactions> {
    const made = new FakeTransactions();
    fake = made;
    made.cluster = await ScriptedCluster.start({ a: made.#script() }, topics);
    return made;
  }

  get address(): string {
    return this.cluster.broker('a').address;
  }

  /** Stores a half; answers what ends it. */
  half(key: string, more: { readonly group?: string; readonly properties?: Readonly<Record<string, string>>; readonly bornTimestamp?: number } = {}): EndTransactionRequest {
    const { group = GROUP, properties = {}, bornTimestamp = Date.now() } = more;
    const place = this.records.length * 1000 + 1000;
    const queueOffset = this.records.filter(({ topic }) => topic === HALF_TOPIC).length;
    this.records.push({ topic: HALF_TOPIC, queueOffset, commitLogOffset: place, bornTimestamp, storeTimestamp: bornTimestamp, body: key, properties: { UNIQ_KEY: `ID-${key}`, PGROUP: group, TRAN_MSG: 'true', REAL_TOPIC: 'T', REAL_QID: '0', ...properties } });
    return { topic: 'T', transactionId: `ID-${key}`, offsetMsgId: placeOf(this.address, place), queueOffset, producerGroup: group, decision: 'commit' };
  }

  commit({ offsetMsgId }: EndTransactionRequest): void {
    const half = this.records.find(({ commitLogOffset }) => placeOf(this.address, commitLogOffset!) === offsetMsgId)!;
    const { TRAN_MSG: _mark, REAL_TOPIC: _topic, REAL_QID: _queue, ...properties } = half.properties!;
    this.records.push({
      topic: 'T', queueOffset: this.records.filter(({ topic }) => topic === 'T').length, commitLogOffset: this.records.length * 1000 + 1000, sysFlag: COMMIT, body: half.body!,
      bornTimestamp: half.bornTimestamp!, storeTimestamp: Date.now(), preparedTransactionOffset: half.commitLogOffset!, properties,
    });
  }

  /** Asks whoever sent heartbeats. */
  ask({ offsetMsgId, queueOffset, transactionId }: EndTransactionRequest): void {
    const half = this.records.find(({ commitLogOffset }) => placeOf(this.address, commitLogOffset!) === offsetMsgId)!;
    const header = { topic: HALF_TOPIC, tranStateTableOffset: queueOffset, commitLogOffset: half.commitLogOffset!, msgId: transactionId, transactionId, offsetMsgId, bname: 'a' };
    this.producer!.send(encodeRequest(CHECK_TRANSACTION_STATE, 1, header, recordBytes({ ...half, topic: 'T', at: this.address }), true));
  }

  codes(code: number): RemotingCommand[] {
    return this.cluster.asked('a', code);
  }

  #bytes(record: RecordOptions): Buffer {
    return recordBytes({ ...record, at: this.address });
  }

  #script(): Script {
    const of = (topic: string): RecordOptions[] => this.records.filter((record) => record.topic === topic);
    return {
      [REQUEST_CODE.VIEW_MESSAGE_BY_ID]: (request) => {
        const { header } = decodeRequest(VIEW_MESSAGE_BY_ID, request);
        const found = this.records.find(({ commitLogOffset }) => commitLogOffset === header.offset);
        return found === undefined ? responseCommand(request, RESPONSE_CODE.SYSTEM_ERROR, 'none') : encodeResponse(VIEW_MESSAGE_BY_ID, request, {}, this.#bytes(found));
      },
      [REQUEST_CODE.QUERY_MESSAGE]: (request) => {
        const { header } = decodeRequest(QUERY_MESSAGE, request);
        const found = of(header.topic).filter(({ properties }) => properties!['UNIQ_KEY'] === header.key);
        if (found.length === 0) return responseCommand(request, RESPONSE_CODE.QUERY_NOT_FOUND, 'none');
        return encodeResponse(QUERY_MESSAGE, request, { indexLastUpdateTimestamp: 1, indexLastUpdatePhyoffset: 1 }, Buffer.concat(found.map((record) => this.#bytes(record))));
      },
      [REQUEST_CODE.GET_MAX_OFFSET]: (request) => encodeResponse(GET_MAX_OFFSET, request, { offset: of(request.extFields['topic']!).length }, null),
      [REQUEST_CODE.GET_MIN_OFFSET]: (request) => encodeResponse(GET_MIN_OFFSET, request, { offset: 0 }, null),
      [REQUEST_CODE.SEARCH_OFFSET_BY_TIMESTAMP]: (request) => encodeResponse(SEARCH_OFFSET_BY_TIMESTAMP, request, { offset: 0 }, null),
      [REQUEST_CODE.PULL_MESSAGE]: (request) => {
        const { header } = decodeRequest(PULL_MESSAGE, request);
        const all = of(header.topic);
        const found = all.slice(header.queueOffset);
        const code = found.length === 0 ? RESPONSE_CODE.PULL_NOT_FOUND : RESPONSE_CODE.SUCCESS;
        return encodeResponse(PULL_MESSAGE, request, { suggestWhichBrokerId: 0, nextBeginOffset: all.length, minOffset: 0, maxOffset: all.length }, Buffer.concat(found.map((record) => this.#bytes(record))), code);
      },
      [REQUEST_CODE.END_TRANSACTION]: (request) => {
        const { header } = decodeRequest(END_TRANSACTION, request);
        this.ended.push(header);
        if (header.commitOrRollback === COMMIT && this.endCode === RESPONSE_CODE.SUCCESS) this.commit({ offsetMsgId: placeOf(this.address, header.commitLogOffset) } as EndTransactionRequest);
        return header.commitOrRollback === 0 ? null : responseCommand(request, this.endCode);
      },
      [REQUEST_CODE.HEART_BEAT]: (request, peer) => {
        this.producer = peer;
        return encodeResponse(HEART_BEAT, request, {}, null);
      },
      [REQUEST_CODE.UNREGISTER_CLIENT]: (request) => responseCommand(request, RESPONSE_CODE.SUCCESS),
    };
  }
}

describe('ending halves', () => {
  it('commits on the broker that has the half, and says where the message is', async () => {
    const broker = await FakeTransactions.start();
    const request = broker.half('x');
    const client = await broker.cluster.open();
    expect(await client.endTransaction(request)).toMatchObject({ status: 'SEND_OK', topic: 'T', brokerName: 'a', queueId: 0, queueOffset: 0, msgId: 'ID-x' });
    expect(broker.ended).toMatchObject([{ topic: 'T', producerGroup: GROUP, tranStateTableOffset: 0, commitLogOffset: 1000, commitOrRollback: COMMIT, fromTransactionCheck: false, msgId: 'ID-x' }]);
    expect(await client.endTransaction(broker.half('y')).then(() => client.endTransaction({ ...broker.half('z'), decision: 'rollback' }))).toBeNull();
    expect(broker.ended.at(-1)).toMatchObject({ commitOrRollback: ROLLBACK, msgId: 'ID-z' });
  });

  it('tells a broker nothing about a half that is not meant, is ended, or has no topic to go to', async () => {
    const broker = await FakeTransactions.start();
    const request = broker.half('x');
    const client = await broker.cluster.open();
    await expectRefusal(client.endTransaction({ ...request, producerGroup: 'others' }), 'REFUSED');
    await expectRefusal(client.endTransaction({ ...request, queueOffset: 9 }), 'REFUSED');
    await expectRefusal(client.endTransaction({ ...request, offsetMsgId: placeOf(broker.address, 5) }), 'NOT_FOUND');
    await expectRefusal(client.endTransaction({ ...request, offsetMsgId: placeOf('10.9.8.7:10911', 1000) }), 'NOT_FOUND');
    await expectRefusal(client.endTransaction({ ...request, offsetMsgId: 'none' }), 'INVALID_INPUT');
    expect(await client.endTransaction({ ...request, decision: 'unknown' })).toBeNull();
    // Committed by somebody else: the message is there, and nothing says so otherwise.
    broker.commit(request);
    expect((await expectRefusal(client.endTransaction(request), 'REFUSED')).message).toContain('already committed: T, queue 0, offset 0');
    expect((await expectRefusal(client.endTransaction({ ...request, decision: 'rollback' }), 'REFUSED')).message).toContain('already committed');
    // Rolled back by somebody else: the op topic says so.
    const other = broker.half('other');
    broker.records.push({ topic: OP_HALF_TOPIC, commitLogOffset: 900_000, body: `${other.queueOffset},`, properties: { TAGS: 'd' } });
    expect((await expectRefusal(client.endTransaction(other), 'REFUSED')).message).toContain('already rolled back');
    await expectRefusal(client.endTransaction(broker.half('lost', { properties: { REAL_TOPIC: 'Deleted' } })), 'TOPIC_NOT_FOUND');
    expect(broker.ended).toEqual([]);
  });

  it('many: in the order of the queue, each with its own outcome', async () => {
    const broker = await FakeTransactions.start();
    const requests = Array.from({ length: 40 }, (_, index) => broker.half(`m${index}`));
    const client = await broker.cluster.open();
    const outcomes = await client.endTransactions(requests.map((request, index) => (index === 7 ? { ...request, queueOffset: 999 } : request)));
    expect(outcomes.map((outcome) => (outcome !== null && 'queueOffset' in outcome ? outcome.queueOffset : 'refused'))).toEqual(requests.map((_, index) => (index === 7 ? 'refused' : index - Number(index > 7))));
    await expectRefusal(client.endTransactions([requests[7]!, { ...requests[7]!, decision: 'rollback' }]), 'INVALID_INPUT');
    broker.endCode = RESPONSE_CODE.SYSTEM_ERROR;
    const [refused] = await client.endTransactions([requests[7]!]);
    expect((refused as { error: MqliteError }).error.code).toBe('REFUSED');
  });

  it('after its immunity a half is ended as if the broker had asked', async () => {
    const broker = await FakeTransactions.start();
    const request = broker.half('x');
    const client = await broker.cluster.open();
    broker.endCode = RESPONSE_CODE.ILLEGAL_OPERATION;
    await expectRefusal(client.endTransaction(request), 'REFUSED');
    expect(broker.ended).toMatchObject([{ fromTransactionCheck: false }, { fromTransactionCheck: true }]);
  });

  it('copies that a broker made meanwhile end with their half', async () => {
    const broker = await FakeTransactions.start();
    const bornTimestamp = Date.now() - 60_000;
    const request = broker.half('x', { bornTimestamp });
    const copy = broker.half('x', { bornTimestamp, properties: { TRANSACTION_CHECK_TIMES: '1' } });
    const client = await broker.cluster.open();
    await client.endTransaction(request);
    expect(broker.ended).toMatchObject([{ tranStateTableOffset: 0, commitOrRollback: COMMIT }, { tranStateTableOffset: copy.queueOffset, commitOrRollback: ROLLBACK }]);
  });
});

describe('check-backs', () => {
  interface Running {
    readonly broker: FakeTransactions;
    readonly asked: string[];
    readonly notices: string[];
    readonly stop: AbortController;
    readonly checking: Promise<void>;
  }

  const run = async (answer: (key: string) => TransactionDecision | Promise<TransactionDecision>): Promise<Running> => {
    const broker = await FakeTransactions.start();
    const asked: string[] = [];
    const notices: string[] = [];
    const stop = new AbortController();
    const client = await broker.cluster.open((text) => notices.push(text));
    const checking = client.checkTransactions(GROUP, async (half) => {
      asked.push(`${half.body.toString()} of ${half.originTopic}`);
      return answer(half.body.toString());
    }, stop.signal);
    checking.catch(() => undefined);
    await expect.poll(() => broker.producer).not.toBeNull();
    return { broker, asked, notices, stop, checking };
  };

  it('are answered by the group alone, and end at once, unregistered', async () => {
    const { broker, asked, stop, checking } = await run((key) => (key === 'no' ? 'rollback' : key === 'maybe' ? 'unknown' : 'commit'));
    expect(decodeRequest(HEART_BEAT, broker.codes(REQUEST_CODE.HEART_BEAT)[0]!).body).toMatchObject({ producerDataSet: [{ groupName: GROUP }], consumerDataSet: [] });
    for (const key of ['yes', 'no', 'maybe']) broker.ask(broker.half(key));
    broker.ask(broker.half('foreign', { group: 'others' }));
    await expect.poll(() => broker.ended).toHaveLength(3);
    expect(asked).toEqual(['yes of T', 'no of T', 'maybe of T']);
    expect(broker.ended).toMatchObject([
      { tranStateTableOffset: 0, commitLogOffset: 1000, commitOrRollback: COMMIT, fromTransactionCheck: true, producerGroup: GROUP, topic: 'T' },
      { tranStateTableOffset: 1, commitOrRollback: ROLLBACK, fromTransactionCheck: true },
      { tranStateTableOffset: 2, commitOrRollback: 0, fromTransactionCheck: true },
    ]);
    stop.abort();
    await checking;
    expect(broker.codes(REQUEST_CODE.UNREGISTER_CLIENT).map((request) => decodeRequest(UNREGISTER_CLIENT, request).header)).toMatchObject([
      { producerGroup: GROUP, clientID: decodeRequest(HEART_BEAT, broker.codes(REQUEST_CODE.HEART_BEAT)[0]!).body.clientID },
    ]);
    broker.ask(broker.half('late'));
    await sleep(30);
    expect(asked).toHaveLength(3);
  });

  it('one half at a time, and none twice while it is thought about or once it is ended', async () => {
    let release = (): void => undefined;
    const thinking = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { broker, asked, stop, checking } = await run(async (key): Promise<TransactionDecision> => {
      await thinking;
      return key === 'x' ? 'unknown' : 'commit';
    });
    const half = broker.half('x');
    const decided = broker.half('y');
    broker.ask(half);
    broker.ask(half);
    broker.ask(decided);
    await expect.poll(() => asked.length).toBe(1);
    await sleep(30);
    expect(asked).toEqual(['x of T']);
    release();
    await expect.poll(() => broker.ended).toHaveLength(2);
    broker.ask(decided);
    await sleep(30);
    expect([asked, broker.ended.length]).toEqual([['x of T', 'y of T'], 2]);
    stop.abort();
    await checking;
  });

  it('a half whose message is there already is not committed once more: a rollback ends it', async () => {
    const { broker, asked, stop, checking } = await run(() => 'commit');
    const half = broker.half('x');
    broker.commit(half);
    broker.ask(half);
    await expect.poll(() => broker.ended).toMatchObject([{ commitOrRollback: ROLLBACK, tranStateTableOffset: 0 }]);
    expect(asked).toEqual([]);
    stop.abort();
    await checking;
  });

  it('a listener that fails ends them with its error; one that is told to stop knows nothing', async () => {
    const failing = await run(() => {
      throw new MqliteError('USAGE', 'the command cannot be run');
    });
    failing.broker.ask(failing.broker.half('x'));
    await expectRefusal(failing.checking, 'USAGE');
    expect(failing.broker.codes(REQUEST_CODE.UNREGISTER_CLIENT)).toHaveLength(1);
    expect(failing.broker.ended).toEqual([]);
    await failing.broker.cluster.end();

    const stopped = await run(async (): Promise<TransactionDecision> => {
      stopped.stop.abort();
      return 'unknown';
    });
    stopped.broker.ask(stopped.broker.half('x'));
    await stopped.checking;
    expect(stopped.broker.ended).toEqual([]);
  });

  it('what cannot be read is said, and the next one answered', async () => {
    const { broker, notices, stop, checking } = await run(() => 'commit');
    broker.producer!.send(requestCommand(REQUEST_CODE.CHECK_TRANSACTION_STATE, 3, { tranStateTableOffset: '1', commitLogOffset: '2' }, Buffer.from('nonsense'), 2));
    broker.ask(broker.half('x'));
    await expect.poll(() => broker.ended).toHaveLength(1);
    expect(notices).toMatchObject([expect.stringContaining('cannot be read')]);
    stop.abort();
    await checking;
  });
});
