import { MqliteError } from '../../../src/broker/errors.ts';
import type { CheckOptions, EndTransactionRequest, OutgoingMessage, SendResult, TransactionChecker } from '../../../src/broker/types.ts';
import type { Message } from '../../../src/record/message.ts';
import type { FakeStore } from './store.ts';
import { checkGroupName } from './validate.ts';

const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
const OP = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
const GIVE_UP = 'TRANS_CHECK_MAX_TIME_TOPIC';

/** Transactions in memory: half, op and give-up topic are real topics of the fake, who is pending is asked of them every time. */
export class FakeTransactions {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  /** Stores a transactional send, whose queue is chosen. */
  storeHalf(message: OutgoingMessage, queueId: number): SendResult {
    const group = message.producerGroup;
    if (group === undefined) throw new MqliteError('INVALID_INPUT', 'a transactional message needs a producer group');
    checkGroupName(group);
    if ((message.delayLevel ?? 0) > 0 || message.delayMs !== undefined || message.deliverAtMs !== undefined) throw new MqliteError('INVALID_INPUT', 'a transactional message cannot be delayed');
    const half = this.#append(HALF, message, { ...message.properties, TRAN_MSG: 'true', PGROUP: group, REAL_TOPIC: message.topic, REAL_QID: String(queueId) });
    Object.assign(half.properties, { __transactionId__: half.msgId });
    return { status: 'SEND_OK', topic: message.topic, brokerName: half.brokerName, queueId, queueOffset: half.queueOffset, msgId: half.msgId, offsetMsgId: half.offsetMsgId, transactionId: half.msgId };
  }

  end(request: EndTransactionRequest): SendResult | null {
    const half = this.#records(HALF).find((record) => record.offsetMsgId === request.offsetMsgId);
    if (half === undefined) throw new MqliteError('NOT_FOUND', `no half message has the id ${request.offsetMsgId}`);
    if (half.queueOffset !== request.queueOffset) throw new MqliteError('REFUSED', `the half message has queue offset ${half.queueOffset}, not ${request.queueOffset}`);
    if (half.properties['PGROUP'] !== request.producerGroup) throw new MqliteError('REFUSED', `the half message belongs to producer group ${half.properties['PGROUP']}`);
    if (request.decision === 'unknown') return null;
    if (!this.#pending().includes(half)) throw new MqliteError('REFUSED', `transaction ${half.msgId} is already ${this.#isCommitted(half) ? 'committed' : 'rolled back'}`);
    return this.#end(half, request.decision, {});
  }

  async check(group: string, listener: TransactionChecker, signal: AbortSignal, options: CheckOptions = {}): Promise<void> {
    while (!signal.aborted) {
      for (const half of this.#pending().filter(({ properties }) => properties['PGROUP'] === group)) {
        if (this.#store.clock.nowMs() - half.bornTimestamp <= (options.timeoutMs ?? 6000)) continue;
        const times = Number(half.properties['TRANSACTION_CHECK_TIMES'] ?? 0);
        if (times >= (options.maxChecks ?? 15)) {
          this.#append(GIVE_UP, half, half.properties);
          this.#op(half);
          continue;
        }
        const answer = await listener(half);
        if (signal.aborted && answer === 'unknown') return;
        const counted = { TRANSACTION_CHECK_TIMES: String(times + 1) };
        if (answer !== 'unknown') this.#end(half, answer, counted);
        else {
          const copy = this.#append(HALF, half, { ...half.properties, ...counted });
          this.#op(half, { MQLITE_RENEWED: String(copy.queueOffset) });
        }
      }
      if (options.once === true) return;
      await this.#store.clock.sleep(options.intervalMs ?? 30_000, signal);
    }
  }

  #end(half: Message, decision: 'commit' | 'rollback', counted: Readonly<Record<string, string>>): SendResult | null {
    const { REAL_TOPIC: topic, REAL_QID: queueId, ...kept } = half.properties;
    if (decision === 'commit' && !this.#store.topics.has(topic!)) throw new MqliteError('TOPIC_NOT_FOUND', `topic ${topic} does not exist any more`);
    const message = decision === 'rollback' ? null : this.#append(topic!, half, { ...kept, ...counted }, Number(queueId));
    if (message !== null) Object.assign(message, { sysFlag: half.sysFlag | 8, preparedTransactionOffset: half.commitLogOffset, originTopic: null });
    this.#op(half);
    return message === null ? null : {
      status: 'SEND_OK', topic: topic!, brokerName: message.brokerName, queueId: message.queueId, queueOffset: message.queueOffset, msgId: message.msgId, offsetMsgId: message.offsetMsgId,
    };
  }

  #pending(): Message[] {
    const ended = new Set(this.#records(OP).flatMap((op) => op.body.toString().split(',').filter((item) => item !== '').map(Number)));
    return this.#records(HALF).filter((half) => !ended.has(half.queueOffset));
  }

  #isCommitted(half: Message): boolean {
    return this.#store.log.some((record) => record.msgId === half.msgId && (record.sysFlag & 0xc) === 8);
  }

  #op(half: Message, more: Readonly<Record<string, string>> = {}): void {
    this.#append(OP, { body: Buffer.from(`${half.queueOffset},`), tags: 'd' }, { WAIT: 'true', ...more });
  }

  #append(topic: string, message: Pick<OutgoingMessage, 'body'> & { readonly tags?: string | null | undefined } & Partial<Pick<Message, 'keys' | 'flag' | 'msgId' | 'bornTimestamp'>>, system: Readonly<Record<string, string>>, queueId = 0): Message {
    if (!this.#store.topics.has(topic)) this.#store.putTopic({ topic, readQueueNums: 1, writeQueueNums: 1, perm: 6, order: false, attributes: {} });
    const { body, tags, keys, flag, msgId, bornTimestamp } = message;
    const record = this.#store.append({ topic, body, tags: tags ?? undefined, keys, flag, msgId, bornTimestamp }, queueId, system);
    return Object.assign(record, { originTopic: system['REAL_TOPIC'] ?? null });
  }

  #records(topic: string): readonly Message[] {
    return this.#store.topics.get(topic)?.queues[0] ?? [];
  }
}
