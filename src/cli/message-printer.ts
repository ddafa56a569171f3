import { isUtf8 } from 'node:buffer';
import type { Message } from '../record/message.ts';
import { parseExpression } from '../text/expression-error.ts';
import type { ChunkWriter } from './render/chunk-writer.ts';
import { escapeControl, escapeControlInJson, escapeControlKeepLines } from '../text/escape.ts';
import { compileFormat } from '../text/format-string.ts';
import { messageJson } from '../record/message-json.ts';
import { messageLine } from '../text/message-line.ts';

/** Writes one message. Error: CodecError DAMAGED, before a byte is written, when the body cannot be decompressed. */
export type MessagePrinter = (message: Message, writer: ChunkWriter) => void;

const LF = 10;

export interface PrinterChoice {
  readonly json: boolean;
  readonly format: string | undefined;
  /** Standard output is a terminal: the user's data is shown escaped. */
  readonly terminal: boolean;
  /** What is printed without --json and --format. */
  readonly plain: 'body' | 'line';
}

/** Error: USAGE for a format that is none. */
export function choosePrinter(choice: PrinterChoice): MessagePrinter {
  if (choice.format !== undefined) return formatPrinter(choice.format, choice.terminal);
  if (choice.json && choice.terminal) return (message, writer) => writer.text(`${escapeControlInJson(JSON.stringify(messageJson(message, true)))}\n`);
  if (choice.json) return (message, writer) => writer.text(`${JSON.stringify(messageJson(message, true))}\n`);
  if (choice.plain === 'line') return (message, writer) => writer.text(`${messageLine(message)}\n`);
  return choice.terminal ? printEscapedBody : printBody;
}

function printBody(message: Message, writer: ChunkWriter): void {
  writer.bytes(message.body);
  writer.byte(LF);
}

function printEscapedBody(message: Message, writer: ChunkWriter): void {
  writer.text(`${terminalText(message.body)}\n`);
}

/** Bytes that are not UTF-8 are shown as `\x..`. */
function terminalText(body: Buffer): string {
  if (isUtf8(body)) return escapeControlKeepLines(body.toString('utf8'));
  return body.toString('latin1').replace(/[^\x20-\x7e\n\t]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function formatPrinter(format: string, terminal: boolean): MessagePrinter {
  const segments = parseExpression('--format', format, compileFormat);
  return (message, writer) => {
    // Everything is made before anything is written: a body may turn out to be damaged.
    const parts = segments.map((segment) => (typeof segment === 'string' ? segment : segment(message)));
    parts.forEach((part, index) => {
      if (typeof segments[index] === 'string') writer.text(part as string);
      else if (typeof part === 'string') writer.text(terminal ? escapeControl(part) : part);
      else if (terminal) writer.text(terminalText(Buffer.from(part.buffer, part.byteOffset, part.length)));
      else writer.bytes(part);
    });
  };
}
