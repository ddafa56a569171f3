import type { Clock } from '../base/clock.ts';
import type { Broker } from '../broker/broker.ts';
import type { SendBackResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { MessageListener } from './listener.ts';

/** Consumption ends here, and what was at hand is not consumed: an end, not a failure. */
export class StopConsuming extends Error {
  override readonly name = 'AbortError';
}

export interface OneByOneOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly group: string;
  readonly listener: MessageListener;
  /** How long everything rests when what is downstream is gone, in ms. */
  readonly suspendMs: number;
  readonly maxReconsumeTimes: number | undefined;
  readonly signal: AbortSignal;
  readonly onSentBack: (message: Message, result: SendBackResult) => void;
}

/** Gives a listener each message of a batch in turn, and does what it says. Rejects with StopConsuming. */
export const oneByOne = (options: OneByOneOptions) => async (batch: readonly Message[]): Promise<void> => {
  for (const message of batch) await deliver(message, options);
};

async function deliver(message: Message, options: OneByOneOptions): Promise<void> {
  const { broker, clock, group, listener, suspendMs, maxReconsumeTimes, signal, onSentBack } = options;
  for (;;) {
    const outcome = await listener.consume(message, signal);
    if (outcome === 'consumed') return;
    if (outcome === 'reconsumeLater') return onSentBack(message, await broker.sendBack(message, { group, maxReconsumeTimes }));
    if (outcome === 'suspend') await clock.sleep(suspendMs, signal);
    if (outcome === 'stop' || signal.aborted) throw new StopConsuming('told to stop');
  }
}
