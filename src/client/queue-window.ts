import type { Broker } from '../broker/broker.ts';
import type { MessageQueue } from '../broker/types.ts';
import type { Message } from '../record/message.ts';

/** What is held of the messages of a queue in a range of offsets, in their order. Filtered out and damaged ones are not among the items. */
export interface QueueWindow<T> {
  /** First offset that was read, and the first behind it that was not. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly { readonly queueOffset: number; readonly item: T }[];
}

const PULL_MESSAGES = 256;
const PULL_BYTES = 1 << 20;
/** What a slow reader asks of a queue each time, in bytes of records; a window that is not full yet is filled the next time. */
const BYTES_EACH_TIME = 8 << 20;

/**
 * The offsets `from` to `to` of a queue: what is held of them already is not read again. At most 8 MiB of records are read, so the window may end before
 * `to`. `itemOf` says what of a message is kept.
 */
export async function readWindow<T>(broker: Pick<Broker, 'pull'>, queue: MessageQueue, from: number, to: number, held: QueueWindow<T> | undefined, itemOf: (message: Message) => T, signal: AbortSignal): Promise<QueueWindow<T>> {
  // Outside the held range there may be a queue that was made anew under the same name.
  const isHeld = held !== undefined && from >= held.from && from <= held.to && to >= held.to;
  const items = isHeld ? held.items.filter(({ queueOffset }) => queueOffset >= from) : [];
  let offset = isHeld ? held.to : from;
  for (let readBytes = 0; offset < to && readBytes < BYTES_EACH_TIME && !signal.aborted;) {
    const { messages, nextOffset } = await broker.pull({ queue, offset, maxMessages: Math.min(PULL_MESSAGES, to - offset), maxBytes: PULL_BYTES });
    for (const message of messages) {
      items.push({ queueOffset: message.queueOffset, item: itemOf(message) });
      readBytes += message.storeSize;
    }
    if (nextOffset <= offset) break;
    offset = nextOffset;
  }
  return { from, to: offset, items };
}
