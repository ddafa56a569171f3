import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Broker } from '../../broker/broker.ts';
import { selectGroups, selectTopics } from '../../client/listing.ts';
import type { Lookups, Name } from '../../shell/complete.ts';
import { expandHome } from '../../text/home-path.ts';
import type { BrokerFactory } from '../host.ts';
import { loadProfiles } from '../profiles.ts';
import type { Target } from '../target.ts';
import { targetOfFlags } from './shell-target.ts';
import type { GivenFlags, TargetPlaces } from './shell-target.ts';

export interface LookupOptions extends TargetPlaces {
  readonly openBroker: BrokerFactory;
  readonly clock: Clock;
}

/** So many of the newest messages of each queue are looked at for their tags. */
const TAG_MESSAGES = 64;
const MAX_FILES = 2000;

/** What completion asks for; opened for reading, closed behind every question, and silent. `flags`: those of the line, which may name a target. */
export function createLookups(options: LookupOptions, flags: GivenFlags): Lookups {
  const { env, configDirectory } = options;
  const ask = async (question: (broker: Broker) => Promise<Name[]>): Promise<Name[]> => {
    const broker = await openForLooking(options, targetOfFlags(flags, options));
    try {
      return await question(broker);
    } finally {
      await broker.close();
    }
  };
  return {
    topics: () => ask(async (broker) => {
      const topics = await broker.listTopics();
      const shown = new Set(selectTopics(topics, { all: false, system: false }));
      return topics.map((topic) => ({ name: topic.topic, isSystem: !shown.has(topic) }));
    }),
    groups: () => ask(async (broker) => {
      const groups = await broker.listGroups();
      const shown = new Set(selectGroups(groups, false));
      return groups.map((group) => ({ name: group.group, isSystem: !shown.has(group) }));
    }),
    tags: (topic) => ask((broker) => tagsOf(broker, topic)),
    profiles: async () => Object.entries(loadProfiles(configDirectory).profiles).map(([name, { store, namesrv }]) => ({ name, description: store ?? namesrv })),
    settings: async () => {
      const { SETTINGS } = await import('../settings-table.ts');
      return SETTINGS.filter(({ here }) => 'applied' in here).map(({ name, meaning }) => ({ name, description: meaning }));
    },
    files: async (prefix, onlyDirectories) => filesOf(prefix, onlyDirectories, env['HOME']),
  };
}

function openForLooking({ openBroker, clock, dataDirectory, env }: LookupOptions, target: Target): Promise<Broker> {
  return openBroker({ target, mode: 'read', create: false, lockTimeoutMs: 0, flush: undefined, readOnly: true, clock, dataDirectory, env, onNotice: () => undefined });
}

async function tagsOf(broker: Broker, topic: string): Promise<Name[]> {
  const tags = new Set<string>();
  for (const queue of await broker.queues(topic)) {
    const [min, max] = await Promise.all([broker.minOffset(queue), broker.maxOffset(queue)]);
    if (max <= min) continue;
    const { messages } = await broker.pull({ queue, offset: Math.max(min, max - TAG_MESSAGES), maxMessages: TAG_MESSAGES });
    for (const message of messages) if (message.tags !== null && message.tags !== '') tags.add(message.tags);
  }
  return [...tags].map((name) => ({ name }));
}

/** What begins with `prefix` in the directory that it names; hidden files when their dot is typed. */
function filesOf(prefix: string, onlyDirectories: boolean, home: string | undefined): string[] {
  const slash = prefix.lastIndexOf('/') + 1;
  const written = prefix.slice(0, slash);
  const begun = prefix.slice(slash);
  const directory = written === '' ? '.' : expandHome(written, home);
  const names = readdirSync(directory).filter((name) => name.startsWith(begun) && (begun !== '' || !name.startsWith('.'))).slice(0, MAX_FILES);
  return names.flatMap((name) => {
    const isDirectory = statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory() === true;
    return isDirectory ? [`${written}${name}/`] : onlyDirectories ? [] : [written + name];
  });
}
