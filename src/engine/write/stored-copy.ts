import type { StoredMessage } from '../../record/decode.ts';
import { PROPERTY, propertyOf } from '../../record/properties.ts';
import { COMPRESSED } from '../../record/sys-flag.ts';
import { tagsHash } from '../../record/tags.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';

/** What differs from the record that is stored again; everything else (stored body, flag, birth, reconsumeTimes) is kept. */
export interface CopyChanges {
  readonly topic: string;
  readonly queueId: number;
  /** Joined. The record's own when absent. */
  readonly properties?: string | undefined;
  readonly sysFlag?: number | undefined;
  readonly reconsumeTimes?: number | undefined;
  readonly preparedTransactionOffset?: number | undefined;
  /** The level for `placeMessage`. What DELAY says is of the past: a record that was delivered still has it. */
  readonly delayLevel?: number | undefined;
}

/** A stored record on its way into the log again, in another topic: delivered, retried, dead, committed. */
export const copyOf = (message: StoredMessage, changes: CopyChanges): PreparedMessage => {
  const properties = changes.properties ?? message.propertiesText;
  const tags = propertyOf(properties, PROPERTY.TAGS);
  return {
    topic: changes.topic,
    queueId: changes.queueId,
    body: message.storedBody,
    flag: message.flag,
    // The body goes as it is stored: compressed when the record says so.
    sysFlag: (changes.sysFlag ?? message.storedSysFlag) | (message.storedSysFlag & COMPRESSED),
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHostBytes,
    reconsumeTimes: changes.reconsumeTimes ?? message.reconsumeTimes,
    preparedTransactionOffset: changes.preparedTransactionOffset ?? 0,
    properties,
    uniqKey: propertyOf(properties, PROPERTY.UNIQ_KEY),
    keys: propertyOf(properties, PROPERTY.KEYS),
    tags,
    tagsHash: tagsHash(tags),
    delayLevel: changes.delayLevel ?? 0,
    deliverAtMs: 0,
    isHalf: false,
    queueOffset: -1,
    commitLogOffset: -1,
    storeTimestamp: 0,
    error: null,
  };
};
