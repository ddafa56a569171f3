import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { requestCommand, responseCommand } from '../../../src/wire/command.ts';
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from '../../../src/wire/frame.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';

const send = requestCommand(310, 7, { a: 'group', b: 'Orders', i: 'TAGS\u0001x\u0002' }, Buffer.from('hello'));
const answer = responseCommand(send, 0, null, { queueId: '3' });
const binary: RemotingCommand = { ...send, code: 34, opaque: -5, remark: 'wörds', serializeType: 'ROCKETMQ', body: null };

/** All that a reader makes of the chunks. */
const read = (chunks: readonly Buffer[], reader = new FrameReader()): RemotingCommand[] => {
  const commands: RemotingCommand[] = [];
  for (const chunk of chunks) reader.push(chunk, (command) => commands.push(command));
  return commands;
};
const asJson = (text: string, body = ''): Buffer => {
  const frame = Buffer.alloc(8 + Buffer.byteLength(text) + body.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(Buffer.byteLength(text), 4);
  frame.write(text + body, 8);
  return frame;
};

describe('FrameReader', () => {
  it('gives back what was encoded', () => {
    expect(read([encodeFrame(send)])).toEqual([send]);
    expect(read([encodeFrame(answer)])).toEqual([answer]);
    expect(read([encodeFrame(binary)])).toEqual([{ ...binary, extFields: expect.objectContaining({ ...binary.extFields }) as object }]);
  });

  it('takes several frames a chunk, and a stream cut anywhere', () => {
    const stream = Buffer.concat([send, answer, binary, send].map(encodeFrame));
    const whole = read([stream]);
    expect(whole).toHaveLength(4);
    for (let first = 0; first <= stream.length; first++) {
      expect(read([stream.subarray(0, first), stream.subarray(first)])).toEqual(whole);
    }
    expect(read([...stream].map((byte) => Buffer.from([byte])))).toEqual(whole);
    for (const size of [2, 3, 5, 7, 64]) {
      expect(read(Array.from({ length: Math.ceil(stream.length / size) }, (_, index) => stream.subarray(index * size, (index + 1) * size)))).toEqual(whole);
    }
  });

  it('reads a large frame that comes in small chunks', () => {
    const body = Buffer.alloc(5_000_000, 'abc');
    const frame = encodeFrame({ ...send, body });
    const reader = new FrameReader();
    const commands = read(Array.from({ length: Math.ceil(frame.length / 1000) }, (_, index) => frame.subarray(index * 1000, (index + 1) * 1000)), reader);
    expect(commands).toHaveLength(1);
    expect(commands[0]!.body!.equals(body)).toBe(true);
    expect(reader.pendingBytes).toBe(0);
  });

  it('takes no memory for what a peer only promises', () => {
    const promise = Buffer.from('00fffffc00000010', 'hex');
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 50 }, () => new FrameReader());
    for (const reader of readers) reader.push(promise, () => expect.unreachable());
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    expect(readers.every(({ pendingBytes }) => pendingBytes === 8)).toBe(true);
  });

  it('reads a header with very many fields, and refuses one that is too large', () => {
    const extFields = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 'v']));
    for (const serializeType of ['JSON', 'ROCKETMQ'] as const) {
      expect(Object.keys(read([encodeFrame({ ...send, extFields, serializeType })])[0]!.extFields)).toHaveLength(20_000);
      expect(() => read([encodeFrame({ ...send, extFields: { a: 'x'.repeat(2 * 1024 * 1024) }, serializeType })])).toThrow(/header has \d+ bytes; at most 2097152/);
    }
  });

  it('says how much of an unfinished frame it holds', () => {
    const reader = new FrameReader();
    reader.push(encodeFrame(send).subarray(0, 20), () => expect.unreachable());
    expect(reader.pendingBytes).toBe(20);
  });

  it.each([
    ['0', '00000000', /length 0 is wrong/],
    ['too short for a header', '00000004 00000000', /no room for a header/],
    ['negative', 'ffffffff', /negative/],
    ['above the limit', '00fffffd', /at most 16777212/],
    ['TLS', '1503030002', /TLS alert/],
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request').toString('hex'), /it sends HTTP/],
    ['header length 0', '00000005 00000000 00', /header length 0/],
    ['header length beyond the frame', '00000006 00000003 7b7d', /header length 3/],
    ['unknown header type', '00000006 02000002 7b7d', /of type 2/],
    ['header that is no JSON', '00000006 00000002 7b7b', /JSON text/],
    ['header that is no object', '00000006 00000002 5b5d', /no object/],
    ['binary header that is too short', '00000006 01000002 0000', /binary header has 2 bytes/],
  ])('refuses a frame: %s', (_, hex, message) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
      expect(() => read(chunks)).toThrow(CodecError);
      expect(() => read(chunks)).toThrow(message);
    }
  });

  it('delivers what came before a bad frame, and nothing after it', () => {
    const reader = new FrameReader();
    const commands: RemotingCommand[] = [];
    const receive = (command: RemotingCommand): number => commands.push(command);
    expect(() => reader.push(Buffer.concat([encodeFrame(send), Buffer.alloc(8), encodeFrame(answer)]), receive)).toThrow(CodecError);
    expect(commands).toEqual([send]);
    expect(() => reader.push(encodeFrame(answer), receive)).toThrow(CodecError);
    expect(commands).toHaveLength(1);
  });

  it('keeps to a limit of its own', () => {
    expect(() => read([encodeFrame(send)], new FrameReader(64))).toThrow(/at most 60/);
    expect(() => encodeFrame({ ...send, body: Buffer.alloc(MAX_FRAME_BYTES) })).toThrow(/at most 16777216/);
  });
});

