import { expect, it } from 'vitest';
import { queueKey } from '../../../src/broker/queue-key.ts';

it('a key is that of one queue, whatever its broker is called', () => {
  const queues = [
    { topic: 'T', brokerName: 'rack/T', queueId: 1 }, { topic: 'rack', brokerName: 'T/T', queueId: 1 }, { topic: 'T', brokerName: 'rack', queueId: 11 },
    { topic: 'T', brokerName: 'rack1', queueId: 1 }, { topic: 'T1', brokerName: 'rack', queueId: 1 }, { topic: 'T', brokerName: 'rack 1', queueId: 1 },
  ];
  expect(new Set(queues.map(queueKey)).size).toBe(queues.length);
  expect(queueKey({ queueId: 1, brokerName: 'rack/T', topic: 'T' })).toBe(queueKey(queues[0]!));
});
