import { javaArguments } from './jvm.ts';
import { Child } from './process.ts';
import type { RealBroker } from './real-broker.ts';
import { temporaryDirectory, type TruthRow } from './store-copy.ts';

const ANSWER_TIMEOUT_MS = 120_000;

export interface JavaMessage {
  readonly topic: string;
  readonly queueId?: number;
  /** Of the queue; broker-a otherwise. */
  readonly brokerName?: string;
  readonly body: string | Uint8Array;
  readonly tags?: string;
  /** Separated by spaces, as the Java client has them. */
  readonly keys?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly flag?: number;
  readonly delayLevel?: number;
  readonly delayMs?: number;
}

export interface JavaSendResult {
  readonly status: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  /** Comma-separated for a batch. */
  readonly msgId: string;
  readonly offsetMsgId: string;
  /** Of a timer message. */
  readonly recallHandle?: string;
}

export interface QueueRange {
  readonly queueId: number;
  readonly minOffset: number;
  readonly maxOffset: number;
}

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
}

/** The official Java client in one JVM; `connect` gives a session with one running broker. */
export class JavaClient {
  private readonly child: Child;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private consumed = 0;
  private lastId = 0;
  private sessions = 0;

  constructor(version?: string) {
    const home = temporaryDirectory('client');
    this.child = new Child('java', javaArguments({
      mainClass: 'mqlite.interop.InteropClient', heap: '512m', home, version, systemProperties: { 'rocketmq.client.rebalance.waitInterval': '500' },
    }));
  }

  async connect(broker: RealBroker): Promise<JavaSession> {
    const session = `s${++this.sessions}`;
    await this.request({ op: 'open', session, namesrv: broker.namesrv, broker: broker.address });
    return new JavaSession(this, session);
  }

  /** Sends one request and waits for its answer; rejects with what the JVM threw. */
  async request(request: Readonly<Record<string, unknown>>): Promise<unknown> {
    const id = ++this.lastId;
    let answer: Answer | undefined;
    this.waiting.set(id, (received) => { answer = received; });
    this.child.write(`${JSON.stringify({ id, ...request })}\n`);
    const alive = await this.child.until(() => {
      this.drain();
      return answer !== undefined;
    }, ANSWER_TIMEOUT_MS, `an answer to ${String(request['op'])}`);
    this.waiting.delete(id);
    if (!alive || answer === undefined) throw new Error(`the Java client ended: ${this.child.stderr}`);
    if (!answer.ok) throw new Error(`${String(request['op'])}: ${answer.error}`);
    return answer.result;
  }

  /** SIGKILL: its members leave no word. */
  async kill(): Promise<void> {
    await this.child.stop('SIGKILL', 20_000);
  }

  async close(): Promise<void> {
    this.child.endInput();
    await this.child.stop('SIGTERM', 20_000);
  }

  /** Hands out the complete lines that came since the last look. */
  private drain(): void {
    const text = this.child.stdout;
    for (let end = text.indexOf('\n', this.consumed); end >= 0; end = text.indexOf('\n', this.consumed)) {
      const line = text.slice(this.consumed, end);
      this.consumed = end + 1;
      if (!line.startsWith('{"id"')) continue;
      const answer = JSON.parse(line) as Answer;
      this.waiting.get(answer.id)?.(answer);
    }
  }
}

/** One broker, seen through the official client. */
export class JavaSession {
  private readonly client: JavaClient;
  private readonly session: string;

  constructor(client: JavaClient, session: string) {
    this.client = client;
    this.session = session;
  }

  async close(): Promise<void> {
    await this.call('close', {});
  }

  async send(messages: readonly JavaMessage[], options: { readonly batch?: boolean; readonly compression?: 'ZLIB' | 'LZ4' | 'ZSTD'; readonly trace?: boolean } = {}): Promise<JavaSendResult[]> {
    return await this.call('send', { ...options, messages: messages.map(encode) }) as JavaSendResult[];
  }

  async transaction(decision: 'commit' | 'rollback' | 'unknown', messages: readonly JavaMessage[], options: { readonly trace?: boolean } = {}): Promise<JavaSendResult[]> {
    return await this.call('transaction', { ...options, decision, messages: messages.map(encode) }) as JavaSendResult[];
  }

