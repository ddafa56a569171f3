import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Broker } from '../../../src/broker/broker.ts';
import type { MessageQueue, SendResult } from '../../../src/broker/types.ts';
import { initStore } from '../../../src/engine/inspect/init.ts';
import { storeInfo } from '../../../src/engine/inspect/info.ts';
import { verifyStore } from '../../../src/engine/inspect/verify.ts';
import { openLocalBroker } from '../../../src/engine/open.ts';
import type { Message } from '../../../src/record/message.ts';
import { Child } from './process.ts';
import { temporaryDirectory, type TruthRow } from './store-copy.ts';

const launcher = fileURLToPath(new URL('../../../bin/run.js', import.meta.url));
const bundle = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));
const PULL_SIZE = 1000;

export function openForReading(storeDirectory: string): Promise<Broker> {
  return openLocalBroker({ storeDirectory, mode: 'read' });
}

export function openForWriting(storeDirectory: string): Promise<Broker> {
  return openLocalBroker({ storeDirectory, mode: 'write' });
}

/** A message in the shape that the Java client reports. */
export function toRow(message: Message): TruthRow {
  return {
    topic: message.topic,
    queueId: message.queueId,
    queueOffset: message.queueOffset,
    commitLogOffset: message.commitLogOffset,
    storeSize: message.storeSize,
    sysFlag: message.sysFlag,
    flag: message.flag,
    bodyCRC: message.bodyCRC,
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost,
    storeTimestamp: message.storeTimestamp,
    storeHost: message.storeHost,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    offsetMsgId: message.offsetMsgId,
    msgId: message.msgId,
    bodyLength: message.body.length,
    bodySha256_8: createHash('sha256').update(message.body).digest('hex').slice(0, 16),
    properties: { ...message.properties },
  };
}

/** Every message of one queue, in order; rejects when a record is damaged or the reader stands still. */
export async function readQueue(broker: Broker, queue: MessageQueue): Promise<Message[]> {
  const messages: Message[] = [];
  let offset = await broker.minOffset(queue);
  const end = await broker.maxOffset(queue);
  while (offset < end) {
    const pulled = await broker.pull({ queue, offset, maxMessages: PULL_SIZE });
    if (pulled.damaged.length > 0) throw new Error(`damage in ${queue.topic}/${queue.queueId}: ${JSON.stringify(pulled.damaged)}`);
    if (pulled.nextOffset <= offset) throw new Error(`${queue.topic}/${queue.queueId} stands still at ${offset}: ${pulled.status}`);
    messages.push(...pulled.messages);
    offset = pulled.nextOffset;
  }
  return messages;
}

/** Every message of the topics (of all topics, the system's too, when absent). */
export async function readAll(broker: Broker, topics?: readonly string[]): Promise<TruthRow[]> {
  const rows: TruthRow[] = [];
  for (const topic of topics ?? (await broker.listTopics()).map((config) => config.topic)) {
    for (const queue of await broker.queues(topic)) rows.push(...(await readQueue(broker, queue)).map(toRow));
  }
  return rows;
}

/** Opens for reading, reads everything, closes. */
export async function readStore(storeDirectory: string, topics?: readonly string[]): Promise<TruthRow[]> {
  const broker = await openForReading(storeDirectory);
  try {
    return await readAll(broker, topics);
  } finally {
    await broker.close();
  }
}

/** The command-line tool in a process of its own, on this store. */
export function mqlite(storeDirectory: string, args: readonly string[]): Child {
  if (!existsSync(bundle)) throw new Error(`no ${bundle}: run "node scripts/build.mjs" first ("npm run test:interop" does)`);
  const { MQLITE_NAMESRV: _namesrv, MQLITE_PROFILE: _profile, NAMESRV_ADDR: _address, ...env } = process.env;
  return new Child(process.execPath, [launcher, ...args], { env: { ...env, MQLITE_STORE: storeDirectory, NO_COLOR: '1' } });
}

/** Runs a command to its end and gives back stdout; rejects when it exits with anything but `expect`. */
export async function runMqlite(storeDirectory: string, args: readonly string[], options: { readonly input?: string; readonly expect?: number } = {}): Promise<string> {
  const child = mqlite(storeDirectory, args);
  if (options.input !== undefined) child.write(options.input);
  child.endInput();
  const exit = await child.exited;
  if (exit.code !== (options.expect ?? 0)) throw new Error(`mqlite ${args.join(' ')} ended with ${JSON.stringify(exit)}\n${child.stdout}\n${child.stderr}`);
  return child.stdout;
}

/** The lines that a broker's configuration needs to boot on this store, as `store info --broker-conf` prints them. */
export async function brokerConfigOf(storeDirectory: string): Promise<Record<string, string>> {
  const config: Record<string, string> = {};
  for (const line of (await storeInfo({ storeDirectory })).brokerConf) {
    const match = /^(\w+)=(.*)$/.exec(line);
    if (match?.[1] === undefined) throw new Error(`"${line}" is no line of a broker.conf`);
    // Where the store lies, and the address, are the test broker's own.
    if (!/^(storePath|listenPort|brokerIP|namesrvAddr|haListenPort)/.test(match[1])) config[match[1]] = match[2] ?? '';
  }
  return config;
}

/** What `store verify` finds wrong: how much, and the first few. */
export async function damageIn(storeDirectory: string): Promise<string[]> {
  const { damage, damageCount } = await verifyStore({ storeDirectory });
  return damageCount === 0 ? [] : [`${damageCount} findings`, ...damage.slice(0, 5).map((finding) => JSON.stringify(finding))];
}

/** A store with files so small that a test crosses segments, queue files and index files. */
export async function smallStore(what: string): Promise<string> {
  const storeDirectory = temporaryDirectory(what);
  await initStore({ storeDirectory, segmentSizeBytes: 1_048_576, consumeQueueFileEntries: 1000, indexSlotCount: 1000, indexMaxCount: 4000 });
  return storeDirectory;
}

/** The complete lines that `produce --json` has printed so far, those of stored messages only. */
export function acknowledgements(stdout: string): SendResult[] {
  return stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SendResult & { readonly error?: unknown })
    .filter((line) => line.error === undefined && line.status === 'SEND_OK');
}

/** Acknowledged messages that a reading does not have exactly once where they were said to be, a line each. */
export function lostAcknowledgements(acknowledged: readonly SendResult[], rows: readonly TruthRow[]): string[] {
  const copies = new Map<string, number>();
  const places = new Map<string, string>();
  for (const row of rows) {
    copies.set(row.msgId, (copies.get(row.msgId) ?? 0) + 1);
    places.set(`${row.topic}/${row.queueId}/${row.queueOffset}`, row.msgId);
  }
  return acknowledged.flatMap((ack) => {
    const where = `${ack.topic}/${ack.queueId}/${ack.queueOffset}`;
    if (places.get(where) !== ack.msgId) return [`${where}: ${ack.msgId} was acknowledged there, found ${places.get(where) ?? 'nothing'}`];
    return copies.get(ack.msgId) === 1 ? [] : [`${ack.msgId} is there ${copies.get(ack.msgId)} times`];
  });
}
