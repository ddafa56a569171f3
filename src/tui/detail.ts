import { isUtf8 } from 'node:buffer';
import { CodecError } from '../base/codec-error.ts';
import { isDlqTopic, isRetryTopic } from '../broker/retry-topics.ts';
import type { Message } from '../record/message.ts';
import { PROPERTY } from '../record/properties.ts';
import { escapeControl, escapeControlKeepLines } from '../text/escape.ts';
import { formatInteger, formatTime, plural } from '../text/numbers.ts';
import { columnsOf, takeColumns } from '../text/columns.ts';
import { greatest } from './line.ts';
import { reindentJson } from './reindent-json.ts';
import type { RecordReference } from './panel.ts';
import { referenceOf, wholeCharacters } from './rows.ts';
import { moveTo, rowColumns } from './state.ts';
import type { Cursor } from './state.ts';

/** Where Enter leads to from a line: a record whose place is known, or one to be looked for. */
export type DetailLink = { readonly record: RecordReference } | { readonly msgId: string; readonly topic: string | undefined };

/** One thing on the page, of any length. */
interface DetailEntry {
  readonly kind: 'field' | 'heading' | 'body' | 'link';
  /** What it is, in whatever width: the cursor stays on it. */
  readonly id: string;
  /** Safe for a terminal, as the text is. */
  readonly label: string;
  readonly text: string;
  /** What copying it gives. */
  readonly value: string;
  readonly link?: DetailLink;
}

/** A line of the screen: of a long thing a part, which begins so many characters behind its start. */
export interface DetailLine extends DetailEntry {
  readonly part: number;
}

export type BodyMode = 'text' | 'json' | 'hex';

export interface DetailState extends Cursor {
  readonly message: Message;
  readonly modes: readonly BodyMode[];
  readonly mode: BodyMode;
  /** Other records of its id; null: not asked for. */
  readonly related: readonly Message[] | null;
  readonly lines: readonly DetailLine[];
  /** Columns that the names of fields take. */
  readonly labelColumns: number;
}

/** So much of a body is laid out on the page; the rest is a matter for `export`. */
const SHOWN_BYTES = 64 << 10;
/** Of these the most that fit are on a line. */
const HEX_BYTES = [16, 8, 4] as const;
const LABEL_COLUMNS = 14;
/** Between the name of a field and its text, and before the text of a link. */
export const GAP_COLUMNS = 2;
const MIN_TEXT_COLUMNS = 10;

export function openDetail(message: Message, columns: number): DetailState {
  const modes = bodyModes(message);
  return layOut({ message, modes, mode: modes[0]!, related: null, lines: [], labelColumns: LABEL_COLUMNS, selected: 0, top: 0 }, columns, 1);
}

/** The page again, for another size, another way to show the body, or with what was found. The cursor stays on what it is on, and that where it is on the screen. */
export function layOut(detail: DetailState, columns: number, page: number): DetailState {
  const width = rowColumns(columns);
  const entries = [...fields(detail.message), ...links(detail), ...bodyLines(detail, width), ...properties(detail.message)];
  const room = Math.max(columns >> 2, Math.min(LABEL_COLUMNS, Math.max(4, width - GAP_COLUMNS - MIN_TEXT_COLUMNS)));
  const labelColumns = Math.min(greatest(entries.map(({ kind, label }) => (kind === 'field' ? columnsOf(label) : 0)), LABEL_COLUMNS), room);
  const lines = entries.flatMap((entry) => entryLines(entry, width, labelColumns));
  const selected = placeAgain(detail.lines[detail.selected], lines) ?? detail.selected;
  return { ...detail, lines, labelColumns, ...moveTo({ selected, top: selected - (detail.selected - detail.top) }, selected, lines.length, page) };
}

