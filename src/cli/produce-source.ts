import { createReadStream, openSync, readFileSync } from 'node:fs';
import { MqliteError } from '../broker/errors.ts';
import { LineSplitter } from '../client/line-splitter.ts';
import type { HostInput } from './host.ts';
import { naming } from './named-files.ts';
import { bodyMessage, jsonMessage } from './produce-input.ts';
import type { MessageTemplate, NumberedMessage } from './produce-input.ts';
import type { ProduceRun } from './produce-run.ts';

/** Room for what surrounds a body in a line of JSON: base64, properties, everything that `consume --json` prints. */
const JSON_LINE_SLACK = 1 << 20;
const READ_BYTES = 1 << 18;

export type MessageSource = AsyncIterable<NumberedMessage[]> | Iterable<NumberedMessage[]>;

/** Batches of messages as they arrive. */
export function openSource(run: ProduceRun, template: MessageTemplate): MessageSource {
  const { body, flags, stdin } = run;
  const { file } = flags;
  if (body !== undefined) return [[bodyMessage(Buffer.from(body), 1, template)]];
  if (file === undefined) return lines(stdin, run, template);
  // Opened here: a missing file is reported before anything is made.
  if (flags['json-input']) return lines(createReadStream(file, { fd: naming(`--file ${file}`, () => openSync(file, 'r')), highWaterMark: READ_BYTES }), run, template);
  const content = naming(`--file ${file}`, () => readFileSync(file));
  if (content.length === 0) throw new MqliteError('MESSAGE_ILLEGAL', `--file ${file}: the file is empty, and RocketMQ refuses empty bodies`, { hint: 'Nothing was sent.' });
  return [[bodyMessage(content, 1, template)]];
}

/** Lines as messages. The first bad one ends it, once those before it are out. */
export async function* lines(input: HostInput, { flags, signal }: ProduceRun, template: MessageTemplate): AsyncGenerator<NumberedMessage[]> {
  const json = flags['json-input'];
  const splitter = new LineSplitter(json ? template.maxBodyBytes * 2 + JSON_LINE_SLACK : template.maxBodyBytes);
  let lineNumber = 0;
  // Holds the messages made before a bad line, so that they are sent before it is reported.
  let failure: Error | undefined;
  const convert = (pieces: readonly Buffer[]): NumberedMessage[] => {
    const messages: NumberedMessage[] = [];
    try {
      for (const piece of pieces) {
        lineNumber++;
        if (piece.length === 0 && flags['skip-empty']) continue;
        messages.push(json ? jsonMessage(piece, lineNumber, template) : bodyMessage(piece, lineNumber, template));
      }
    } catch (error) {
      failure = error as Error;
    }
    return messages;
  };
  const stop = (): void => void input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) {
      yield convert(splitter.push(chunk));
      if (failure !== undefined) throw failure;
    }
    const last = splitter.end();
    if (last !== undefined) yield convert([last]);
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (!signal.aborted || error === failure) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    // An open standard input would keep the process alive.
    input.destroy();
  }
}
