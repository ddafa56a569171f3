import { isUtf8 } from 'node:buffer';
import { CodecError } from '../base/codec-error.ts';
import { isDlqTopic, isRetryTopic } from '../broker/retry-topics.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { escapeControl, escapeControlKeepLines } from '../text/escape.ts';
import { formatInteger, formatTime, plural } from '../text/numbers.ts';
import { columnsOf, skipColumns, takeColumns } from '../text/columns.ts';
import { reindentJson } from './reindent-json.ts';
import type { RecordReference } from './panel.ts';
import { referenceOf, wholeCharacters } from './rows.ts';
import type { Cursor } from './state.ts';

/** Where Enter leads to from a line: a record whose place is known, or one to be looked for. */
export type DetailLink = { readonly record: RecordReference } | { readonly msgId: string; readonly topic: string | undefined };

export interface DetailLine {
  readonly kind: 'field' | 'heading' | 'body' | 'link';
  readonly label: string;
  /** Safe for a terminal. */
  readonly text: string;
  /** What copying it gives. */
  readonly value: string;
  readonly link?: DetailLink;
}

export type BodyMode = 'text' | 'json' | 'hex';

export interface DetailState extends Cursor {
  readonly message: Message;
  readonly modes: readonly BodyMode[];
  readonly mode: BodyMode;
  /** Other records of its id; null: not asked for. */
  readonly related: readonly Message[] | null;
  readonly lines: readonly DetailLine[];
}

/** So much of a body is laid out on the page; the rest is a matter for `export`. */
const SHOWN_BYTES = 64 << 10;
const HEX_BYTES = 16;

export function openDetail(message: Message, columns: number): DetailState {
  const modes = bodyModes(message);
  return layOut({ message, modes, mode: modes[0]!, related: null, lines: [], selected: 0, top: 0 }, columns);
}

/** The page again, for another width, another way to show the body, or with what was found. */
export function layOut(detail: DetailState, columns: number): DetailState {
  return { ...detail, lines: [...fields(detail.message), ...links(detail), ...bodyLines(detail, columns), ...properties(detail.message)] };
}

export function nextMode({ modes, mode }: DetailState): BodyMode {
  return modes[(modes.indexOf(mode) + 1) % modes.length]!;
}

function bodyModes(message: Message): BodyMode[] {
  const body = bodyOf(message);
  if (typeof body === 'string') return ['hex'];
  const shown = wholeCharacters(body.subarray(0, SHOWN_BYTES));
  if (!isUtf8(shown)) return ['hex', 'text'];
  return body.length <= SHOWN_BYTES && reindentJson(body.toString('utf8')) !== null ? ['json', 'text', 'hex'] : ['text', 'hex'];
}

function field(label: string, value: string): DetailLine {
  return { kind: 'field', label, text: escapeControl(value), value };
}

function fields(message: Message): DetailLine[] {
  const transactionId = message.properties[PROPERTY.TRANSACTION_ID];
  return [
    field('topic', message.topic),
    ...(message.originTopic === null ? [] : [field('origin topic', message.originTopic)]),
    field('queue', `${message.brokerName} ${message.queueId} @ ${message.queueOffset}`),
    field('msgId', message.msgId),
    ...(message.offsetMsgId === message.msgId ? [] : [field('offsetMsgId', message.offsetMsgId)]),
    ...(message.tags === null ? [] : [field('tags', message.tags)]),
    ...message.keys.map((key) => field('key', key)),
    field('stored', `${formatTime(message.storeTimestamp)} on ${message.storeHost}`),
    field('born', `${formatTime(message.bornTimestamp)} on ${message.bornHost}`),
    field('commit log', `offset ${message.commitLogOffset}, ${formatInteger(message.storeSize)} bytes`),
    field('flags', `sysFlag ${message.sysFlag}, flag ${message.flag}, body CRC ${message.bodyCRC}`),
    ...(message.reconsumeTimes > 0 ? [field('reconsumed', `${message.reconsumeTimes} times`)] : []),
    ...(transactionId === undefined ? [] : [field('transaction', transactionId)]),
  ];
}

