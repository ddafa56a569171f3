import { isUtf8 } from 'node:buffer';
import { MqliteError } from '../broker/errors.ts';
import type { CompressionName, OutgoingMessage } from '../broker/types.ts';
import { SYSTEM_PROPERTIES } from '../record/properties.ts';
import { suggestion } from './did-you-mean.ts';
import { parseTime } from '../text/time.ts';

/** A message with the 1-based line it came from. */
export interface NumberedMessage extends OutgoingMessage {
  readonly line: number;
}

/** At most one of the three. */
export type Delay = Pick<OutgoingMessage, 'delayLevel' | 'delayMs' | 'deliverAtMs'>;

/** What every message gets that does not bring its own. */
export interface MessageTemplate {
  readonly topic: string;
  readonly tags: string | undefined;
  readonly keys: readonly string[] | undefined;
  readonly properties: Readonly<Record<string, string>> | undefined;
  readonly queueId: number | undefined;
  readonly shardingKey: string | undefined;
  readonly delay: Delay;
  readonly compressor: (body: Uint8Array) => CompressionName | undefined;
  readonly keepId: boolean;
  readonly keepQueue: boolean;
  /** Largest body, in bytes. */
  readonly maxBodyBytes: number;
  /** What a relative `deliverAt` counts from. */
  readonly nowMs: () => number;
}

/** A body as a message. Error: MESSAGE_ILLEGAL for an empty or too large one. */
export function bodyMessage(body: Buffer, line: number, template: MessageTemplate): NumberedMessage {
  checkBody(body, line, template.maxBodyBytes);
  const { topic, tags, keys, properties, queueId, shardingKey, delay } = template;
  return {
    topic, body, tags, keys, properties, flag: undefined, queueId, shardingKey, msgId: undefined, compress: template.compressor(body),
    delayLevel: delay.delayLevel, delayMs: delay.delayMs, deliverAtMs: delay.deliverAtMs, line,
  };
}

