import type { ContractExceptions } from '../../contract/broker-contract.ts';

/** Tests of the contract that count what lies in the log, in its index or in system topics. */
export const NEEDS_FRESH_CLUSTER: ReadonlySet<string> = new Set([
  // readLog
  'walks every record of every topic, in the order of the log', 'starts at the end, at an offset, at the last ones, at a time', 'ends at once on an empty log',
  // delayed messages
  'delayProgress tells what of the system topics still waits',
  // sending back
  'keeps a retry until its delay is over, with everything that the record had', 'comes again after its delay, and only then',
  'waits longer each time, and keeps where a message first came from', 'buries a message that came back often enough, once',
  'takes the maximum and the number of retry queues from the group',
]);

/** What a real broker does otherwise, or does not tell. */
const CLUSTER_EXCEPTIONS: ContractExceptions = {
  'stores in order, one outcome each, round the queues': 'messages for several queues are stored in any order among each other: each queue has its own way through the broker',
  'made smaller, still shows the queues that hold messages': 'a broker gives no queue out beyond the number of queues to read',
  'deliverAtMs: in order of time, those of one second too': 'a broker delivers what is due within one second in any order',
  'a topic\'s queues go only to those who read it': 'RocketMQ\'s members share out a topic among all members of the group, and a member of mqlite does as they do',
  'have the queues of the group\'s retries, once there are any': 'a broker makes the retry topic with the group, so that it cannot be made by hand',
  'must agree: on filters, on how queues are shared out, on order, on the queue, on the model; both are named': 'a cluster\'s members with other filters are named in a warning, not refused: they change one after the other',
  'an answered check is counted, in a new copy of the half or in the message': 'a broker counts the checks that it makes itself, at its own times, whatever is answered',
  'gives up after so many answers, and keeps the message': 'a broker gives up after transactionCheckMax of its own checks',
  'checks again and again until it is told to stop': 'when a broker asks is up to its transactionCheckInterval; remote-transactions.test.ts has it asking',
};

/** Of a release alone. */
const OF_RELEASE: Readonly<Record<string, ContractExceptions>> = {
  '5.3.3': {
    'a half message is nobody\'s before it is committed, and then there with everything it had': 'it writes a half\'s properties down before it takes REAL_TOPIC and REAL_QID out, so that they stay',
  },
};

export const clusterExceptions = (version: string): ContractExceptions => ({ ...CLUSTER_EXCEPTIONS, ...OF_RELEASE[version] });
