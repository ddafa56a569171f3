import type { Broker } from '../../broker/broker.ts';
import type { BrokerInfo, ClusterAdmin } from '../../broker/cluster-admin.ts';
import { MqliteError } from '../../broker/errors.ts';
import { suggestion } from '../did-you-mean.ts';
import { escapeControl } from '../../text/escape.ts';
import { formatBytes, formatTime } from '../../text/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';
import type { Target } from '../target.ts';

export interface BrokerListJson {
  readonly brokers: readonly BrokerInfo[];
  readonly truncated: false;
}

/** Error: USAGE on a store directory, before anything is opened. */
export function requireClusterTarget(target: Target, command: string): void {
  if (target.kind === 'remote') return;
  throw new MqliteError('USAGE', `"${command}" works on a cluster, not on a store directory (${target.directory})`, { hint: 'Name the cluster with --namesrv HOST:PORT.' });
}

export function clusterOf(broker: Broker): ClusterAdmin {
  if (broker.cluster !== null) return broker.cluster;
  throw new MqliteError('UNSUPPORTED', `${broker.target} is no cluster`);
}

/** `NAME` (its master, or its only broker), `NAME:ID` or `HOST:PORT`. Error: NOT_FOUND with the names that are near. */
export function findBroker(brokers: readonly BrokerInfo[], text: string): BrokerInfo {
  const named = brokers.filter(({ brokerName }) => brokerName === text);
  const found = named.find(({ brokerId }) => brokerId === 0) ?? named[0]
    ?? brokers.find(({ brokerName, brokerId, address }) => address === text || `${brokerName}:${brokerId}` === text);
  if (found !== undefined) return found;
  const names = [...new Set(brokers.map(({ brokerName }) => brokerName))];
  throw new MqliteError('NOT_FOUND', `there is no broker "${text}"`, { hint: suggestion(text, names) ?? `There are: ${names.join(', ')}; see "mqlite cluster list".` });
}

export function brokerTable(brokers: readonly BrokerInfo[], style: TableStyle): Promise<string> {
  const columns = [
    { title: 'CLUSTER' }, { title: 'BROKER' }, { title: 'ID', align: 'right' }, { title: 'ADDRESS' }, { title: 'VERSION' },
    { title: 'IN/S', align: 'right' }, { title: 'OUT/S', align: 'right' }, { title: 'LOG', align: 'right' }, { title: 'DISK', align: 'right' }, { title: 'UP SINCE' },
  ] as const;
  return renderTable(columns, brokers.map((broker) => {
    const { stats } = broker;
    const place = [broker.clusterName, broker.brokerName, broker.brokerId, broker.address];
    if (stats === null) return [...place, 'no answer', '-', '-', '-', '-', '-'];
    return [
      ...place, stats.version ?? 'unknown', rate(stats.messagesInPerSecond), rate(stats.messagesOutPerSecond), logSize(broker) ?? 'unknown',
      stats.diskUsedRatio === null ? 'unknown' : `${Math.round(stats.diskUsedRatio * 100)} %`, stats.bootTimestamp === null ? 'unknown' : formatTime(stats.bootTimestamp),
    ];
  }), style);
}

/** What is said of one broker on a page of its own. */
export function brokerText(broker: BrokerInfo, isTerminal: boolean): string {
  const { stats } = broker;
  const fields: [string, string][] = [
    ['broker', `${broker.brokerName}, id ${broker.brokerId} (${broker.brokerId === 0 ? 'master' : 'slave'})`],
    ['cluster', broker.clusterName], ['address', broker.address],
  ];
  if (stats !== null) {
    fields.push(
      ['version', stats.version ?? 'unknown'],
      ['up since', stats.bootTimestamp === null ? 'unknown' : formatTime(stats.bootTimestamp)],
      ['messages in', `${rate(stats.messagesInPerSecond)} a second`],
      ['messages out', `${rate(stats.messagesOutPerSecond)} a second`],
      ['commit log', `${logSize(broker) ?? 'unknown'}, disk ${stats.diskUsedRatio === null ? 'unknown' : `${Math.round(stats.diskUsedRatio * 100)} % full`}`],
      ['oldest message', stats.earliestStoreTimestamp === null ? 'unknown' : formatTime(stats.earliestStoreTimestamp)],
      ['not dispatched', stats.dispatchBehindBytes === null ? 'unknown' : formatBytes(stats.dispatchBehindBytes)],
      ...Object.entries(stats.properties).sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, value]): [string, string] => [`  ${name}`, value]),
    );
  }
  const shown = isTerminal ? escapeControl : (text: string): string => text;
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${shown(name).padEnd(width)}  ${shown(value)}\n`).join('');
}

/** Error: VERDICT when one did not answer: what was shown is not all. */
export function requireAnswers(brokers: readonly BrokerInfo[]): void {
  const silent = brokers.filter(({ problem }) => problem !== null);
  const [first] = silent;
  if (first === undefined) return;
  throw new MqliteError('VERDICT', `${silent.length} of ${brokers.length} brokers did not answer: ${silent.map(({ brokerName, brokerId }) => `${brokerName}:${brokerId}`).join(', ')}; ${first.problem}`, {
    hint: 'A broker that is gone is forgotten by the name server after 2 minutes.',
  });
}

const rate = (perSecond: number | null): string => (perSecond === null ? 'unknown' : perSecond >= 100 ? String(Math.round(perSecond)) : String(Math.round(perSecond * 10) / 10));

/** A log that ends at 0 is empty; a broker without a file of it has no first offset then (-1) [MappedFileQueue#getMinOffset]. */
const logSize = ({ stats }: BrokerInfo): string | null => {
  if (stats === null || stats.commitLogMaxOffset === null) return null;
  if (stats.commitLogMaxOffset === 0) return formatBytes(0);
  return stats.commitLogMinOffset === null ? null : formatBytes(stats.commitLogMaxOffset - stats.commitLogMinOffset);
};
