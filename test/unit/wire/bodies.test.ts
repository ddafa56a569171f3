import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../src/base/codec-error.ts';
import { MqliteError } from '../../../src/broker/errors.ts';
import { PROPERTIES_REQUEST_BODY, PROPERTIES_RESPONSE_BODY } from '../../../src/wire/body/properties-text.ts';
import { RESPONSE_CODE } from '../../../src/wire/codes.ts';
import { requestCommand, responseCommand } from '../../../src/wire/command.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../../src/wire/definition.ts';
import { HEART_BEAT } from '../../../src/wire/requests/client.ts';
import { GET_CONSUMER_RUNNING_INFO } from '../../../src/wire/requests/consumer-client.ts';
import { QUERY_CONSUMER_OFFSET } from '../../../src/wire/requests/offsets.ts';
import { RESET_CONSUMER_CLIENT_OFFSET } from '../../../src/wire/requests/progress.ts';
import { GET_ROUTEINFO_BY_TOPIC } from '../../../src/wire/requests/route.ts';
import { attributesText } from '../../../src/wire/requests/topic-admin.ts';
import { errorCodeOf, isRetriedSend, responseError } from '../../../src/wire/response-error.ts';

const body = (text: string): Buffer => Buffer.from(text);

describe('bodies of other clients', () => {
  it('a heartbeat of the Go client: hashes as texts, nanoseconds, fields left out', () => {
    expect(HEART_BEAT.requestBody.decode(body('{"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":' +
      '"CONSUME_FROM_LAST_OFFSET","subscriptionDataSet":[{"classFilterMode":false,"topic":"T","subString":"A","tagsSet":["A"],"codeSet":["65"],"subVersion":1795418961357863439,"expressionType":"TAG"}],"unitMode":false}]}\n')))
      .toMatchObject({ clientID: 'c', producerDataSet: [], withoutSub: false, heartbeatFingerprint: 0, consumerDataSet: [{ subscriptionDataSet: [{ codeSet: [65], subVersion: 1795418961357863439n }] }] });
  });

  it('a running info of the Go client spells dropped as others do', () => {
    const info = GET_CONSUMER_RUNNING_INFO.responseBody.decode(body('{"mqTable":{{"topic":"T","brokerName":"b","queueId":1}:{"commitOffset":5,"dropped":true}},"properties":{},"statusTable":{},"subscriptionSet":[]}'));
    expect(info.mqTable).toEqual([[{ topic: 'T', brokerName: 'b', queueId: 1 }, expect.objectContaining({ commitOffset: 5, droped: true })]]);
  });

  it('resets in all their forms, also with keys that are texts', () => {
    const queue = '{"topic":"T","brokerName":"b","queueId":1}';
    const decoded = { offsetTable: [[{ topic: 'T', brokerName: 'b', queueId: 1 }, 5]] };
    for (const table of [`{${queue}:5}`, `{${JSON.stringify(queue)}:5}`, '[{"topic":"T","brokerName":"b","queueId":1,"offset":5}]']) {
      expect(RESET_CONSUMER_CLIENT_OFFSET.requestBody.decode(body(`{"offsetTable":${table}}`))).toEqual(decoded);
    }
    expect(RESET_CONSUMER_CLIENT_OFFSET.requestBody.decode(null)).toBeNull();
  });

  it.each([
    ['{', /^the route: the JSON text ends/],
    ['[]', /^the route is not an object/],
    ['{"queueDatas":[{"brokerName":"b"}]}', /^the route: perm is missing/],
    ['{"queueDatas":{}}', /^the route: queueDatas is not a list/],
    ['{"queueDatas":[{"brokerName":"b","perm":99999999999,"readQueueNums":1,"writeQueueNums":1}]}', /^the route: perm is not a 32-bit integer/],
    ['{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"x":"y"}}]}', /^the route: a key of brokerAddrs is not an integer/],
  ])('refuses the route %s', (text, message) => {
    expect(() => GET_ROUTEINFO_BY_TOPIC.responseBody.decode(body(text))).toThrow(CodecError);
    expect(() => GET_ROUTEINFO_BY_TOPIC.responseBody.decode(body(text))).toThrow(message);
    expect(() => GET_ROUTEINFO_BY_TOPIC.responseBody.decode(null)).toThrow(/the route is missing/);
  });
});

