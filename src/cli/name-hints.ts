import type { Broker } from '../broker/broker.ts';
import { MqliteError } from '../broker/errors.ts';
import { suggestion } from './did-you-mean.ts';

/** Runs `action`; a topic or group it does not find is answered with the nearest names there are. `typed`: the names the user gave. */
export async function withNameHints<T>(broker: Broker, typed: readonly string[], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw await hinted(broker, typed, error);
  }
}

async function hinted(broker: Broker, typed: readonly string[], error: unknown): Promise<unknown> {
  if (!(error instanceof MqliteError) || (error.code !== 'TOPIC_NOT_FOUND' && error.code !== 'GROUP_NOT_FOUND')) return error;
  const topics = error.code === 'TOPIC_NOT_FOUND';
  const known = topics ? await topicNames(broker) : (await broker.listGroups()).map((group) => group.group);
  const name = typed.find((candidate) => error.message.includes(candidate) && !known.includes(candidate)) ?? typed.find((candidate) => !known.includes(candidate));
  const near = name === undefined ? undefined : suggestion(name, known);
  const hint = near ?? error.hint ?? `List them with "mqlite ${topics ? 'topics' : 'groups'} list".`;
  return new MqliteError(error.code, error.message, { hint, cause: error });
}

/** Names of all topics, the system's last. */
export async function topicNames(broker: Broker): Promise<string[]> {
  const topics = await broker.listTopics();
  return [...topics.filter((topic) => !topic.system), ...topics.filter((topic) => topic.system)].map((topic) => topic.topic);
}
