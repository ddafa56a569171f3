import { createHash } from 'node:crypto';
import type { Broker } from '../../../src/broker/broker.ts';
import type { OutgoingMessage, SendResult } from '../../../src/broker/types.ts';
import type { JavaMessage, JavaSession } from './java-client.ts';

/** Bytes that do not compress and are not UTF-8, the same for the same seed. */
function noise(seed: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; blocks.length * 32 < length; i++) blocks.push(createHash('sha256').update(`${seed}-${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

const COMPRESSIBLE = 'RocketMQ in a directory. '.repeat(400);

/**
 * One of everything that a broker stores, through the official client: many topics, tags, several keys, user properties,
 * every compression, batches, delays, transactions, retries and dead letters, and enough bytes for several 1 MiB segments.
 */
export async function javaWorkload(client: JavaSession): Promise<void> {
  for (let t = 0; t < 12; t++) {
    await client.createTopic(`Many${t}`, { queues: 1 + t % 4 });
    await client.send([{ topic: `Many${t}`, body: `first of ${t}`, tags: `Tag${t % 3}`, keys: `key-${t} shared`, properties: { n: String(t), 名: '值' } }]);
  }
  await client.createTopic('Volume', { queues: 4 });
  for (let batch = 0; batch < 60; batch++) {
    const messages: JavaMessage[] = [];
    for (let i = 0; i < 50; i++) messages.push({ topic: 'Volume', queueId: batch % 4, body: noise(`v${batch}-${i}`, 500 + i * 7), tags: 'V', keys: `volume-${batch * 50 + i}` });
    await client.send(messages, { batch: true });
  }
  await client.createTopic('Bodies', { queues: 2 });
  for (const compression of ['ZLIB', 'LZ4', 'ZSTD'] as const) {
    await client.send([{ topic: 'Bodies', body: COMPRESSIBLE, tags: compression, keys: `packed-${compression}`, flag: 42 }], { compression });
  }
  await client.send([{ topic: 'Bodies', body: noise('big', 60_000) }, { topic: 'Bodies', body: 'x' }, { topic: 'Bodies', body: '' + '\u0000\u0001é' }]);
  await client.createTopic('Late', { queues: 1 });
  await client.send([{ topic: 'Late', body: 'level 1', delayLevel: 1 }, { topic: 'Late', body: 'level 16', delayLevel: 16 }, { topic: 'Late', body: 'in an hour', delayMs: 3_600_000 }]);
  await client.createTopic('Tx', { queues: 2 });
  for (const decision of ['commit', 'rollback', 'unknown'] as const) await client.transaction(decision, [{ topic: 'Tx', body: decision, keys: `tx-${decision}` }]);
  await client.createTopic('Bad', { queues: 1 });
  await client.send([{ topic: 'Bad', body: 'fails', tags: 'F', keys: 'bad-1' }]);
  await client.consume({ group: 'failing', topic: 'Bad', count: 2, fail: true, maxReconsumeTimes: 1, timeoutMs: 15_000 });
  await client.consume({ group: 'steady', topic: 'Many3', count: 1, timeoutMs: 15_000 });
}

export const MQLITE_TOPICS = 30;
export const VOLUME_MESSAGES = 4000;

/** What mqlite is made to write: many topics, keys, tags, properties, compressed bodies, and several 1 MiB segments. */
export function mqliteMessages(): OutgoingMessage[] {
  const messages: OutgoingMessage[] = [];
  for (let i = 0; i < VOLUME_MESSAGES; i++) {
    messages.push({ topic: 'Volume', body: noise(`m${i}`, 400 + i % 500), tags: `T${i % 5}`, keys: [`volume-${i}`, `mod-${i % 1000}`], properties: { index: String(i) }, flag: i % 7 });
  }
  for (let t = 0; t < MQLITE_TOPICS; t++) {
    for (let i = 0; i < 5; i++) {
      messages.push({ topic: `Small${t}`, body: Buffer.from(`message ${i} of ${t} – ${'é'.repeat(i)}`), ...(i === 0 ? {} : { tags: `Tag${i}` }), keys: [`small-${t}-${i}`], properties: { 名: '值' } });
    }
  }
  for (const compress of ['zlib', 'lz4', 'zstd'] as const) messages.push({ topic: 'Packed', body: Buffer.from(COMPRESSIBLE), compress, tags: compress, keys: [`packed-${compress}`] });
  messages.push({ topic: 'Packed', body: noise('big', 200_000), keys: ['big'] }, { topic: 'Packed', body: Buffer.from('x') });
  for (let i = 0; i < 20; i++) messages.push({ topic: 'Ordered', body: Buffer.from(`o${i}`), shardingKey: `customer-${i % 3}`, keys: [`ordered-${i}`] });
  return messages;
}

/** Sends in batches and gives back where each message went; rejects when one was not stored. */
export async function sendAll(broker: Broker, messages: readonly OutgoingMessage[]): Promise<SendResult[]> {
  const results: SendResult[] = [];
  for (let i = 0; i < messages.length; i += 200) {
    for (const outcome of await broker.sendBatch(messages.slice(i, i + 200))) {
      if ('error' in outcome) throw outcome.error;
      results.push(outcome);
    }
  }
  return results;
}
