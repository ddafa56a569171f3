import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { MessageQueue } from '../../../src/broker/types.ts';
import { SentOffsets } from '../../../src/remote/sent-offsets.ts';

/** Sleeping takes no time. */
const clock = (): Clock => {
  let nowMs = 0;
  return {
    nowMs: () => nowMs, elapsedMs: () => nowMs, repeat: () => ({ within: () => undefined }),
    sleep: async (delayMs) => void (nowMs += delayMs),
  };
};
/** Broker names may hold anything but a line end. */
const queue = (queueId: number, topic = 'T', brokerName = 'rack/T'): MessageQueue => ({ topic, brokerName, queueId });

/** Answers 0 until it was asked `times` times, then `end`. */
const slow = (times: number, end: number): { ask: () => Promise<number>; asked: () => number } => {
  let asked = 0;
  return { ask: async () => (++asked > times ? end : 0), asked: () => asked };
};

describe('what this process sent', () => {
  it('is waited for, of its own queue', async () => {
    const sent = new SentOffsets(clock());
    sent.sent(queue(1), 7);
    const behind = slow(3, 7);
    expect(await sent.settled(queue(1), behind.ask, (end) => end)).toBe(7);
    expect(behind.asked()).toBe(4);
    const other = slow(3, 7);
    await sent.settled(queue(11), other.ask, (end) => end);
    await sent.settled(queue(1, 'U'), other.ask, (end) => end);
    expect(other.asked()).toBe(2);
  });

  it('is waited for of all queues of a topic on a broker, and of no other', async () => {
    const sent = new SentOffsets(clock());
    sent.sent(queue(1), 7);
    sent.sent(queue(12), 3);
    sent.sent(queue(1, 'T', 'rack/T/1'), 100);
    sent.sent(queue(1, 'T2'), 100);
    const ends = [{ 1: 7 }, { 1: 6, 12: 3 }, { 1: 7, 12: 3 }] as readonly Record<number, number>[];
    let asked = 0;
    const answer = await sent.allSettled('T', 'rack/T', async () => ends[asked++]!, (stats, queueId) => stats[queueId] ?? 0);
    expect([answer, asked]).toEqual([ends[2], 3]);
  });

  it('is not waited for once its topic is deleted', async () => {
    const sent = new SentOffsets(clock());
    sent.sent(queue(1), 7);
    sent.sent(queue(1, 'U'), 9);
    sent.forget('T');
    const gone = slow(3, 7);
    await sent.settled(queue(1), gone.ask, (end) => end);
    expect(gone.asked()).toBe(1);
    const stays = slow(3, 9);
    await sent.settled(queue(1, 'U'), stays.ask, (end) => end);
    expect(stays.asked()).toBe(4);
  });

  it('is given up after a second: then that is gone', async () => {
    const sent = new SentOffsets(clock());
    sent.sent(queue(1), 7);
    const never = slow(Infinity, 7);
    expect(await sent.settled(queue(1), never.ask, (end) => end)).toBe(0);
    const asked = never.asked();
    expect(asked).toBeGreaterThan(10);
    await sent.settled(queue(1), never.ask, (end) => end);
    expect(never.asked()).toBe(asked + 1);
  });
});
