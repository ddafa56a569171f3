import { isGone } from '../../broker/gone.ts';
import { queueKey } from '../../broker/queue-key.ts';
import type { MessageQueue } from '../../broker/types.ts';
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from '../../wire/requests/lock.ts';
import type { Cluster } from '../cluster.ts';
import type { RemotingClient } from '../remoting-client.ts';
import { byBroker } from './by-broker.ts';

/** A broker keeps a lock for 60 s, if nobody renews it. [ConsumeMessageOrderlyService: rocketmq.client.rebalance.lockInterval] */
export const RENEW_LOCKS_MS = 20_000;
const UNLOCK_TIMEOUT_MS = 1000;

/** What the brokers said of their queues' locks; those of brokers that did not answer are in neither. */
export interface LockAnswers {
  /** Keys of queues that are this member's for the next 60 s. */
  readonly locked: ReadonlySet<string>;
  /** Keys of queues that are another's. */
  readonly refused: ReadonlySet<string>;
}

/** Locks of queues that are consumed in order: the master of each has them. [RebalanceImpl#lock, #lockAll] */
export class QueueLocks {
  readonly #cluster: Cluster;
  readonly #client: RemotingClient;
  readonly #owner: { readonly consumerGroup: string; readonly clientId: string };

  constructor(cluster: Cluster, client: RemotingClient, group: string, clientId: string) {
    this.#cluster = cluster;
    this.#client = client;
    this.#owner = { consumerGroup: group, clientId };
  }

  /** Takes or renews. Errors: what a broker refuses for another reason than another owner. */
  async lock(queues: readonly MessageQueue[]): Promise<LockAnswers> {
    const locked = new Set<string>();
    const refused = new Set<string>();
    await Promise.all([...byBroker(queues)].map(async ([brokerName, mqSet]) => {
      try {
        const { body } = await this.#client.call(await this.#cluster.masterAddress(brokerName), LOCK_BATCH_MQ, { bname: brokerName }, { ...this.#owner, mqSet, onlyThisBroker: false });
        const mine = new Set(body.lockOKMQSet.map(queueKey));
        for (const queue of mqSet) (mine.has(queueKey(queue)) ? locked : refused).add(queueKey(queue));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }));
    return { locked, refused };
  }

  /** Lets others have them. A broker that does not hear of it does so in 60 s. */
  async unlock(queues: readonly MessageQueue[]): Promise<void> {
    await Promise.allSettled([...byBroker(queues)].map(async ([brokerName, mqSet]) =>
      this.#client.call(await this.#cluster.masterAddress(brokerName), UNLOCK_BATCH_MQ, { bname: brokerName }, { ...this.#owner, mqSet, onlyThisBroker: false }, { timeoutMs: UNLOCK_TIMEOUT_MS })));
  }
}