function checkBody(body: Buffer, line: number, maxBodyBytes: number): void {
  if (body.length === 0) {
    throw new MqliteError('MESSAGE_ILLEGAL', 'the body is empty, which RocketMQ refuses', { line, hint: 'Skip empty lines with --skip-empty.' });
  }
  if (body.length > maxBodyBytes) {
    throw new MqliteError('MESSAGE_ILLEGAL', `the body is larger than ${maxBodyBytes} bytes`, { line, hint: 'The limit is maxMessageSize: 4 MiB unless -X maxMessageSize=BYTES says otherwise.' });
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that make a message, and those that `consume --json` prints besides: they say where a message was, not what it is. */
const USED = ['body', 'bodyEncoding', 'tags', 'keys', 'flag', 'properties', 'shardingKey', 'queueId', 'msgId', 'delayLevel', 'delayMs', 'deliverAt'];
const DESCRIPTIVE = [
  'topic', 'originTopic', 'brokerName', 'queueOffset', 'commitLogOffset', 'storeSize', 'offsetMsgId', 'sysFlag', 'bodyCRC', 'bornTimestamp', 'bornHost',
  'storeTimestamp', 'storeHost', 'reconsumeTimes', 'preparedTransactionOffset',
];
const KNOWN = new Set([...USED, ...DESCRIPTIVE]);

/**
 * A line of NDJSON as a message. System names inside `properties` are dropped: nothing is delayed, half or retried because it once was.
 * Errors, with the line: INVALID_INPUT, MESSAGE_ILLEGAL.
 */
export function jsonMessage(text: Buffer, line: number, template: MessageTemplate): NumberedMessage {
  const fields = parseObject(text, line);
  for (const name of Object.keys(fields)) {
    if (!KNOWN.has(name)) throw invalid(`unknown field "${name}"`, line, suggestion(name, USED) ?? `The fields are ${USED.join(', ')}.`);
  }
  const body = bodyOf(fields, line);
  checkBody(body, line, template.maxBodyBytes);
  const { delayLevel, delayMs, deliverAtMs } = delayOf(fields, line, template.nowMs) ?? template.delay;
  return {
    topic: template.topic,
    body,
    tags: textField(fields, 'tags', line) ?? template.tags,
    keys: keysOf(fields, line) ?? template.keys,
    properties: propertiesOf(fields, line, template.properties),
    flag: integerField(fields, 'flag', line, -0x8000_0000),
    queueId: template.keepQueue ? integerField(fields, 'queueId', line, 0) ?? template.queueId : template.queueId,
    shardingKey: textField(fields, 'shardingKey', line) ?? template.shardingKey,
    msgId: template.keepId ? uniqueIdOf(fields, line) : undefined,
    compress: template.compressor(body),
    delayLevel,
    delayMs,
    deliverAtMs,
    line,
  };
}

/** The delay that the line asks for; undefined without one. `deliverAt` is epoch ms or any time that --deliver-at takes. */
function delayOf(fields: Fields, line: number, nowMs: () => number): Delay | undefined {
  const delayLevel = integerField(fields, 'delayLevel', line, 0);
  const delayMs = millisecondsField(fields, 'delayMs', line);
  const { deliverAt } = fields;
  const deliverAtMs = typeof deliverAt === 'string' ? timeOf(deliverAt, nowMs(), line) : millisecondsField(fields, 'deliverAt', line);
  const given = Object.entries({ delayLevel, delayMs, deliverAt: deliverAtMs }).filter(([, value]) => value !== undefined).map(([name]) => `"${name}"`);
  if (given.length > 1) throw invalid(`${given.join(' and ')} exclude each other`, line, 'A message is delayed in one way.');
  return given.length === 0 ? undefined : { delayLevel, delayMs, deliverAtMs };
}

function millisecondsField(fields: Fields, name: string, line: number): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(`"${name}" is no whole number of milliseconds`, line, `Write "${name}":30000.`);
  return value as number;
}

function timeOf(text: string, nowMs: number, line: number): number {
  try {
    return parseTime(text, nowMs, '"deliverAt"');
  } catch (error) {
    if (!(error instanceof MqliteError)) throw error;
    throw invalid(error.message, line, error.hint ?? 'Write epoch milliseconds.');
  }
}

function invalid(message: string, line: number, hint: string): MqliteError {
  return new MqliteError('INVALID_INPUT', message, { line, hint });
}

function parseObject(text: Buffer, line: number): Fields {
  if (!isUtf8(text)) throw invalid('not UTF-8', line, 'JSON is UTF-8; a body of other bytes is written as base64 with "bodyEncoding":"base64".');
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw invalid(`not JSON: ${(error as Error).message}`, line, 'One JSON object a line is expected, as "consume --json" prints them.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not a JSON object', line, 'One JSON object a line is expected: {"body":"…"}.');
  return value as Fields;
}

function bodyOf(fields: Fields, line: number): Buffer {
  const { body, bodyEncoding = 'utf8' } = fields;
  if (typeof body !== 'string') throw invalid('"body" is missing or no text', line, 'Every line needs {"body":"…"}.');
  if (bodyEncoding === 'utf8') return Buffer.from(body, 'utf8');
  if (bodyEncoding !== 'base64') throw invalid('"bodyEncoding" is neither "utf8" nor "base64"', line, 'Leave it out for text.');
  const bytes = Buffer.from(body, 'base64');
  // Buffer.from skips what is no base64: a broken body must not become another one.
  if (bytes.toString('base64').replace(/=+$/, '') !== body.replace(/=+$/, '')) throw invalid('"body" is not base64', line, 'With "bodyEncoding":"base64" the body is standard base64.');
  return bytes;
}

function textField(fields: Fields, name: string, line: number): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`"${name}" is no text`, line, `Write "${name}":"…".`);
  return value;
}

function integerField(fields: Fields, name: string, line: number, minimum: number): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > 0x7fff_ffff) throw invalid(`"${name}" is no whole number from ${minimum} to 2147483647`, line, `Write "${name}":0.`);
  return value;
}

function keysOf(fields: Fields, line: number): readonly string[] | undefined {
  const { keys } = fields;
  if (keys === undefined || keys === null) return undefined;
  if (typeof keys === 'string') return keys === '' ? [] : [keys];
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw invalid('"keys" is no list of texts', line, 'Write "keys":["…"].');
  return keys as string[];
}

function propertiesOf(fields: Fields, line: number, template: MessageTemplate['properties']): Readonly<Record<string, string>> | undefined {
  const { properties } = fields;
  if (properties === undefined || properties === null) return template;
  if (typeof properties !== 'object' || Array.isArray(properties)) throw invalid('"properties" is no object', line, 'Write "properties":{"name":"value"}.');
  const kept: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, template);
  for (const [name, value] of Object.entries(properties)) {
    if (SYSTEM_PROPERTIES.has(name)) continue;
    if (typeof value !== 'string') throw invalid(`property "${name}" is no text`, line, 'Values of properties are texts.');
    kept[name] = value;
  }
  return kept;
}

/** The client's id; a message that only has its place for an id (as `consume --json` shows it) gets a new one. */
function uniqueIdOf(fields: Fields, line: number): string | undefined {
  const msgId = textField(fields, 'msgId', line);
  return msgId === fields['offsetMsgId'] ? undefined : msgId;
}
