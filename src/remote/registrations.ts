import type { ClusterInfo } from '../wire/body/route.ts';
import { MASTER_ID } from './routes.ts';

/**
 * What changed among the registered brokers, a line each, by broker name. A name server forgets a broker the moment its connection breaks: from then on
 * only who saw it before can tell that something is missing.
 */
export const registrationChanges = (before: ClusterInfo, now: ClusterInfo): string[] => {
  const names = [...new Set([...Object.keys(before.brokerAddrTable), ...Object.keys(now.brokerAddrTable)])].sort();
  return names.flatMap((name) => changeOf(name, standing(before, name), standing(now, name)) ?? []);
};

type Standing = 'absent' | 'slaves only' | 'master';

const standing = ({ brokerAddrTable }: ClusterInfo, name: string): Standing => {
  const addresses = brokerAddrTable[name]?.brokerAddrs;
  if (addresses === undefined || addresses.size === 0) return 'absent';
  return addresses.has(MASTER_ID) ? 'master' : 'slaves only';
};

const changeOf = (name: string, before: Standing, now: Standing): string | null => {
  if (before === now) return null;
  if (now === 'absent') return `broker ${name} is not registered any more: its queues are left out until it is back`;
  if (now === 'slaves only') return `broker ${name} has no master any more: its slaves can be read from`;
  return before === 'absent' ? `broker ${name} is registered` : `broker ${name} has a master again`;
};
