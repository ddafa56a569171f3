import { afterEach, describe, expect, it } from 'vitest';
import { compressBody } from '../../../src/record/compress.ts';
import { joinProperties, parseProperties } from '../../../src/record/properties.ts';
import { compressionFlags } from '../../../src/record/sys-flag.ts';
import { REQUEST_CODE, RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { isResponse, responseCommand } from '../../../src/wire/command.ts';
import { decodeRequest, encodeRequest, encodeResponse } from '../../../src/wire/definition.ts';
import type { RemotingCommand } from '../../../src/wire/frame.ts';
import { HEART_BEAT } from '../../../src/wire/requests/client.ts';
import { PUSH_REPLY_MESSAGE_TO_CLIENT, SEND_MESSAGE_V2, SEND_REPLY_MESSAGE_V2 } from '../../../src/wire/requests/send-message.ts';
import { decodeMessageStream } from '../../../src/wire/message-stream.ts';
import { expectRefusal, text } from '../../contract/harness.ts';
import type { Peer } from '../../support/remoting-server.ts';
import { recordBytes, ScriptedCluster, type Script } from '../../support/scripted-cluster.ts';

const REPLIES = 'DefaultCluster_REPLY_TOPIC';
let cluster: ScriptedCluster | undefined;
afterEach(async () => {
  await cluster?.end();
  cluster = undefined;
});

/** A broker that keeps what it was asked, and who sent heartbeats; `sent` is told of each message. */
const broker = (sent: (properties: Readonly<Record<string, string>>, body: string, peer: Peer) => void = () => undefined, peers: Peer[] = []): Script => {
  const store = (definition: typeof SEND_MESSAGE_V2) => (request: RemotingCommand, peer: Peer): RemotingCommand => {
    const { header, body } = decodeRequest(definition, request);
    setImmediate(() => sent(parseProperties(header.properties ?? ''), Buffer.from(body).toString(), peer));
    return encodeResponse(definition, request, { msgId: '7F00000100002A9F0000000000000000', queueId: header.queueId, queueOffset: 0 }, null);
  };
  return {
    [REQUEST_CODE.HEART_BEAT]: (request, peer) => {
      peers.push(peer);
      return encodeResponse(HEART_BEAT, request, {}, null);
    },
    [REQUEST_CODE.UNREGISTER_CLIENT]: (request) => responseCommand(request, RESPONSE_CODE.SUCCESS),
    [REQUEST_CODE.SEND_MESSAGE_V2]: store(SEND_MESSAGE_V2),
    [REQUEST_CODE.SEND_REPLY_MESSAGE_V2]: store(SEND_REPLY_MESSAGE_V2),
  };
};

const push = (correlationId: string, body: Uint8Array, sysFlag = 0): RemotingCommand => encodeRequest(PUSH_REPLY_MESSAGE_TO_CLIENT, 1_000_001, {
  producerGroup: 'g', topic: REPLIES, defaultTopic: 'TBW102', defaultTopicQueueNums: 4, queueId: 0, sysFlag, bornTimestamp: 1, flag: 0,
  properties: joinProperties({ CORRELATION_ID: correlationId, MSG_TYPE: 'reply' }), bornHost: '/127.0.0.1:5', storeHost: '127.0.0.1:10911', storeTimestamp: 7,
}, body);

describe('asking', () => {
  it('is present at every broker before it asks, and each asker gets its own reply, in any order', async () => {
    const waiting: { readonly id: string; readonly body: string; readonly peer: Peer }[] = [];
    const collect = (properties: Readonly<Record<string, string>>, body: string, peer: Peer): void => {
      waiting.push({ id: properties['CORRELATION_ID']!, body, peer });
      if (waiting.length < 3) return;
      for (const { id, body: asked, peer: from } of [...waiting].reverse()) from.send(push(id, compressBody('zlib', Buffer.from(`${asked}!`)), compressionFlags('zlib')));
    };
    cluster = await ScriptedCluster.start({ a: broker(collect), b: broker(collect) }, ['T', REPLIES]);
    const client = await cluster.open();
    const replies = await Promise.all(['one', 'two', 'three'].map((body) => client.request(text('T', body), 5000)));
    expect(replies.map(({ body }) => body.toString())).toEqual(['one!', 'two!', 'three!']);
    expect(replies[0]).toMatchObject({ topic: REPLIES, storeTimestamp: 7, bornHost: '127.0.0.1:5', storeHost: '127.0.0.1:10911', properties: { MSG_TYPE: 'reply' } });
    const of = (code: number): RemotingCommand[] => ['a', 'b'].flatMap((name) => cluster!.asked(name, code));
    const clients = new Set(of(REQUEST_CODE.HEART_BEAT).map((request) => decodeRequest(HEART_BEAT, request).body.clientID));
    expect(clients.size).toBe(1);
    for (const name of ['a', 'b']) {
      const codes = cluster.broker(name).requests.map(({ code }) => code);
      expect(codes.filter((code) => code === REQUEST_CODE.SEND_MESSAGE_V2).length).toBeGreaterThan(0);
      expect(codes.indexOf(REQUEST_CODE.HEART_BEAT)).toBeLessThan(codes.indexOf(REQUEST_CODE.SEND_MESSAGE_V2));
    }
    for (const request of of(REQUEST_CODE.SEND_MESSAGE_V2)) expect(parseProperties(decodeRequest(SEND_MESSAGE_V2, request).header.properties!)).toMatchObject({ REPLY_TO_CLIENT: [...clients][0], TTL: '5000' });
    // Whoever replied waits for this.
    const answers = (): number[] => [...cluster!.brokers.values()].flatMap(({ requests }) => requests.filter((command) => isResponse(command) && command.opaque === 1_000_001).map(({ code }) => code));
    await expect.poll(answers).toEqual([RESPONSE_CODE.SUCCESS, RESPONSE_CODE.SUCCESS, RESPONSE_CODE.SUCCESS]);
    await client.close();
    expect(cluster.asked('a', REQUEST_CODE.UNREGISTER_CLIENT)).toHaveLength(1);
  });

  it('is over in time, when it is called off, and before it began', async () => {
    cluster = await ScriptedCluster.start({ a: broker() }, ['T', REPLIES]);
    const client = await cluster.open();
    await expectRefusal(client.request(text('T', 'x'), 30), 'TIMED_OUT');
    const off = new AbortController();
    const asked = expectRefusal(client.request(text('T', 'x'), 60_000, off.signal), 'TIMED_OUT');
    off.abort();
    expect((await asked).message).toContain('called off');
    const sent = cluster.asked('a', REQUEST_CODE.SEND_MESSAGE_V2).length;
    await expectRefusal(client.request(text('T', 'x'), 0), 'INVALID_INPUT');
    await expectRefusal(client.request(text('Missing', 'x'), 100), 'TOPIC_NOT_FOUND');
    expect(cluster.asked('a', REQUEST_CODE.SEND_MESSAGE_V2)).toHaveLength(sent);
  });

  it('a reply that nobody waits for, and one that cannot be read, are answered too', async () => {
    const peers: Peer[] = [];
    cluster = await ScriptedCluster.start({ a: broker(undefined, peers) }, ['T', REPLIES]);
    const client = await cluster.open();
    await expectRefusal(client.request(text('T', 'x'), 20), 'TIMED_OUT');
    peers[0]!.send(push('nobody', Buffer.from('x')));
    peers[0]!.send({ ...push('x', Buffer.from('x')), extFields: {} });
    await expect.poll(() => cluster!.broker('a').requests.filter(isResponse).map(({ code }) => code)).toEqual(expect.arrayContaining([RESPONSE_CODE.SUCCESS, RESPONSE_CODE.SYSTEM_ERROR]));
  });
});

it('a reply goes to the broker that had the request', async () => {
  cluster = await ScriptedCluster.start({ a: broker(), b: broker(), c: broker() }, ['T', REPLIES]);
  const client = await cluster.open();
  const asked = (properties: Readonly<Record<string, string>>) => decodeMessageStream(recordBytes({ topic: 'T', properties }), 'b').messages[0]!;
  for (let round = 0; round < 3; round++) await client.reply(asked({ CLUSTER: 'DefaultCluster', CORRELATION_ID: 'id', REPLY_TO_CLIENT: 'me', TTL: '9' }), Buffer.from('yes'));
  expect(['a', 'b', 'c'].map((name) => cluster!.asked(name, REQUEST_CODE.SEND_REPLY_MESSAGE_V2).length)).toEqual([0, 3, 0]);
  const { header, body } = decodeRequest(SEND_REPLY_MESSAGE_V2, cluster.asked('b', REQUEST_CODE.SEND_REPLY_MESSAGE_V2)[0]!);
  expect([header.topic, Buffer.from(body).toString(), parseProperties(header.properties!)]).toMatchObject([REPLIES, 'yes', { MSG_TYPE: 'reply', CORRELATION_ID: 'id', REPLY_TO_CLIENT: 'me', TTL: '9' }]);
  await expectRefusal(client.reply(asked({}), Buffer.from('yes')), 'INVALID_INPUT');
});
