import { int32, object, text } from '../json/codec.ts';
import type { JsonOf } from '../json/codec.ts';

/** {"brokerName","queueId","topic"}; also the key of maps by queue. [MessageQueue] */
export const MESSAGE_QUEUE = object({ brokerName: text, queueId: int32, topic: text });
export type MessageQueueBody = JsonOf<typeof MESSAGE_QUEUE>;
