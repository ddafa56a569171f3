import { callAfter, nextTurn } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import type { OutgoingMessage, SendOptions, SendOutcome } from '../broker/types.ts';

export interface RetryPolicy {
  /** Further attempts after the first. [DefaultMQProducer#retryTimesWhenSendFailed] */
  readonly retries: number;
  /** Further attempts go to another broker where there is one; asynchronous sends stay. [DefaultMQProducerImpl#sendDefaultImpl] */
  readonly changesBroker: boolean;
  /** Also try again what was stored without being confirmed (any status but SEND_OK): it may be there twice. [retryAnotherBrokerWhenNotStoreOK] */
  readonly retriesUnconfirmed: boolean;
  /** For all attempts together, in ms. */
  readonly timeoutMs: number;
}

/**
 * Sends a batch, and again what of it failed for a reason that may pass. One outcome a message, in order; never rejects: a send that
 * failed as a whole is the outcome of each message. After the timeout what has no outcome is TIMED_OUT, and may be stored all the same.
 */
export async function sendWithRetries(
  broker: Broker, clock: Clock, batch: readonly OutgoingMessage[], send: SendOptions, policy: RetryPolicy,
): Promise<SendOutcome[]> {
  const deadlineMs = clock.elapsedMs() + policy.timeoutMs;
  const outcomes: (SendOutcome | undefined)[] = batch.map(() => undefined);
  let open = batch.map((_, index) => index);
  let avoidBroker: string | undefined;
  for (let attempt = 0; attempt <= policy.retries && open.length > 0; attempt++) {
    const leftMs = deadlineMs - clock.elapsedMs();
    if (leftMs <= 0) break;
    const options = avoidBroker === undefined ? send : { ...send, avoidBroker };
    const tried = await attemptOnce(broker, clock, open.map((index) => batch[index]!), options, { leftMs, timeoutMs: policy.timeoutMs });
    const failed: number[] = [];
    tried.forEach((outcome, position) => {
      const index = open[position]!;
      outcomes[index] = outcome;
      if (isWorthAnotherTry(outcome, policy)) failed.push(index);
    });
    if (policy.changesBroker) avoidBroker = brokerOf(tried.find((outcome) => isWorthAnotherTry(outcome, policy)));
    open = failed;
  }
  return outcomes.map((outcome) => outcome ?? { error: timedOut(policy.timeoutMs) });
}

async function attemptOnce(
  broker: Broker, clock: Clock, batch: readonly OutgoingMessage[], send: SendOptions, limits: { readonly leftMs: number; readonly timeoutMs: number },
): Promise<SendOutcome[]> {
  let cancelTimeout = (): void => {};
  try {
    const sending = broker.sendBatch(batch, send);
    // A local store mostly answers within the turn: a timer and its end would cost as much as storing 50 messages.
    const early = await Promise.race([sending, nextTurn()]);
    if (early !== undefined) return early;
    // Cheap to take back: that happens between the disk's answer and the next message.
    const timeout = new Promise<SendOutcome[]>((resolve) => {
      cancelTimeout = callAfter(clock, limits.leftMs, () => resolve(batch.map(() => ({ error: timedOut(limits.timeoutMs) }))));
    });
    return await Promise.race([sending, timeout]);
  } catch (error) {
    return batch.map(() => ({ error: error as Error }));
  } finally {
    cancelTimeout();
  }
}

const isWorthAnotherTry = (outcome: SendOutcome, policy: RetryPolicy): boolean => {
  if ('error' in outcome) return outcome.error instanceof MqliteError && outcome.error.retryable;
  return policy.retriesUnconfirmed && outcome.status !== 'SEND_OK';
};

const brokerOf = (outcome: SendOutcome | undefined): string | undefined => outcome?.brokerName;

const timedOut = (timeoutMs: number): MqliteError =>
  new MqliteError('TIMED_OUT', `no acknowledgement within ${timeoutMs} ms`, { hint: 'It may be stored all the same; allow more time with --timeout.' });
