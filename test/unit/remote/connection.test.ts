import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Connection } from '../../../src/remote/connection.ts';
import { RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { requestCommand, responseCommand } from '../../../src/wire/command.ts';
import { encodeFrame, type RemotingCommand } from '../../../src/wire/frame.ts';
import { always, RemotingServer, type Answer } from '../../support/remoting-server.ts';
import { expectRefusal } from '../../contract/harness.ts';

const opened: { readonly connection: Connection; readonly server: RemotingServer }[] = [];

async function open(answer: Answer, onRequest: (connection: Connection, request: RemotingCommand) => void = () => undefined): Promise<{ connection: Connection; server: RemotingServer; closed: () => boolean }> {
  const server = await RemotingServer.start(answer);
  let isClosed = false;
  const connection = await Connection.open(server.address, { clock: systemClock, tls: null, connectTimeoutMs: 1000, onRequest, onClosed: () => (isClosed = true) });
  opened.push({ connection, server });
  return { connection, server, closed: () => isClosed };
}

const ask = (connection: Connection, timeoutMs = 2000, body: Buffer | null = null): Promise<RemotingCommand> =>
  connection.invoke(requestCommand(1, connection.nextOpaque(), {}, body), 'A_QUESTION', timeoutMs);

const until = async (test: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 400 && !test(); turn++) await systemClock.sleep(5);
  expect(test()).toBe(true);
};

afterEach(async () => {
  for (const { connection, server } of opened.splice(0)) {
    connection.close();
    await server.stop();
  }
});

