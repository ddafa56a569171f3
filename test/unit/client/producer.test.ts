import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { OutgoingMessage, SendOutcome } from '../../../src/broker/types.ts';
import { LineSplitter } from '../../../src/client/line-splitter.ts';
import { Histogram } from '../../../src/client/histogram.ts';
import { Producer } from '../../../src/client/producer.ts';
import type { ProducerOptions } from '../../../src/client/producer.ts';
import type { RetryPolicy } from '../../../src/client/send-retry.ts';
import { FakeBroker } from '../../support/fake-broker.ts';
import { ManualClock, settle } from './support.ts';

const message = (text: string): OutgoingMessage => ({ topic: 'T', body: Buffer.from(text) });
const messages = (count: number): OutgoingMessage[] => Array.from({ length: count }, (_, index) => message(String(index)));

/** A broker whose sends end when the test says so. */
class SlowBroker extends FakeBroker {
  readonly sent: string[][] = [];
  readonly #pending: (() => void)[] = [];

  override async sendBatch(batch: readonly OutgoingMessage[]): Promise<SendOutcome[]> {
    this.sent.push(batch.map((each) => Buffer.from(each.body).toString()));
    await new Promise<void>((resolve) => this.#pending.push(resolve));
    return super.sendBatch(batch);
  }

  async acknowledge(): Promise<void> {
    this.#pending.shift()!();
    await settle();
  }
}

const retry = (more: Partial<RetryPolicy> = {}): RetryPolicy => ({ retries: 0, changesBroker: true, retriesUnconfirmed: false, timeoutMs: 60_000, ...more });

const throwFirst = (outcomes: readonly SendOutcome[]): void => {
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
};

const options = (broker: FakeBroker, more: Partial<ProducerOptions<OutgoingMessage>> = {}): ProducerOptions<OutgoingMessage> => ({
  broker, clock: systemClock, send: {}, batchSize: 100, inFlight: 100, retry: retry(), oneway: false, onOutcomes: throwFirst, ...more,
});

describe('producer', () => {
  it('stores everything in order, in batches no larger than asked for', async () => {
    const broker = new FakeBroker();
    await broker.createTopic('T', { readQueueNums: 1, writeQueueNums: 1 });
    const sizes: number[] = [];
    const acknowledged: string[] = [];
    const producer = new Producer(options(broker, {
      batchSize: 7,
      inFlight: 7,
      onOutcomes: (outcomes, batch) => {
        sizes.push(outcomes.length);
        acknowledged.push(...batch.map((each) => Buffer.from(each.body).toString()));
      },
    }));
    await producer.add(messages(20));
    await producer.add(messages(3));
    await producer.finish();
    expect(Math.max(...sizes)).toBe(7);
    expect(broker.store.log.map((record) => record.body.toString())).toEqual(acknowledged);
    expect(acknowledged).toHaveLength(23);
  });

  it('gathers what arrives while a send is under way', async () => {
    const broker = new SlowBroker();
    const producer = new Producer(options(broker, { inFlight: 100 }));
    await producer.add([message('a')]);
    await settle();
    for (const text of ['b', 'c', 'd']) await producer.add([message(text)]);
    await settle();
    // Room for more in flight: nothing waits for the first acknowledgement, and the bound holds.
    expect(broker.sent.flat()).toEqual(['a', 'b', 'c', 'd']);
    const narrow = new SlowBroker();
    const one = new Producer(options(narrow, { inFlight: 3 }));
    await one.add([message('a')]);
    await settle();
    for (const text of ['b', 'c', 'd', 'e']) await one.add([message(text)]);
    await settle();
    expect(narrow.sent).toEqual([['a'], ['b', 'c']]);
    await narrow.acknowledge();
    expect(narrow.sent).toEqual([['a'], ['b', 'c']]);
    await narrow.acknowledge();
    expect(narrow.sent).toEqual([['a'], ['b', 'c'], ['d', 'e']]);
    await narrow.acknowledge();
    await one.finish();
    expect(narrow.store.log).toHaveLength(5);
  });

  it('holds the source back when too much waits', async () => {
    const broker = new SlowBroker();
    const producer = new Producer(options(broker, { batchSize: 10, inFlight: 10 }));
    let added = false;
    const adding = producer.add(messages(3000)).then(() => {
      added = true;
    });
    await settle();
    expect(added).toBe(false);
    for (let sends = 0; sends < 100; sends++) await broker.acknowledge();
    await adding;
    expect(broker.sent.length).toBeLessThanOrEqual(102);
  });

  it('keeps to a rate', async () => {
    const clock = new ManualClock();
    const broker = new FakeBroker({ clock });
    const producer = new Producer(options(broker, { clock, ratePerSecond: 100 }));
    await producer.add(messages(50));
    await settle();
    for (let step = 0; step < 20; step++) await clock.advance(10);
    const after200Ms = broker.store.log.length;
    expect(after200Ms).toBeGreaterThanOrEqual(20);
    expect(after200Ms).toBeLessThanOrEqual(30);
    for (let step = 0; step < 100; step++) await clock.advance(10);
    await producer.finish();
    expect(broker.store.log).toHaveLength(50);
  });

  it('the first failure ends it: of a send, of a report, and of time', async () => {
    const failing = new FakeBroker();
    failing.sendBatch = () => Promise.reject(new Error('disk gone'));
    const producer = new Producer(options(failing));
    await expect(producer.add(messages(1)).then(() => producer.finish())).rejects.toThrow('disk gone');
    await expect(producer.add(messages(1))).rejects.toThrow('disk gone');

    const reporting = new Producer(options(new FakeBroker(), {
      onOutcomes: () => {
        throw new Error('bad line');
      },
    }));
    await expect(reporting.add(messages(1)).then(() => reporting.finish())).rejects.toThrow('bad line');

    const clock = new ManualClock();
    const late = new Producer(options(new SlowBroker({ clock }), { clock, retry: retry({ timeoutMs: 50 }) }));
    await late.add(messages(1));
    const finished = expect(late.finish()).rejects.toMatchObject({ code: 'TIMED_OUT' });
    await settle();
    await clock.advance(51);
    await finished;
  });

  it('does not wait for acknowledgements when it need not, but for all of them at the end', async () => {
    const broker = new SlowBroker();
    const producer = new Producer(options(broker, { batchSize: 1, inFlight: 1, oneway: true }));
    await producer.add(messages(3));
    await settle();
    expect(broker.sent).toEqual([['0'], ['1'], ['2']]);
    let finished = false;
    const finishing = producer.finish().then(() => {
      finished = true;
    });
    await settle();
    expect(finished).toBe(false);
    for (let sends = 0; sends < 3; sends++) await broker.acknowledge();
    await finishing;
  });

  it('a large body goes alone', async () => {
    const broker = new SlowBroker();
    const producer = new Producer(options(broker, { inFlight: 1000, batchSize: 1000 }));
    const large = (): OutgoingMessage => ({ topic: 'T', body: Buffer.alloc(700_000, 'x') });
    await producer.add([large(), large(), large()]);
    await settle();
    expect(broker.sent.map((batch) => batch.length)).toEqual([1, 1, 1]);
  });
});

describe('line splitter', () => {
  const split = (text: string, size: number, limit = 1000): string[] => {
    const splitter = new LineSplitter(limit);
    const bytes = Buffer.from(text);
    const lines: string[] = [];
    for (let start = 0; start < bytes.length; start += size) lines.push(...splitter.push(bytes.subarray(start, start + size)).map(String));
    const last = splitter.end();
    return last === undefined ? lines : [...lines, String(last)];
  };

  it.each(['a\nbc\n\ndef', 'x', '\n', '\n\n', 'a\r\nb', '', 'ä\nö', 'end\n'])('%j, cut at every size', (text) => {
    const expected = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text === '' ? [] : text.split('\n');
    for (let size = 1; size <= Math.max(1, Buffer.byteLength(text)); size++) expect(split(text, size)).toEqual(expected);
  });

  it('does not gather an endless line', () => {
    const splitter = new LineSplitter(10);
    const chunks = Array.from({ length: 3 }, () => Buffer.from('xxxxx'));
    expect(chunks.flatMap((chunk) => splitter.push(chunk)).map((line) => line.length)).toEqual([15]);
  });
});

describe('histogram', () => {
  it('answers percentiles to 1/64', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 100_000; value++) histogram.record(value);
    for (const [fraction, expected] of [[0.5, 50_000], [0.99, 99_000], [0.999, 99_900]] as const) {
      expect(Math.abs(histogram.quantile(fraction) - expected) / expected).toBeLessThan(1 / 60);
    }
    expect([histogram.max, histogram.total, histogram.quantile(1)]).toEqual([100_000, 100_000, 100_000]);
  });

  it('small values are exact, weights count, nothing is 0', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBe(0);
    histogram.record(3, 98);
    histogram.record(63, 2);
    expect([histogram.quantile(0.5), histogram.quantile(0.98), histogram.quantile(0.99)]).toEqual([3, 3, 63]);
    histogram.record(0.4, 1000);
    expect(histogram.quantile(0.5)).toBe(0);
    histogram.record(1e15);
    expect(histogram.quantile(1)).toBeGreaterThan(2 ** 52 / 64);
  });
});
