/**
 * A message checked and joined, ready to be stored or sent. The embedded engine fills in where it went; topic, queue and properties may still
 * change under its write lock: what is to come later is stored in a system topic first.
 */
export interface PreparedMessage {
  topic: string;
  queueId: number;
  readonly body: Uint8Array;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: Buffer;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  properties: string;
  readonly uniqKey: string | null;
  readonly keys: string | null;
  readonly tags: string | null;
  readonly tagsHash: number;
  /** DELAY of the properties; 0 without. */
  delayLevel: number;
  /** When a timer message is to be delivered, ms since the epoch; 0: it is none. */
  deliverAtMs: number;
  /** A transactional send, which becomes a half message first. */
  readonly isHalf: boolean;
  queueOffset: number;
  commitLogOffset: number;
  storeTimestamp: number;
  /** Why this one was left out; null when it was stored. */
  error: Error | null;
}