describe('a connection', () => {
  it('gives each request its own answer, in whatever order they come', async () => {
    const waiting: (() => void)[] = [];
    const { connection } = await open((request, peer) => {
      waiting.unshift(() => peer.reply(request, responseCommand(request, 0, request.body!.toString())));
      if (waiting.length === 3) waiting.forEach((reply) => reply());
    });
    const answers = await Promise.all(['a', 'b', 'c'].map((text) => ask(connection, 2000, Buffer.from(text))));
    expect(answers.map(({ remark }) => remark)).toEqual(['a', 'b', 'c']);
    expect(connection.underWay).toBe(0);
  });

  it('reads an answer that comes byte by byte, and several in one piece', async () => {
    const { connection } = await open((request, peer) => {
      const frame = encodeFrame(responseCommand(request, 0, `to ${request.opaque}`));
      if (request.opaque === 1) for (const byte of frame) peer.socket.write(Buffer.from([byte]));
      if (request.opaque === 3) peer.socket.write(Buffer.concat([2, 3].map((opaque) => encodeFrame(responseCommand({ ...request, opaque }, 0, `to ${opaque}`)))));
    });
    expect((await ask(connection)).remark).toBe('to 1');
    expect((await Promise.all([ask(connection), ask(connection)])).map(({ remark }) => remark)).toEqual(['to 2', 'to 3']);
  });

  it('drops an answer that comes too late, and the second of two', async () => {
    let late: (() => void) | undefined;
    const { connection } = await open((request, peer) => {
      const reply = (): void => peer.reply(request, responseCommand(request, 0, `to ${request.opaque}`));
      if (request.opaque === 1) late = reply;
      if (request.opaque === 3) late!();
      if (request.opaque !== 1) [0, 1].forEach(reply);
    });
    // Something is received while the first waits, or the connection would be held for dead.
    const first = expectRefusal(ask(connection, 120), 'TIMED_OUT');
    expect((await ask(connection)).remark).toBe('to 2');
    await first;
    expect((await ask(connection)).remark).toBe('to 3');
    expect((await ask(connection)).remark).toBe('to 4');
  });

  it('says which question was not answered, by whom and within which time; a peer that is silent altogether is left', async () => {
    const { connection, server, closed } = await open(() => undefined);
    const error = await expectRefusal(ask(connection, 60), 'TIMED_OUT');
    expect(error.message).toBe(`${server.address}: no answer to A_QUESTION within 60 ms`);
    await until(closed);
    expect(connection.isUsable).toBe(false);
    await expectRefusal(ask(connection), 'UNREACHABLE');
  });

  it('a peer that closes in the middle of an answer: every request under way is told so', async () => {
    const { connection, closed } = await open((request, peer) => {
      if (request.opaque !== 2) return;
      const frame = encodeFrame(responseCommand(request, 0, 'never whole'));
      peer.socket.end(frame.subarray(0, frame.length - 3));
    });
    const [one, two] = await Promise.all([expectRefusal(ask(connection), 'UNREACHABLE'), expectRefusal(ask(connection), 'UNREACHABLE')]);
    expect(one.message).toContain('closed the connection in the middle of an answer');
    expect(two.message).toBe(one.message);
    await until(closed);
  });

  it.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'HTTP'],
    ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 70]), 'TLS alert'],
    ['a length of 0', Buffer.alloc(16), 'length 0'],
    ['a frame of 2 GiB', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]), 'at most'],
    ['a header that is no JSON', Buffer.from([0, 0, 0, 8, 0, 0, 0, 4, 1, 2, 3, 4]), 'JSON'],
  ])('closes on garbage: %s', async (_, bytes, words) => {
    const { connection, closed } = await open((_request, peer) => void peer.socket.write(bytes));
    const error = await expectRefusal(ask(connection), 'UNREACHABLE');
    expect(error.message).toContain(words);
    expect(error.hint).toContain('--tls');
    expect(closed()).toBe(true);
  });

  it('hands requests of the peer over, whose opaques are its own, and takes its answer back', async () => {
    const answers: RemotingCommand[] = [];
    const { connection } = await open((request, peer) => {
      if ((request.flag & 1) === 1) return void answers.push(request);
      peer.send({ ...requestCommand(40, request.opaque, { consumerGroup: 'g' }, null, 2), version: 479 });
      peer.send({ ...requestCommand(307, request.opaque, {}, null), version: 479 });
      peer.reply(request, responseCommand(request, 0, 'mine'));
    }, (at, request) => void at.respond(request, responseCommand(request, RESPONSE_CODE.SUCCESS, `answer to ${request.code}`)));
    expect((await ask(connection)).remark).toBe('mine');
    await until(() => answers.length > 0);
    // The first was one-way: nothing goes back.
    expect(answers.map(({ remark, opaque }) => [remark, opaque])).toEqual([['answer to 307', 1]]);
  });

  it('one that retires ends what is under way, and takes nothing new', async () => {
    let reply: (() => void) | undefined;
    const { connection, closed } = await open((request, peer) => (reply = () => peer.reply(request, responseCommand(request, 0, 'in time'))));
    const last = ask(connection);
    await until(() => reply !== undefined);
    connection.retire();
    expect([connection.isUsable, closed()]).toEqual([false, false]);
    reply!();
    expect((await last).remark).toBe('in time');
    expect(closed()).toBe(true);
  });

  it('waits for a peer that does not read, and loses nothing', async () => {
    let isReading = false;
    const { connection, server } = await open(always((request) => responseCommand(request, 0, String(request.body!.length))));
    server.answer = (request, peer) => {
      if (!isReading) peer.socket.pause();
      peer.reply(request, responseCommand(request, 0, String(request.body!.length)));
      if (!isReading) setTimeout(() => { isReading = true; peer.socket.resume(); }, 100);
    };
    const bodies = Array.from({ length: 60 }, (_, index) => Buffer.alloc(512 * 1024 + index));
    const answers = await Promise.all(bodies.map((body) => ask(connection, 10_000, body)));
    expect(answers.map(({ remark }) => remark)).toEqual(bodies.map(({ length }) => String(length)));
  });

  it('can be called off', async () => {
    const { connection } = await open(() => undefined);
    const stop = new AbortController();
    const called = expectRefusal(connection.invoke(requestCommand(1, connection.nextOpaque(), {}, null), 'A_QUESTION', 10_000, stop.signal), 'TIMED_OUT');
    stop.abort();
    await called;
    expect(connection.underWay).toBe(0);
  });

  it('to nobody: at once, in words', async () => {
    const server = await RemotingServer.start(() => undefined);
    const { address } = server;
    await server.stop();
    const error = await expectRefusal(Connection.open(address, { clock: systemClock, tls: null, connectTimeoutMs: 1000, onRequest: () => undefined, onClosed: () => undefined }), 'UNREACHABLE');
    expect(error.message).toBe(`${address}: nobody listens there`);
    await expectRefusal(Connection.open('nonsense', { clock: systemClock, tls: null, connectTimeoutMs: 1000, onRequest: () => undefined, onClosed: () => undefined }), 'UNREACHABLE');
  });

  it('TLS to one who speaks none: refused in time', async () => {
    const server = await RemotingServer.start(() => undefined);
    const error = await Connection.open(server.address, { clock: systemClock, tls: {}, connectTimeoutMs: 300, onRequest: () => undefined, onClosed: () => undefined }).then(() => null, (reason: unknown) => reason);
    expect(error).toMatchObject({ code: expect.stringMatching(/UNREACHABLE|TIMED_OUT|REFUSED/) as string });
    await server.stop();
  });
});