describe('a definition', () => {
  const header = { consumerGroup: 'g', topic: 'T', queueId: 3, bname: 'b' };

  it('carries a request and its answer both ways', () => {
    const request = encodeRequest(QUERY_CONSUMER_OFFSET, 9, header, null);
    expect(request).toMatchObject({ code: 14, opaque: 9, flag: 0, language: 'NODE_JS', extFields: { consumerGroup: 'g', topic: 'T', queueId: '3', bname: 'b' }, body: null });
    expect(decodeRequest(QUERY_CONSUMER_OFFSET, request)).toEqual({ header, body: null });
    const answer = encodeResponse(QUERY_CONSUMER_OFFSET, request, { offset: 7 }, null);
    expect(answer).toMatchObject({ code: 0, opaque: 9, flag: 1, extFields: { offset: '7' } });
    expect(decodeResponse(QUERY_CONSUMER_OFFSET, answer)).toEqual({ header: { offset: 7 }, body: null });
    expect(encodeRequest(QUERY_CONSUMER_OFFSET, 9, header, null, true).flag).toBe(2);
  });

  it('is not for another code', () => {
    expect(() => decodeRequest(QUERY_CONSUMER_OFFSET, requestCommand(15, 1, {}, null))).toThrow(/UPDATE_CONSUMER_OFFSET is not QUERY_CONSUMER_OFFSET/);
  });

  it('names the field that is wrong', () => {
    const decode = (extFields: Record<string, string>): unknown => decodeResponse(QUERY_CONSUMER_OFFSET, { ...requestCommand(0, 1, extFields, null), flag: 1 });
    expect(() => decode({})).toThrow('the answer to QUERY_CONSUMER_OFFSET has no offset');
    expect(() => decode({ offset: '12x' })).toThrow('offset of the answer to QUERY_CONSUMER_OFFSET is "12x", which is not an integer below 2^53');
    expect(() => decode({ offset: '9007199254740993' })).toThrow(/2\^53/);
    expect(() => decode({ offset: '' })).toThrow(/has no offset/);
  });
});

describe('configuration as text', () => {
  const tricky = { 'a b': ' x', 'c=d': 'e\\f', 'g:h': 'i\nj', '#k': '中', l: '', m: 'a=b:c # d', 'n\\': '\t' };

  it('is sent as Java reads it', () => {
    const sent = PROPERTIES_REQUEST_BODY.encode(tricky)!;
    expect(sent.toString()).toBe('a\\ b=\\ x\nc\\=d=e\\\\f\ng\\:h=i\\nj\n\\#k=\\u4e2d\nl=\nm=a=b:c # d\nn\\\\=\\t\n');
    expect({ ...PROPERTIES_REQUEST_BODY.decode(sent) }).toEqual(tricky);
  });

  it('is read as Java reads it', () => {
    expect({ ...PROPERTIES_REQUEST_BODY.decode(body('# no\n! no\n\n  a = b\nc:d\ne f\ng\nh=i\\\n   j\\\\\nk=\\u0041\\q\r\nl=\\')) }).toEqual({ a: 'b', c: 'd', e: 'f', g: '', h: 'ij\\', k: 'Aq', l: '' });
  });

  it('is answered without escapes, and read so', () => {
    const text = 'brokerName=b\\a\nfilter=x=y\nempty=\nno value\n';
    expect({ ...PROPERTIES_RESPONSE_BODY.decode(body(text)) }).toEqual({ brokerName: 'b\\a', filter: 'x=y', empty: '' });
    expect(PROPERTIES_RESPONSE_BODY.encode({ a: 'b\\c', d: '' })!.toString()).toBe('a=b\\c\nd=\n');
  });

  it('attributes name what changes', () => {
    expect(attributesText({ 'message.type': 'FIFO', 'cleanup.policy': null })).toBe('+message.type=FIFO,-cleanup.policy');
  });
});

describe('what an answer means', () => {
  const answer = (code: number, remark: string | null) => responseCommand(requestCommand(14, 1, {}, null), code, remark);

  it('is one line of the error table', () => {
    const error = responseError('broker-a (127.0.0.1:10911)', 'QUERY_CONSUMER_OFFSET', answer(RESPONSE_CODE.TOPIC_NOT_EXIST, 'topic[T] not exist, apply first please!\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.'), 'make it');
    expect(error).toBeInstanceOf(MqliteError);
    expect(error.message).toBe('broker-a (127.0.0.1:10911) refused QUERY_CONSUMER_OFFSET: topic[T] not exist, apply first please! (TOPIC_NOT_EXIST)');
    expect([error.code, error.hint]).toEqual(['TOPIC_NOT_FOUND', 'make it']);
    expect(responseError('b', 'X', answer(9999, null)).message).toBe('b refused X: 9999');
    expect(responseError('b', 'X', answer(2, `busy${' '.repeat(1e6)}`)).message).toBe('b refused X: busy (SYSTEM_BUSY)');
  });

  it('has a row for each code, and says which a producer tries again elsewhere', () => {
    for (const code of Object.values(RESPONSE_CODE)) expect(errorCodeOf(code)).toMatch(/^[A-Z_]+$/);
    expect([RESPONSE_CODE.NO_PERMISSION, RESPONSE_CODE.FLUSH_SLAVE_TIMEOUT, RESPONSE_CODE.SYSTEM_BUSY].map(errorCodeOf)).toEqual(['PERMISSION_DENIED', 'NOT_CONFIRMED', 'REFUSED']);
    expect([RESPONSE_CODE.SYSTEM_BUSY, RESPONSE_CODE.MESSAGE_ILLEGAL].map(isRetriedSend)).toEqual([true, false]);
  });
});