describe('header as JSON', () => {
  const header = (text: string): RemotingCommand => read([asJson(text)])[0]!;

  it('takes what Java takes', () => {
    expect(header('{"code":11,"extFields":{"queueId":3,"on":true,"none":null,"big":9223372036854775807,"text":"x"},"opaque":4,"flag":0,"version":63,"language":"CPP"}\n').extFields)
      .toEqual({ queueId: '3', on: 'true', big: '9223372036854775807', text: 'x' });
    expect(header("{'code':1,opaque:-2}")).toMatchObject({ code: 1, opaque: -2, flag: 0, version: 0, extFields: {}, remark: null, body: null });
    expect(header('{"code":"5","language":"COBOL","extFields":null,"remark":null}')).toMatchObject({ code: 5, language: 'COBOL', extFields: {}, remark: null });
  });

  it.each(['{"code":{}}', '{"code":1.5}', '{"opaque":4294967296}', '{"extFields":[]}', '{"extFields":{"a":{}}}', '{"extFields":"x"}', '{"remark":[]}', '{"a":[[[['])(
    'refuses %s', (text) => expect(() => header(text)).toThrow(CodecError));

  it('keeps names that objects have by nature', () => {
    const command = header('{"code":1,"extFields":{"__proto__":"a","constructor":"b","n":1}}');
    expect(Object.entries(command.extFields)).toEqual([['__proto__', 'a'], ['constructor', 'b'], ['n', '1']]);
    expect(read([encodeFrame(command)])[0]!.extFields).toEqual(command.extFields);
  });
});

describe('header as binary', () => {
  // A heartbeat as a Java client with rocketmq.serialize.type=ROCKETMQ sends it.
  const heartbeat = Buffer.from('0000001901000015' + '0022' + '00' + '01df' + '00000008' + '00000000' + '00000000' + '00000000', 'hex');

  it('reads a real one', () => {
    expect(read([heartbeat])).toEqual([{
      code: 34, language: 'JAVA', version: 479, opaque: 8, flag: 0, remark: null, extFields: expect.objectContaining({}) as object, body: null, serializeType: 'ROCKETMQ',
    }]);
    expect(encodeFrame(read([heartbeat])[0]!).equals(heartbeat)).toBe(true);
  });

  it('keeps a language it does not know', () => {
    const odd = Buffer.from(heartbeat);
    odd[10] = 77;
    expect(read([odd])[0]!.language).toBe('77');
    expect(encodeFrame(read([odd])[0]!).equals(odd)).toBe(true);
  });

  it('refuses codes beyond 16 bits', () => {
    expect(() => encodeFrame({ ...binary, code: 200_050 })).toThrow(/JSON header/);
  });

  it('refuses lengths that do not fit, at every field', () => {
    const good = encodeFrame(binary);
    for (const at of [8 + 13, 8 + 17 + Buffer.byteLength('wörds')]) {
      for (const length of [-1, 0x7fffffff, 4000]) {
        const bad = Buffer.from(good);
        bad.writeInt32BE(length, at);
        expect(() => read([bad])).toThrow(/does not fit the frame's binary header/);
      }
    }
  });
});
