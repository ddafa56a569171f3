import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { commandInput, commandOutput } from '../../../src/cli/shell/command-stream.ts';

describe('the output of one command', () => {
  it('is the stream, until the command is over', () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
    const { stream, end } = commandOutput(terminal as unknown as NodeJS.WriteStream);
    expect([stream.isTTY, stream.columns, (stream as unknown as { rows: number }).rows, stream.forPrograms]).toEqual([true, 80, 24, undefined]);
    let resized = 0;
    (stream as unknown as NodeJS.WriteStream).on('resize', () => resized++);
    stream.on('error', () => undefined);
    stream.once('drain', () => undefined);
    stream.write('a');
    terminal.emit('resize');
    end();
    terminal.emit('resize');
    stream.write('never');
    expect([String(terminal.read()), resized, terminal.listenerCount('error'), terminal.listenerCount('drain')]).toEqual(['a', 1, 0, 0]);
  });

  it('names the stream that programs are to write to', () => {
    const pipe = new PassThrough();
    expect(commandOutput(pipe, pipe).stream.forPrograms).toBe(pipe);
  });
});

describe('the input of one command', () => {
  const read = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  };

  it('is opened when it is used, and not before', async () => {
    let opened = 0;
    const make = (): ReturnType<typeof commandInput> => commandInput(true, () => {
      opened++;
      return Readable.from([Buffer.from('a')]);
    });
    const unused = make();
    expect(unused.stream.isTTY).toBe(true);
    unused.end();
    expect([opened, await read(unused.stream)]).toEqual([0, '']);
    expect([await read(make().stream), opened]).toEqual(['a', 1]);
  });

  it('that was read to its end before has nothing more, and one that is not there has nothing', async () => {
    const own = Readable.from([Buffer.from('a')]);
    const first = commandInput(false, () => own);
    expect(await read(first.stream)).toBe('a');
    first.stream.destroy();
    expect(own.destroyed).toBe(true);
    expect(await read(commandInput(false, () => own).stream)).toBe('');
    expect(await read(commandInput(false, () => undefined).stream)).toBe('');
  });
});
