import { describe, expect, it } from 'vitest';
import { MqliteError } from '../../../src/broker/errors.ts';
import type { OutgoingMessage, SendOptions, SendOutcome } from '../../../src/broker/types.ts';
import { sendWithRetries } from '../../../src/client/send-retry.ts';
import type { RetryPolicy } from '../../../src/client/send-retry.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { ManualClock, settle } from './support.ts';

const BATCH: readonly OutgoingMessage[] = ['a', 'b', 'c'].map((text) => ({ topic: 'T', body: Buffer.from(text) }));
const policy = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({ retries: 2, changesBroker: true, retriesUnconfirmed: false, timeoutMs: 3000, ...more });
const passing = (): MqliteError => new MqliteError('UNREACHABLE', 'gone for a moment');
const lasting = (): MqliteError => new MqliteError('MESSAGE_ILLEGAL', 'never');

type Answer = (batch: readonly OutgoingMessage[], stored: () => Promise<SendOutcome[]>) => Promise<SendOutcome[]>;

/** Answers each attempt as it is told, and the last answer ever after; notes what was asked. */
class ScriptedBroker extends FakeBroker {
  readonly attempts: { readonly bodies: string; readonly avoid: string | undefined }[] = [];
  readonly #answers: Answer[];

  constructor(clock: ManualClock, answers: Answer[]) {
    super({ clock });
    this.#answers = answers;
  }

  override sendBatch(batch: readonly OutgoingMessage[], options: SendOptions = {}): Promise<SendOutcome[]> {
    this.attempts.push({ bodies: batch.map(({ body }) => Buffer.from(body).toString()).join(''), avoid: options.avoidBroker });
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    return answer(batch, () => super.sendBatch(batch));
  }
}

const store: Answer = (_, stored) => stored();
const fail: Answer = (batch) => Promise.resolve(batch.map(() => ({ error: passing(), brokerName: 'broker-a' })));
const reject: Answer = () => Promise.reject(passing());
const shape = (outcomes: readonly SendOutcome[]): string[] => outcomes.map((outcome) => ('error' in outcome ? (outcome.error as MqliteError).code : outcome.status));

async function run(answers: Answer[], more: Partial<RetryPolicy> = {}) {
  const clock = new ManualClock();
  const broker = new ScriptedBroker(clock, answers);
  await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
  const sending = sendWithRetries(broker, clock, BATCH, {}, policy(more));
  return { clock, broker, sending };
}

describe('a send with retries', () => {
  it('is tried three times in all, elsewhere where it can be, and says for each message why it failed', async () => {
    const { broker, sending } = await run([fail]);
    expect(shape(await sending)).toEqual(['UNREACHABLE', 'UNREACHABLE', 'UNREACHABLE']);
    expect(broker.attempts).toEqual([{ bodies: 'abc', avoid: undefined }, { bodies: 'abc', avoid: 'broker-a' }, { bodies: 'abc', avoid: 'broker-a' }]);
  });

  it('of an asynchronous producer stays on its broker', async () => {
    const { broker, sending } = await run([fail, store], { changesBroker: false });
    expect(shape(await sending)).toEqual(['SEND_OK', 'SEND_OK', 'SEND_OK']);
    expect(broker.attempts.map(({ avoid }) => avoid)).toEqual([undefined, undefined]);
  });

  it('is over at the first success, and after a rejection as a whole', async () => {
    const { broker, sending } = await run([reject, store]);
    expect(shape(await sending)).toEqual(['SEND_OK', 'SEND_OK', 'SEND_OK']);
    expect(broker.attempts).toHaveLength(2);
    expect(broker.store.log).toHaveLength(3);
  });

  it('sends again only what failed for a reason that may pass; outcomes keep their places', async () => {
    const partly: Answer = async (_, stored) => {
      const outcomes = await stored();
      return [{ error: passing() }, { error: lasting() }, outcomes[2]!];
    };
    const { broker, sending } = await run([partly, store]);
    expect(shape(await sending)).toEqual(['SEND_OK', 'MESSAGE_ILLEGAL', 'SEND_OK']);
    expect(broker.attempts.map(({ bodies }) => bodies)).toEqual(['abc', 'a']);
  });

  it('tries unconfirmed messages elsewhere only when asked to', async () => {
    const unconfirmed: Answer = async (_, stored) => (await stored()).map((outcome) => ({ ...outcome, status: 'SLAVE_NOT_AVAILABLE', brokerName: 'broker-a' } as SendOutcome));
    const plain = await run([unconfirmed, store]);
    expect(shape(await plain.sending)).toEqual(['SLAVE_NOT_AVAILABLE', 'SLAVE_NOT_AVAILABLE', 'SLAVE_NOT_AVAILABLE']);
    const asked = await run([unconfirmed, store], { retriesUnconfirmed: true });
    expect(shape(await asked.sending)).toEqual(['SEND_OK', 'SEND_OK', 'SEND_OK']);
    expect(asked.broker.attempts.map(({ avoid }) => avoid)).toEqual([undefined, 'broker-a']);
  });

  it('has one time-out for all attempts together', async () => {
    let failFirst = (): void => {};
    const slow: Answer = () => new Promise((_resolve, rejectIt) => (failFirst = () => rejectIt(passing())));
    const never: Answer = () => new Promise(() => undefined);
    const { clock, broker, sending } = await run([slow, never], { timeoutMs: 100 });
    const done = sending.then(shape);
    await settle();
    await clock.advance(60);
    failFirst();
    await settle();
    expect(broker.attempts).toHaveLength(2);
    // Its own time-out would end at 160.
    await clock.advance(41);
    expect(await done).toEqual(['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT']);
    expect(broker.attempts).toHaveLength(2);
  });

  it.each([['at once', store, 0], ['in a later turn', (async (_, stored) => {
    await settle();
    return stored();
  }) satisfies Answer as Answer, 1]])('answered %s makes a timer only when it has to wait, and leaves none behind', async (_when, answer, timers) => {
    const clock = new ManualClock();
    const made: number[] = [];
    let cancelled = 0;
    const measured = Object.assign(clock, {
      after: (delayMs: number): (() => void) => {
        made.push(delayMs);
        return () => void cancelled++;
      },
    });
    const broker = new ScriptedBroker(clock, [answer]);
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    expect(shape(await sendWithRetries(broker, measured, BATCH, {}, policy()))).toEqual(['SEND_OK', 'SEND_OK', 'SEND_OK']);
    expect([made, cancelled]).toEqual([Array.from({ length: timers }, () => 3000), timers]);
  });
});
