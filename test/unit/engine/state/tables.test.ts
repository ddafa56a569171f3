import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../src/engine/files/node-file-system.ts';
import { parseBrokerJson } from '../../../../src/engine/state/broker-json.ts';
import type { JsonObject } from '../../../../src/engine/state/broker-json.ts';
import {
  commitOffsets, committedOffset, mergeOffsets, offsetsOfGroup, removeGroupOffsets, removeTopicOffsets,
} from '../../../../src/engine/state/consumer-offsets.ts';
import { mergeDelayOffsets, readDelayOffsets } from '../../../../src/engine/state/delay-offsets.ts';
import { DeletedTopics } from '../../../../src/engine/state/deleted-topics.ts';
import { OffsetResets } from '../../../../src/engine/state/offset-resets.ts';
import { createGroup, getGroup, listGroups, removeGroup } from '../../../../src/engine/state/subscription-groups.ts';
import {
  isSendAllowed, isSystemGroup, isSystemTopic, validateGroupName, validateTopicName,
} from '../../../../src/broker/names.ts';
import { alterTopic, createTopic, getTopic, listTopics, mergeTopics, removeTopic } from '../../../../src/engine/state/topics.ts';
import { temporaryDirectory } from '../../../support/fixtures.ts';

const NAMES = { brokerName: 'broker-a', clusterName: 'DefaultCluster' };
const parse = (text: string): JsonObject => parseBrokerJson(text) as JsonObject;
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

describe('names', () => {
  it.each(['a', 'a|b', '%LMQ%x', 'A-_9', 'x'.repeat(127), `%RETRY%${'g'.repeat(248)}`, '__proto__'])('%s is a topic', (name) => {
    expect(() => validateTopicName(name)).not.toThrow();
  });

  it.each([
    ['', 'the topic name is empty'],
    ['a b', "illegal character ' ' (U+0020) at position 2"],
    ['..', "illegal character '.' (U+002E) at position 1"],
    ['a/b', "illegal character '/' (U+002F) at position 2"],
    ['ab\u001b[0m', 'illegal character U+001B at position 3'],
    ['名', 'illegal character U+540D at position 1'],
    ['a😀b!', 'illegal character U+1F600 at position 2'],
    ['x'.repeat(128), 'has 128 characters, at most 127'],
    [`%DLQ%${'g'.repeat(251)}`, 'has 256 characters, at most 255'],
  ])('%j is not a topic', (name, message) => {
    expect(() => validateTopicName(name)).toThrow(message);
    expect(codeOf(() => validateTopicName(name))).toBe('INVALID_INPUT');
  });

  it('groups are shorter', () => {
    expect(() => validateGroupName('g'.repeat(120))).not.toThrow();
    expect(() => validateGroupName('g'.repeat(121))).toThrow('the group name has 121 characters, at most 120');
  });

  it('knows what is RocketMQ\'s own', () => {
    for (const topic of ['TBW102', 'rmq_sys_wheel_timer', 'broker-a', 'DefaultCluster', 'DefaultCluster_REPLY_TOPIC']) {
      expect(isSystemTopic(topic, NAMES)).toBe(true);
    }
    for (const topic of ['Orders', 'broker-b', '%RETRY%g', 'RMQ_SYS_X']) expect(isSystemTopic(topic, NAMES)).toBe(false);
    expect([isSendAllowed('SCHEDULE_TOPIC_XXXX'), isSendAllowed('BenchmarkTest')]).toEqual([false, true]);
    expect([isSystemGroup('CID_RMQ_SYS_X'), isSystemGroup('TOOLS_CONSUMER'), isSystemGroup('g')]).toEqual([true, true, false]);
  });
});

