import type { Message } from '../record/message.ts';

/**
 * What became of a message, as a listener says it:
 * - consumed: done; its offset may be committed.
 * - reconsumeLater: this message is bad. It goes to the retry topic (ordered: it is tried again in place), and consumption goes on.
 * - suspend: what is downstream is gone. The queue rests, then the same message comes again; nothing is sent back.
 * - stop: consumption ends; the message is neither consumed nor sent back.
 */
export type ConsumeOutcome = 'consumed' | 'reconsumeLater' | 'suspend' | 'stop';

/** What a group's consumer does with each message. Must not throw: an error is a bug, and ends the consumer without committing. */
export interface MessageListener {
  consume(message: Message, signal: AbortSignal): Promise<ConsumeOutcome>;
}
