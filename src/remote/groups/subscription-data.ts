import { filterText } from '../../broker/subscription.ts';
import type { GroupSubscription, MessageModel } from '../../broker/types.ts';
import { retryTopicOf } from '../../broker/retry-topics.ts';
import { compileFilter } from '../../filter/message-filter.ts';
import { parseTagExpression } from '../../filter/tags.ts';
import type { ConsumerConnection } from '../../wire/body/connections.ts';
import type { SubscriptionData } from '../../wire/body/heartbeat.ts';

/** What a heartbeat says of one subscription. Errors: CodecError INVALID_INPUT. [FilterAPI#buildSubscriptionData] */
export const toSubscriptionData = ({ topic, filter }: GroupSubscription, subVersion: number): SubscriptionData => {
  const { expression } = compileFilter(filter ?? { tags: '*' });
  const common = { classFilterMode: false, subVersion, topic };
  if (expression.sql !== undefined) return { ...common, expressionType: 'SQL92', subString: filter!.sql!, codeSet: [], tagsSet: [] };
  const { tags, hashes } = parseTagExpression(expression.tags);
  return { ...common, expressionType: 'TAG', subString: expression.tags, codeSet: [...hashes], tagsSet: [...tags] };
};

/** Java's members subscribe to their group's retries by themselves. [DefaultMQPushConsumerImpl#copySubscription] */
export const retrySubscription = (group: string, subVersion: number): SubscriptionData => toSubscriptionData({ topic: retryTopicOf(group) }, subVersion);

/** As a user reads a filter; `*` for all. */
export const textOfSubscription = ({ expressionType, subString }: SubscriptionData): string => {
  if (expressionType !== 'TAG' && expressionType !== '') return filterText(expressionType === 'SQL92' ? { sql: subString } : undefined).replace(/^\*$/, `${expressionType} ${subString}`);
  return subString.trim() === '' ? '*' : subString;
};

/** Expressions that mean the same are the same, however they are spaced. */
const canonical = (subscription: SubscriptionData): string => textOfSubscription(subscription).replace(/\s*\|\|\s*/g, ' || ').trim();

/**
 * How the group that a broker knows differs from what this member says of itself. A broker keeps one list of subscriptions for all members: the
 * last one's; where they disagree each member's messages are filtered as another asked for, or go to nobody.
 */
export const disagreements = (
  mine: { readonly group: string; readonly messageModel: MessageModel; readonly subscriptions: readonly SubscriptionData[] }, theirs: ConsumerConnection,
): string[] => {
  const found: string[] = [];
  const model = theirs.messageModel?.toLowerCase();
  if (model !== undefined && model !== mine.messageModel) found.push(`group ${mine.group}: other members are ${model}, this one is ${mine.messageModel}`);
  const known = new Map(Object.values(theirs.subscriptionTable).map((subscription) => [subscription.topic, subscription]));
  const isRetry = (topic: string): boolean => topic === retryTopicOf(mine.group);
  for (const subscription of mine.subscriptions) {
    const other = known.get(subscription.topic);
    if (isRetry(subscription.topic)) continue;
    if (other === undefined) found.push(`group ${mine.group}: other members do not read ${subscription.topic}, and get queues of it all the same`);
    else if (canonical(other) !== canonical(subscription)) found.push(`group ${mine.group}: other members filter ${subscription.topic} by "${textOfSubscription(other)}", this one by "${textOfSubscription(subscription)}"`);
  }
  const own = new Set(mine.subscriptions.map(({ topic }) => topic));
  for (const topic of known.keys()) {
    if (!own.has(topic) && !isRetry(topic)) found.push(`group ${mine.group}: other members read ${topic}, this one does not, and gets queues of it all the same`);
  }
  return found;
};