/** The part of the same thing that holds where a line began; undefined: it is not there. */
function placeAgain(line: DetailLine | undefined, lines: readonly DetailLine[]): number | undefined {
  let at: number | undefined;
  if (line !== undefined) lines.forEach(({ id, part }, index) => { if (id === line.id && part <= line.part) at = index; });
  return at;
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

function field(label: string, value: string, id = label): DetailEntry {
  return { kind: 'field', id, label, text: escapeControl(value), value };
}

function fields(message: Message): DetailEntry[] {
  const transactionId = message.properties[PROPERTY.TRANSACTION_ID];
  return [
    field('topic', message.topic),
    ...(message.originTopic === null ? [] : [field('origin topic', message.originTopic)]),
    field('queue', `${message.brokerName} ${message.queueId} @ ${message.queueOffset}`),
    field('msgId', message.msgId),
    ...(message.offsetMsgId === message.msgId ? [] : [field('offsetMsgId', message.offsetMsgId)]),
    ...(message.tags === null ? [] : [field('tags', message.tags)]),
    ...message.keys.map((key, index) => field('key', key, `key/${index}`)),
    field('stored', `${formatTime(message.storeTimestamp)} on ${message.storeHost}`),
    field('born', `${formatTime(message.bornTimestamp)} on ${message.bornHost}`),
    field('commit log', `offset ${message.commitLogOffset}, ${formatInteger(message.storeSize)} bytes`),
    field('flags', `sysFlag ${message.sysFlag}, flag ${message.flag}, body CRC ${message.bodyCRC}`),
    ...(message.reconsumeTimes > 0 ? [field('reconsumed', plural(message.reconsumeTimes, 'time'))] : []),
    ...(transactionId === undefined ? [] : [field('transaction', transactionId)]),
  ];
}

/** A retry and a dead letter name their original; the same id leads everywhere else. */
function links({ message, related }: DetailState): DetailEntry[] {
  const lines: DetailEntry[] = [];
  const originId = message.properties[PROPERTY.ORIGIN_MESSAGE_ID];
  if (originId !== undefined && originId !== message.offsetMsgId) {
    const topic = message.properties['DLQ_ORIGIN_TOPIC'] ?? message.originTopic ?? undefined;
    lines.push({ kind: 'link', id: 'original', label: 'original', text: escapeControl(`${topic ?? ''} ${originId}`.trim()), value: originId, link: { msgId: originId, topic } });
  }
  if (related === null) return lines;
  const others = related.filter((other) => other.offsetMsgId !== message.offsetMsgId || other.topic !== message.topic);
  if (others.length === 0) lines.push({ kind: 'field', id: 'others', label: 'others', text: 'no other record has this id', value: '' });
  for (const other of others) {
    const what = isDlqTopic(other.topic) ? 'dead letter' : isRetryTopic(other.topic) ? 'retry' : 'record';
    const text = `${other.topic}/${other.queueId}@${other.queueOffset}, ${formatTime(other.storeTimestamp)}, reconsumed ${plural(other.reconsumeTimes, 'time')}`;
    lines.push({ kind: 'link', id: `record/${other.topic}/${other.offsetMsgId}`, label: what, text: escapeControl(text), value: other.offsetMsgId, link: { record: referenceOf(other) } });
  }
  return lines;
}

function properties(message: Message): DetailEntry[] {
  const names = Object.keys(message.properties);
  if (names.length === 0) return [];
  return [heading('Properties'), ...names.map((name) => field(escapeControl(name), message.properties[name]!, `property/${name}`))];
}

function bodyLines({ message, mode, modes }: DetailState, columns: number): DetailEntry[] {
  const body = bodyOf(message);
  if (typeof body === 'string') return [heading(`Body: DAMAGED, ${body}`)];
  const shown = mode === 'hex' ? body.subarray(0, SHOWN_BYTES) : wholeCharacters(body.subarray(0, SHOWN_BYTES));
  const others = modes.length > 1 ? `; b: as ${modes.filter((other) => other !== mode).join(', ')}` : '';
  const cutOff = body.length > shown.length ? [heading(`… ${formatInteger(body.length - shown.length)} bytes more; e writes them to a file`)] : [];
  const text = mode === 'hex' ? hexLines(shown, columns) : textLines(mode === 'json' ? reindentJson(shown.toString('utf8')) ?? '' : shown.toString('utf8'));
  const value = shown.toString('utf8');
  return [{ ...heading(`Body: ${plural(body.length, 'byte')}, as ${mode}${others}`), id: 'body' }, ...text.map(({ id, text: line }): DetailEntry => ({ kind: 'body', id: `body/${mode}/${id}`, label: '', text: line, value })), ...cutOff];
}

const heading = (label: string): DetailEntry => ({ kind: 'heading', id: label, label, text: '', value: '' });

/** The reason, where it cannot be decompressed. */
function bodyOf(message: Message): Buffer | string {
  try {
    return message.body;
  } catch (error) {
    if (error instanceof CodecError) return error.message;
    throw error;
  }
}

interface BodyLine {
  readonly id: number;
  readonly text: string;
}

function textLines(text: string): BodyLine[] {
  return escapeControlKeepLines(text.replaceAll('\r\n', '\n')).split('\n').map((line, id) => ({ id, text: line.replaceAll('\t', '    ') }));
}

function hexLines(bytes: Buffer, columns: number): BodyLine[] {
  const each = HEX_BYTES.find((count) => hexLine(bytes.subarray(0, 1), 0, count).length + count - 1 <= columns) ?? 4;
  return Array.from({ length: Math.ceil(bytes.length / each) }, (_, index) => ({ id: index * each, text: hexLine(bytes.subarray(index * each, (index + 1) * each), index * each, each) }));
}

function hexLine(row: Buffer, at: number, each: number): string {
  const halves = each > 8 ? [row.subarray(0, 8), row.subarray(8)] : [row];
  const width = 3 * Math.min(8, each) - 1;
  const hex = halves.map((half) => half.toString('hex').replace(/(..)(?=.)/g, '$1 ').padEnd(width)).join('  ');
  return `${at.toString(16).padStart(8, '0')}  ${hex}  ${row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')}`;
}

// -- lines of the screen

/** All of it: what is longer than a line goes on in the next, name and text beside each other. */
function entryLines(entry: DetailEntry, columns: number, labelColumns: number): DetailLine[] {
  const { kind, label, text } = entry;
  if (kind === 'heading') return [{ ...entry, part: 0 }];
  if (kind === 'body') return withParts(wrap(text, columns)).map(({ text: line, part }) => ({ ...entry, text: line, part }));
  const texts = withParts(wrap(text, Math.max(MIN_TEXT_COLUMNS, columns - labelColumns - GAP_COLUMNS - (kind === 'link' ? GAP_COLUMNS : 0))));
  const labels = wrap(label, labelColumns);
  return Array.from({ length: Math.max(texts.length, labels.length) }, (_, index) => ({ ...entry, label: labels[index] ?? '', text: texts[index]?.text ?? '', part: texts[index]?.part ?? text.length + index }));
}

function withParts(texts: readonly string[]): { readonly text: string; readonly part: number }[] {
  let part = 0;
  return texts.map((text) => {
    const line = { text, part };
    part += text.length;
    return line;
  });
}

function wrap(line: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > columns || columnsOf(rest) > columns) {
    // Long lines are cut piece by piece: what is measured stays short.
    const piece = rest.slice(0, columns * 8);
    // Even of characters that join into one wider than the line nothing is lost.
    const head = takeColumns(piece, columns) || [...piece].slice(0, Math.max(1, columns >> 1)).join('');
    lines.push(head);
    rest = rest.slice(head.length);
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest];
}
