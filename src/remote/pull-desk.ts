import type { Clock } from '../base/clock.ts';
import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { DamageReport, MessageQueue, PullRequest, PullResult } from '../broker/types.ts';
import type { CompiledFilter } from '../filter/message-filter.ts';
import { compileFilter } from '../filter/message-filter.ts';
import type { Message } from '../record/message.ts';
import { mapProperties } from '../record/property-source.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import { decodeMessageStream } from '../wire/message-stream.ts';
import { PULL_MESSAGE, PULL_SYS_FLAG } from '../wire/requests/pull-message.ts';
import { responseError } from '../wire/response-error.ts';
import type { Cluster } from './cluster.ts';
import { toPortError } from './failures.ts';
import { requireQueue } from './queue-offsets.ts';
import { ReadAddresses } from './read-addresses.ts';
import type { SentOffsets } from './sent-offsets.ts';

/** Whoever reads without being a member: a group that every broker has. [MixAll#TOOLS_CONSUMER_GROUP] */
export const READER_GROUP = 'TOOLS_CONSUMER';
/** How long a broker is asked to hold a pull, in ms; it looks at those that wait only every 5 s. [brokerSuspendMaxTimeMillis] [PullRequestHoldService] */
const HOLD_MS = 15_000;
/** After a poll that brought nothing, in ms. */
const EMPTY_MS = 10;
const HELD_TIMEOUT_MS = HOLD_MS + 15_000;
const PULL_TIMEOUT_MS = 10_000;
/** Between two attempts at a broker that is busy, in ms, and how long it is tried. */
const BUSY_MS = 50;
const BUSY_FOR_MS = 3000;
/** Between two attempts at a broker that is gone, in ms. [pullTimeDelayMillsWhenException] */
const GONE_MS = 1000;

/** What a membership has to do with the pulls of its queues. */
export interface PullOwner {
  readonly group: string;
  /** Somebody reset the queue: the broker will not go on from elsewhere. */
  onReset(queue: MessageQueue, offset: number): void;
  /** The broker cannot be reached. true: wait, and go on. */
  onGone(error: MqliteError): boolean;
}

interface HeldPull {
  readonly request: string;
  readonly result: Promise<PullResult<Message>>;
}

/**
 * Pulls, long polls among them. A broker holds a poll for 15 s whoever still waits: one that was not waited for to its end is taken up again by the
 * next pull of the same, so that a reader that looks around often leaves no trail of polls which all answer the next message.
 */
