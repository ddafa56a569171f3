import { MqliteError } from '../broker/errors.ts';
import { isGone } from '../broker/gone.ts';
import { queueKey } from '../broker/queue-key.ts';
import type { MessageQueue } from '../broker/types.ts';
import { RESPONSE_CODE } from '../wire/codes.ts';
import type { RemotingCommand } from '../wire/frame.ts';
import type { Cluster } from './cluster.ts';
import { MASTER_ID } from './routes.ts';

/** Which of a broker's replicas each queue is read from: the master, unless it says otherwise or is gone. [PullAPIWrapper#recalculatePullFromWhichNode] */
export class ReadAddresses {
  readonly #cluster: Cluster;
  readonly #suggested = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  suggest(queue: MessageQueue, brokerId: number): void {
    if (brokerId === MASTER_ID) this.#suggested.delete(queueKey(queue));
    else this.#suggested.set(queueKey(queue), brokerId);
  }

  /** Reads from the replica that is suggested, from another when that is gone, or a slave that lets nobody read. Errors: those of the master. */
  async read(queue: MessageQueue, ask: (address: string) => Promise<RemotingCommand>): Promise<{ readonly response: RemotingCommand; readonly address: string }> {
    const addresses = await this.#cluster.addresses(queue.brokerName);
    const suggested = this.#suggested.get(queueKey(queue)) ?? MASTER_ID;
    const ids = [...addresses.keys()].sort((left, right) => Number(left !== suggested) - Number(right !== suggested) || left - right);
    let failure: MqliteError | undefined;
    for (const id of ids) {
      const address = addresses.get(id)!;
      try {
        const response = await ask(address);
        const reason = id === MASTER_ID ? undefined : whyNotRead(response);
        if (reason === undefined) return { response, address };
        failure = new MqliteError('UNREACHABLE', `broker ${queue.brokerName}: the master is away, and its slave at ${address} ${reason.what}`, { hint: reason.hint });
      } catch (error) {
        if (!isGone(error)) throw error;
        failure ??= error;
      }
      this.#suggested.delete(queueKey(queue));
    }
    throw failure!;
  }
}

/** undefined: a slave that can be read from. One without slaveReadEnable says that it is busy [PullMessageProcessor#rejectRequest]; a young one has not heard of every topic. */
const whyNotRead = ({ code, remark }: RemotingCommand): { readonly what: string; readonly hint: string } | undefined => {
  if (code === RESPONSE_CODE.SYSTEM_BUSY && (remark ?? '').startsWith('[REJECTREQUEST]')) {
    return { what: 'lets nobody read', hint: 'Start the master again, or let readers in: slaveReadEnable=true in the slave\'s broker.conf.' };
  }
  const isYoung = code === RESPONSE_CODE.TOPIC_NOT_EXIST || code === RESPONSE_CODE.SUBSCRIPTION_GROUP_NOT_EXIST;
  return isYoung ? { what: 'has not heard of the topic yet', hint: 'A slave learns of topics every 10 s, from its master.' } : undefined;
};