describe('topics', () => {
  it('creates with 4 queues and the entry a broker writes', () => {
    const root = parse('{}');
    expect(createTopic(root, 'constructor', {}, NAMES, 9)).toMatchObject({ readQueueNums: 4, writeQueueNums: 4, perm: 6, system: false });
    expect(root['topicConfigTable']).toEqual({
      constructor: {
        attributes: {}, order: false, perm: 6, readQueueNums: 4, topicFilterType: 'SINGLE_TAG',
        topicName: 'constructor', topicSysFlag: 0, writeQueueNums: 4,
      },
    });
    expect(root['dataVersion']).toEqual({ counter: 1, stateVersion: 0, timestamp: 9 });
    const attributes = { 'message.type': 'FIFO' };
    expect(createTopic(root, 'b', { writeQueueNums: 2, attributes }, NAMES, 9)).toMatchObject({ readQueueNums: 2, attributes });
  });

  it('refuses what a broker would not take', () => {
    const root = parse('{}');
    createTopic(root, 'a', {}, NAMES, 1);
    const before = JSON.stringify(root);
    expect(codeOf(() => createTopic(root, 'a', {}, NAMES, 1))).toBe('REFUSED');
    expect(codeOf(() => createTopic(root, 'TBW102', {}, NAMES, 1))).toBe('REFUSED');
    expect(codeOf(() => createTopic(root, 'b', { readQueueNums: 0 }, NAMES, 1))).toBe('INVALID_INPUT');
    expect(codeOf(() => createTopic(root, 'b', { perm: 8 }, NAMES, 1))).toBe('INVALID_INPUT');
    expect(codeOf(() => createTopic(root, 'b', { attributes: { color: 'red' } }, NAMES, 1))).toBe('INVALID_INPUT');
    expect(codeOf(() => createTopic(root, 'b', { attributes: { 'queue.type': 'BatchCQ' } }, NAMES, 1))).toBe('UNSUPPORTED');
    expect(codeOf(() => alterTopic(root, 'a', { attributes: { 'cleanup.policy': 'COMPACTION' } }, NAMES, 1))).toBe('REFUSED');
    expect(codeOf(() => alterTopic(root, 'a', { writeQueueNums: 1.5 }, NAMES, 1))).toBe('INVALID_INPUT');
    expect(codeOf(() => alterTopic(root, 'none', {}, NAMES, 1))).toBe('TOPIC_NOT_FOUND');
    expect(codeOf(() => removeTopic(root, 'none', NAMES, 1))).toBe('TOPIC_NOT_FOUND');
    expect(codeOf(() => removeTopic(root, 'BenchmarkTest', NAMES, 1))).toBe('REFUSED');
    expect(JSON.stringify(root)).toBe(before);
  });

  it('alters one field and keeps unknown ones; missing fields have RocketMQ\'s class defaults', () => {
    const root = parse('{"topicConfigTable":{"a":{"topicName":"a","future":[1],"attributes":{"reserve.time":"5"}}}}');
    expect(getTopic(root, 'a', NAMES)).toMatchObject({ readQueueNums: 16, writeQueueNums: 16, perm: 6 });
    alterTopic(root, 'a', { writeQueueNums: 2, attributes: { 'reserve.time': null } }, NAMES, 1);
    expect(root['topicConfigTable']).toEqual({ a: { topicName: 'a', future: [1], attributes: {}, writeQueueNums: 2 } });
    expect(alterTopic(root, 'TBW102', { perm: 6 }, NAMES, 1)).toMatchObject({ readQueueNums: 8, perm: 6, system: true });
    removeTopic(root, 'a', NAMES, 1);
    expect(listTopics(root, NAMES).some(({ topic }) => topic === 'a')).toBe(false);
  });

  it('merge: what a broker with older memory wrote takes no topic of ours away', () => {
    const ours = parse('{"dataVersion":{"counter":5},"topicConfigTable":{"a":{"perm":6},"b":{"perm":6}}}');
    const older = parse('{"dataVersion":{"counter":4},"x":1,"topicConfigTable":{"a":{"perm":2},"c":{}}}');
    expect(mergeTopics(ours, older, () => false)).toEqual({
      dataVersion: { counter: 5 }, x: 1, topicConfigTable: { a: { perm: 6 }, b: { perm: 6 }, c: {} },
    });
    const newer = parse('{"dataVersion":{"counter":6},"topicConfigTable":{"a":{"perm":2}}}');
    expect(mergeTopics(ours, newer, () => false)).toEqual({ dataVersion: { counter: 6 }, topicConfigTable: { a: { perm: 2 }, b: { perm: 6 } } });
  });
});

describe('groups', () => {
  it('creates with RocketMQ\'s defaults, lists built-in ones, deletes with the forbidden topics', () => {
    const root = parse('{"forbiddenTable":{"g":{"t":1}}}');
    expect(createGroup(root, 'g', { retryMaxTimes: 3, consumeEnable: undefined }, 1)).toMatchObject({
      retryMaxTimes: 3, consumeEnable: true, configured: true,
    });
    expect(listGroups(root).filter((group) => !group.system).map(({ group }) => group)).toEqual(['g']);
    expect(getGroup(root, 'TOOLS_CONSUMER')).toMatchObject({ system: true });
    expect(codeOf(() => createGroup(root, 'g', {}, 1))).toBe('REFUSED');
    expect(codeOf(() => createGroup(root, 'h', { retryQueueNums: -1 }, 1))).toBe('INVALID_INPUT');
    expect(codeOf(() => removeGroup(root, 'CID_RMQ_SYS_TRANS', 1))).toBe('REFUSED');
    expect(codeOf(() => removeGroup(root, 'nobody', 1))).toBe('GROUP_NOT_FOUND');
    removeGroup(root, 'g', 1);
    expect(root).toMatchObject({ forbiddenTable: {}, subscriptionGroupTable: {} });
  });
});