/** A retry and a dead letter name their original; the same id leads everywhere else. */
function links({ message, related }: DetailState): DetailLine[] {
  const lines: DetailLine[] = [];
  const originId = message.properties[PROPERTY.ORIGIN_MESSAGE_ID];
  if (originId !== undefined && originId !== message.offsetMsgId) {
    const topic = message.properties['DLQ_ORIGIN_TOPIC'] ?? message.originTopic ?? undefined;
    lines.push({ kind: 'link', label: 'original', text: escapeControl(`${topic ?? ''} ${originId}`.trim()), value: originId, link: { msgId: originId, topic } });
  }
  if (related === null) return lines;
  const others = related.filter((other) => other.offsetMsgId !== message.offsetMsgId || other.topic !== message.topic);
  if (others.length === 0) lines.push({ kind: 'field', label: 'others', text: 'no other record has this id', value: '' });
  for (const other of others) {
    const what = isDlqTopic(other.topic) ? 'dead letter' : isRetryTopic(other.topic) ? 'retry' : 'record';
    const text = `${other.topic}/${other.queueId}@${other.queueOffset}, ${formatTime(other.storeTimestamp)}, reconsumed ${plural(other.reconsumeTimes, 'time')}`;
    lines.push({ kind: 'link', label: what, text: escapeControl(text), value: other.offsetMsgId, link: { record: referenceOf(other) } });
  }
  return lines;
}

function properties(message: Message): DetailLine[] {
  const names = Object.keys(message.properties);
  if (names.length === 0) return [];
  return [{ kind: 'heading', label: 'Properties', text: '', value: '' }, ...names.map((name) => ({ ...field(escapeControl(name), message.properties[name]!) }))];
}

function bodyLines({ message, mode, modes }: DetailState, columns: number): DetailLine[] {
  const body = bodyOf(message);
  if (typeof body === 'string') return [heading(`Body: DAMAGED, ${body}`)];
  const shown = mode === 'hex' ? body.subarray(0, SHOWN_BYTES) : wholeCharacters(body.subarray(0, SHOWN_BYTES));
  const others = modes.length > 1 ? `; b: as ${modes.filter((other) => other !== mode).join(', ')}` : '';
  const cutOff = body.length > shown.length ? [heading(`… ${formatInteger(body.length - shown.length)} bytes more; e writes them to a file`)] : [];
  const text = mode === 'hex' ? hexLines(shown) : textLines(mode === 'json' ? reindentJson(shown.toString('utf8')) ?? '' : shown.toString('utf8'), columns);
  const value = shown.toString('utf8');
  return [heading(`Body: ${plural(body.length, 'byte')}, as ${mode}${others}`), ...text.map((line): DetailLine => ({ kind: 'body', label: '', text: line, value })), ...cutOff];
}

const heading = (label: string): DetailLine => ({ kind: 'heading', label, text: '', value: '' });

/** The reason, where it cannot be decompressed. */
function bodyOf(message: Message): Buffer | string {
  try {
    return message.body;
  } catch (error) {
    if (error instanceof CodecError) return error.message;
    throw error;
  }
}

function textLines(text: string, columns: number): string[] {
  return escapeControlKeepLines(text.replaceAll('\r\n', '\n')).split('\n').flatMap((line) => wrap(line.replaceAll('\t', '    '), Math.max(10, columns)));
}

function wrap(line: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns || columnsOf(rest) > columns) {
    // Long lines are cut piece by piece: what is measured stays short.
    const head = takeColumns(rest.slice(0, columns * 8), columns);
    lines.push(head);
    rest = head === '' ? skipColumns(rest, columns) : rest.slice(head.length);
  }
  return [...lines, rest];
}

function hexLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_BYTES) {
    const row = bytes.subarray(at, at + HEX_BYTES);
    const hex = [row.subarray(0, 8), row.subarray(8)].map((half) => half.toString('hex').replace(/(..)(?=.)/g, '$1 ').padEnd(23)).join('  ');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')}`);
  }
  return lines;
}