  /** Answers the broker's checks as a producer of the group until `count` were asked, and for `quietMs` more. */
  async answerChecks(request: {
    readonly group: string; readonly topic: string; readonly decisions: Readonly<Record<string, 'commit' | 'rollback' | 'unknown'>>; readonly count: number;
    readonly timeoutMs?: number; readonly quietMs?: number;
  }): Promise<{ readonly body: string; readonly topic: string; readonly transactionId: string; readonly checkTimes: string }[]> {
    return await this.call('answerChecks', request) as { body: string; topic: string; transactionId: string; checkTimes: string }[];
  }

  /** The body of the reply. */
  async request(topic: string, body: string, timeoutMs?: number): Promise<string> {
    return await this.call('request', { topic, body, timeoutMs }) as string;
  }

  /** Replies "BODY from Java" to `count` requests in the topic; answers their bodies. */
  async reply(request: { readonly group: string; readonly topic: string; readonly count: number; readonly timeoutMs?: number }): Promise<string[]> {
    return await this.call('reply', request) as string[];
  }

  /** The id of the timer message that was taken back. */
  async recall(topic: string, recallHandle: string): Promise<string> {
    return (await this.call('recall', { topic, recallHandle }) as { msgId: string }).msgId;
  }

  /** Every message of the topics (all topics when absent), in (topic, queueId, queueOffset) order. */
  async pullAll(topics?: readonly string[]): Promise<TruthRow[]> {
    return await this.call('pullAll', { topics: topics ?? null }) as TruthRow[];
  }

  /** `queueId/queueOffset msgId` of every message of a topic, in that order; for topics too large for `pullAll`. */
  async places(topic: string): Promise<string[]> {
    return await this.call('places', { topic }) as string[];
  }

  async view(offsetMsgId: string): Promise<TruthRow> {
    return await this.call('view', { offsetMsgId }) as TruthRow;
  }

  async findByKey(topic: string, key: string): Promise<TruthRow[]> {
    return await this.call('findByKey', { topic, key }) as TruthRow[];
  }

  async findByUniqueKey(topic: string, key: string): Promise<TruthRow[]> {
    return await this.call('findByUniqueKey', { topic, key }) as TruthRow[];
  }

  /** Joins the group, consumes `count` messages (or until the time is over), commits and leaves. */
  async consume(request: {
    readonly group: string; readonly topic: string; readonly count: number; readonly tags?: string; readonly timeoutMs?: number;
    readonly fail?: boolean; readonly trace?: boolean; readonly delayLevel?: number; readonly maxReconsumeTimes?: number;
  }): Promise<TruthRow[]> {
    return await this.call('consume', request) as TruthRow[];
  }

  /** Joins the group as `member` of this JVM, consumes everything and stays. Answers the client id. */
  async join(request: {
    readonly member: string; readonly group: string; readonly topic: string; readonly tags?: string; readonly sql?: string;
    readonly orderly?: boolean; readonly broadcast?: boolean; readonly instance?: string; readonly fail?: boolean;
  }): Promise<string> {
    return await this.call('join', request) as string;
  }

  /** What a member that stays has, `broker/topic/queueId`, and what it consumed, `broker/queueId/offset body`. */
  async memberState(member: string): Promise<{ readonly queues: readonly string[]; readonly seen: readonly string[] }> {
    return await this.call('memberState', { member }) as { queues: string[]; seen: string[] };
  }

  async resetByTime(group: string, topic: string, timestamp: number): Promise<void> {
    await this.call('resetByTime', { group, topic, timestamp });
  }

  async leave(member: string): Promise<void> {
    await this.call('leave', { member });
  }

  async committed(group: string, topic: string): Promise<{ readonly queueId: number; readonly committedOffset: number | null }[]> {
    return await this.call('committed', { group, topic }) as { queueId: number; committedOffset: number | null }[];
  }

  async commit(group: string, topic: string, queueId: number, offset: number): Promise<void> {
    await this.call('commit', { group, topic, queueId, offset });
  }

  async topics(): Promise<Record<string, { readonly readQueueNums: number; readonly writeQueueNums: number; readonly perm: number; readonly order: boolean }>> {
    return await this.call('topics', {}) as Record<string, { readQueueNums: number; writeQueueNums: number; perm: number; order: boolean }>;
  }

  async queues(topic: string): Promise<QueueRange[]> {
    return await this.call('queues', { topic }) as QueueRange[];
  }

  async createTopic(topic: string, options: { readonly queues?: number; readonly order?: boolean; readonly attributes?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.call('createTopic', { topic, ...options });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.call('deleteTopic', { topic });
  }

  private call(op: string, request: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.client.request({ op, session: this.session, ...request });
  }
}

function encode(message: JavaMessage): Record<string, unknown> {
  return { ...message, body: Buffer.from(message.body).toString('base64') };
}