describe('consumer offsets', () => {
  const TABLE = '{"offsetTable":{"a@g":{0:5,1:7},"a@h":{0:1},"odd":{0:1},"x@y@z":{0:3}},' +
    '"pullOffsetTable":{"a@g":{0:9}},"keep":{"z":9007199254740993}}';

  it('commits the given queues only', () => {
    const root = parse(TABLE);
    commitOffsets(root, 'g', [{ topic: 'a', queueId: 1, offset: 2 }, { topic: 'b', queueId: 0, offset: 1 }], 3);
    const rows = offsetsOfGroup(root, 'g').map(({ topic, queueId, offset }) => [topic, queueId, offset]);
    expect(rows).toEqual([['a', 0, 5], ['a', 1, 2], ['b', 0, 1]]);
    expect(committedOffset(root, 'g', 'a', 2)).toBeNull();
    expect(committedOffset(root, 'nobody', 'a', 0)).toBeNull();
    const unchanged = parse(TABLE);
    commitOffsets(unchanged, 'g', [{ topic: 'a', queueId: 0, offset: 5 }], 3);
    expect(unchanged).toEqual(parse(TABLE));
  });

  it('deletes a group\'s or a topic\'s, in both tables', () => {
    const group = parse(TABLE);
    removeGroupOffsets(group, 'g', 1);
    expect([Object.keys(group['offsetTable'] as JsonObject), group['pullOffsetTable']]).toEqual([['a@h', 'odd', 'x@y@z'], {}]);
    const topic = parse(TABLE);
    removeTopicOffsets(topic, 'a', 1);
    expect(Object.keys(topic['offsetTable'] as JsonObject)).toEqual(['odd', 'x@y@z']);
  });

  it('merge: nothing known to us is lost or taken back, what is further stays, what was reset is obsolete', () => {
    const ours = parse('{"offsetTable":{"a@g":{0:5,1:7,2:9},"b@g":{0:3}}}');
    const onDisk = parse('{"offsetTable":{"a@g":{0:4,1:8,2:2},"c@g":{0:1}},"new":1}');
    expect(mergeOffsets(ours, onDisk, (topic, group, queueId) => topic === 'a' && group === 'g' && queueId === 2)).toEqual({
      offsetTable: { 'a@g': { 0: 5, 1: 8, 2: 2 }, 'b@g': { 0: 3 }, 'c@g': { 0: 1 } }, new: 1,
    });
    expect(mergeOffsets(ours, parse('{}'), () => true)).toEqual({});
  });
});

it('delay offsets only move forward and are never removed', () => {
  const root = parse('{"offsetTable":{1:5,2:3}}');
  mergeDelayOffsets(root, new Map([[1, 4], [2, 6], [3, 0]]), 1);
  expect([...readDelayOffsets(root)]).toEqual([[1, 5], [2, 6], [3, 0]]);
  expect(root['dataVersion']).toMatchObject({ counter: 1 });
});

describe('files of ours', () => {
  it('deleted topics: recorded, never taken back, forgotten when the log has moved past', () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'deleted-topics.json');
    const topics = new DeletedTopics(nodeFileSystem, file, directory);
    expect(topics.load().size).toBe(0);
    topics.add('a', 100);
    topics.add('a', 50);
    topics.add('b', 10);
    expect([...new DeletedTopics(nodeFileSystem, file, directory).load()]).toEqual([['a', 100], ['b', 10]]);
    topics.forgetBelow(10);
    expect([...topics.load()]).toEqual([['a', 100]]);
    fs.writeFileSync(file, '{');
    expect(() => topics.load()).toThrow('expected a key');
  });

  it('offset resets: a generation each, and those since one', () => {
    const directory = temporaryDirectory();
    const resets = new OffsetResets(nodeFileSystem, path.join(directory, 'offset-resets.json'), directory);
    expect(resets.generation()).toBe(0);
    expect(resets.record('g', [{ topic: 'a', queueId: 0, offset: 4 }, { topic: 'a', queueId: 1, offset: 5 }])).toBe(1);
    expect(resets.record('g', [{ topic: 'a', queueId: 1, offset: 0 }])).toBe(2);
    expect(resets.record('h', [{ topic: 'a', queueId: 1, offset: 8 }])).toBe(3);
    expect(resets.since('g', 0)).toEqual([{ topic: 'a', queueId: 0, offset: 4 }, { topic: 'a', queueId: 1, offset: 0 }]);
    expect(resets.since('g', 1)).toEqual([{ topic: 'a', queueId: 1, offset: 0 }]);
    expect(resets.generation()).toBe(3);
  });
});