export class PullDesk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #addresses: ReadAddresses;
  readonly #ownerOf: (queue: MessageQueue) => PullOwner | null;
  readonly #onDamage: (report: DamageReport) => void;
  readonly #sent: SentOffsets;
  readonly #filters = new Map<string, CompiledFilter>();
  readonly #held = new Map<string, HeldPull>();
  /** Least offsets as of the last answer. */
  readonly #minOffsets = new Map<string, number>();

  constructor(cluster: Cluster, ownerOf: (queue: MessageQueue) => PullOwner | null, sent: SentOffsets, onDamage: (report: DamageReport) => void) {
    this.#cluster = cluster;
    this.#sent = sent;
    this.#clock = cluster.client.options.clock;
    this.#addresses = new ReadAddresses(cluster);
    this.#ownerOf = ownerOf;
    this.#onDamage = onDamage;
  }

  async pull(request: PullRequest): Promise<PullResult<Message>> {
    const { queue, offset, maxMessages, suspendMs = 0, signal } = request;
    if (!Number.isSafeInteger(offset) || offset < 0) throw new MqliteError('INVALID_INPUT', `offset ${offset} is not a whole number of at least 0`);
    if (!Number.isSafeInteger(maxMessages) || maxMessages < 1) throw new MqliteError('INVALID_INPUT', `maxMessages ${maxMessages} is not a whole number of at least 1`);
    const filter = this.#filter(request);
    try {
      await requireQueue(this.#cluster, queue);
    } catch (error) {
      return this.#afterGone(request, error);
    }
    const untilMs = this.#clock.elapsedMs() + suspendMs;
    for (;;) {
      // Whoever was called off is not kept by a broker that may be gone.
      if (signal?.aborted === true) return this.#nothing(queue, offset);
      const leftMs = untilMs - this.#clock.elapsedMs();
      const result = leftMs <= 0 ? await this.#exchange(request, filter, false) : await this.#wait(request, filter, leftMs);
      if (result === null) return this.#nothing(queue, offset);
      if (result.status !== 'NO_NEW_MESSAGE' || leftMs <= 0) return result;
      // A broker that holds nothing must not be asked without end.
      await this.#clock.sleep(Math.min(EMPTY_MS, Math.max(0, untilMs - this.#clock.elapsedMs())), signal);
    }
  }

  /** Forgets polls of a queue that nobody reads any more. */
  forget(queue: MessageQueue): void {
    const prefix = `${queueKey(queue)} `;
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
  }

  #filter({ filter }: PullRequest): CompiledFilter {
    const expression = filter ?? { tags: '*' };
    const key = JSON.stringify(expression);
    let compiled = this.#filters.get(key);
    if (compiled === undefined) {
      try {
        compiled = compileFilter(expression);
      } catch (error) {
        throw toPortError(error, 'the filter');
      }
      this.#filters.set(key, compiled);
    }
    return compiled;
  }

  /** Waits for a held poll for at most so long; null: it goes on waiting without us. */
  async #wait(request: PullRequest, filter: CompiledFilter, leftMs: number): Promise<PullResult<Message> | null> {
    const { queue, offset, maxMessages, maxBytes, signal } = request;
    const key = `${queueKey(queue)} ${JSON.stringify(filter.expression)}`;
    const wanted = `${offset} ${maxMessages} ${maxBytes ?? ''}`;
    let held = this.#held.get(key);
    if (held === undefined || held.request !== wanted) {
      held = { request: wanted, result: this.#exchange(request, filter, true) };
      held.result.catch(() => undefined);
      this.#held.set(key, held);
    }
    // Not AbortSignal.any: of a signal that lives as long as the process, one more would be remembered with every poll.
    const settled = new AbortController();
    const stop = (): void => settled.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const isOver = this.#clock.sleep(leftMs, settled.signal).then(() => null);
    try {
      const result = await Promise.race([held.result, isOver]);
      if (result !== null && this.#held.get(key) === held) this.#held.delete(key);
      return result;
    } catch (error) {
      if (this.#held.get(key) === held) this.#held.delete(key);
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      settled.abort();
    }
  }

  #nothing(queue: MessageQueue, offset: number): PullResult<Message> {
    return { status: 'NO_NEW_MESSAGE', messages: [], nextOffset: offset, minOffset: this.#minOffsets.get(queueKey(queue)) ?? 0, maxOffset: offset, damaged: [] };
  }

  /** One pull; of a broker that is busy or gone, as often as it is worth it. */
  async #exchange(request: PullRequest, filter: CompiledFilter, hold: boolean): Promise<PullResult<Message>> {
    const { queue, offset } = request;
    const owner = this.#ownerOf(queue);
    const startMs = this.#clock.elapsedMs();
    for (let attempt = 1; ; attempt++) {
      try {
        const { response, address } = await this.#sent.settled(queue, () => this.#send(request, filter, owner?.group ?? READER_GROUP, hold), (answer) => endOf(answer.response));
        if (isBusy(response) && this.#clock.elapsedMs() - startMs < BUSY_FOR_MS) {
          await this.#clock.sleep(BUSY_MS * attempt);
          continue;
        }
        const result = this.#result(request, filter, response, address);
        if (result === 'reset') {
          owner?.onReset(queue, this.#cluster.client.decode(address, PULL_MESSAGE, response).header.nextBeginOffset);
          return this.#nothing(queue, offset);
        }
        return result;
      } catch (error) {
        return this.#afterGone(request, error);
      }
    }
  }

  /** Members wait for a broker that is gone: theirs is what it has. Rejects with any other error, and for others. */
  async #afterGone({ queue, offset, signal }: PullRequest, error: unknown): Promise<PullResult<Message>> {
    if (!isGone(error) || this.#ownerOf(queue)?.onGone(error) !== true) throw error;
    await this.#clock.sleep(GONE_MS, signal);
    return this.#nothing(queue, offset);
  }

  async #send({ queue, offset, maxMessages, maxBytes }: PullRequest, filter: CompiledFilter, group: string, hold: boolean): Promise<{ readonly response: RemotingCommand; readonly address: string }> {
    const { expression } = filter;
    return this.#addresses.read(queue, (address) => this.#cluster.askAt(queue.brokerName, address, PULL_MESSAGE, {
      consumerGroup: group, topic: queue.topic, queueId: queue.queueId, queueOffset: offset, maxMsgNums: Math.min(maxMessages, 0x7fff_ffff),
      sysFlag: PULL_SYS_FLAG.SUBSCRIPTION | (hold ? PULL_SYS_FLAG.SUSPEND : 0), commitOffset: 0, suspendTimeoutMillis: hold ? HOLD_MS : 0,
      subscription: expression.sql ?? expression.tags, subVersion: 0, expressionType: expression.sql === undefined ? 'TAG' : 'SQL92',
      maxMsgBytes: maxBytes === undefined ? undefined : Math.min(maxBytes, 0x7fff_ffff), bname: queue.brokerName,
    }, null, { timeoutMs: hold ? HELD_TIMEOUT_MS : PULL_TIMEOUT_MS }));
  }

  #result({ queue, offset, maxMessages }: PullRequest, filter: CompiledFilter, response: RemotingCommand, address: string): PullResult<Message> | 'reset' {
    const { code, remark } = response;
    const isPull = code === RESPONSE_CODE.SUCCESS || code === RESPONSE_CODE.PULL_NOT_FOUND || code === RESPONSE_CODE.PULL_RETRY_IMMEDIATELY || code === RESPONSE_CODE.PULL_OFFSET_MOVED;
    if (!isPull) throw responseError(`broker ${queue.brokerName} (${address})`, `a pull of ${queue.topic}`, response);
    if (code === RESPONSE_CODE.PULL_OFFSET_MOVED && remark === 'OFFSET_RESET') return 'reset';
    const { header, body } = this.#cluster.client.decode(address, PULL_MESSAGE, response);
    const { nextBeginOffset: nextOffset, minOffset, maxOffset, suggestWhichBrokerId } = header;
    this.#addresses.suggest(queue, suggestWhichBrokerId);
    this.#minOffsets.set(queueKey(queue), minOffset);
    const place = { nextOffset, minOffset, maxOffset };
    if (code === RESPONSE_CODE.PULL_NOT_FOUND) return { ...place, status: 'NO_NEW_MESSAGE', messages: [], nextOffset: offset, damaged: [] };
    // Woken, and yet there is nothing: then it has not moved on.
    if (code === RESPONSE_CODE.PULL_RETRY_IMMEDIATELY) return { ...place, status: nextOffset === offset ? 'NO_NEW_MESSAGE' : 'NO_MATCHED_MESSAGE', messages: [], damaged: [] };
    if (code === RESPONSE_CODE.PULL_OFFSET_MOVED) {
      // Of a queue without any message some brokers say so, too.
      return { ...place, status: nextOffset === offset ? 'NO_NEW_MESSAGE' : 'OFFSET_ILLEGAL', messages: [], damaged: [] };
    }
    const stream = decodeMessageStream(Buffer.from(body.buffer, body.byteOffset, body.byteLength), queue.brokerName);
    const damaged = stream.problems.map(({ position, reason }): DamageReport => ({ queue, queueOffset: null, commitLogOffset: -1, file: `the answer of broker ${queue.brokerName} (${address})`, position, reason }));
    damaged.forEach((report) => this.#onDamage(report));
    // The broker goes by the hash of tags, and its batches may begin before the offset.
    const messages = stream.messages.filter((message) => message.queueOffset >= offset && (!filter.isSelective || filter.matches(mapProperties(message.properties)))).slice(0, maxMessages);
    return { ...place, status: messages.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE', messages, damaged };
  }
}

/** Of the queue, as an answer has it. */
const endOf = ({ extFields }: RemotingCommand): number | null => (extFields['maxOffset'] === undefined ? null : Number(extFields['maxOffset']));

const isBusy = ({ code }: RemotingCommand): boolean => code === RESPONSE_CODE.SYSTEM_BUSY || code === RESPONSE_CODE.FLOW_CONTROL;
