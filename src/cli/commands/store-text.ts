import type { CleanReport, RecoverReport, StoreDamage, StoreInfo, VerifyReport } from '../../engine/inspect/store-tools.ts';
import { formatBytes, formatDuration, formatInteger, formatTime, plural } from '../../text/numbers.ts';
import { renderTable } from '../render/table.ts';
import type { TableStyle } from '../render/table.ts';

/** How much has to be read before its speed is shown. */
const SPEED_FROM_BYTES = 16 * 1024 * 1024;

/** A store in lines of `name  value`; with `queues` a table of them too. */
export async function infoText(info: StoreInfo, queues: boolean, style: TableStyle): Promise<string> {
  const { identity, identitySources, commitLog, index, checkpoint } = info;
  const source = (field: keyof typeof identity): string => (identitySources[field] === 'given' ? '' : ` (${identitySources[field]})`);
  const lines: [string, string][] = [
    ['store', info.storeDirectory],
    ['commit log', info.commitLogDirectory],
    ['closed', info.cleanlyClosed ? 'cleanly' : `no: in use, or its last writer died (pid ${info.abortPid ?? 'unknown'})`],
    ['broker', `${identity.brokerName}${source('brokerName')} in cluster ${identity.clusterName}${source('clusterName')}`],
    ['store host', `${identity.storeHost}${source('storeHost')}`],
    ['segments', `${formatInteger(commitLog.segments)} of ${formatBytes(identity.segmentSizeBytes)}${source('segmentSizeBytes')}, ${formatBytes(commitLog.sizeBytes)} in all`],
    ['log offsets', `${commitLog.minOffset} to ${commitLog.dispatchedOffset}`],
    ['stored', commitLog.firstStoreTimestamp === null ? 'nothing yet' : `${formatTime(commitLog.firstStoreTimestamp)} to ${formatTime(commitLog.lastStoreTimestamp)}`],
    ['topics', formatInteger(info.topics)],
    ['queues', `${formatInteger(info.queues.length)} with ${plural(info.messages, 'entry', 'entries')}; files of ${formatBytes(identity.consumeQueueFileSizeBytes)}${source('consumeQueueFileSizeBytes')}`],
    ['index', `${plural(index.files, 'file')}, ${plural(index.keys, 'key')}, ${formatBytes(index.sizeBytes)}; ${formatInteger(identity.indexSlotCount)} slots${source('indexSlotCount')}, ${formatInteger(identity.indexMaxCount)} entries${source('indexMaxCount')} a file`],
    ['checkpoint', checkpoint.case === 'ok' ? `log ${formatTime(checkpoint.physicMsgTimestamp)}, queues ${formatTime(checkpoint.logicsMsgTimestamp)}` : checkpoint.case],
    ['delay levels', `${identity.messageDelayLevel}${source('messageDelayLevel')}`],
    ['property CRC', `${identity.propertyCrc ? 'yes' : 'no'}${source('propertyCrc')}`],
  ];
  const text = `${lines.map(([name, value]) => `${name.padEnd(12)}  ${value}`).join('\n')}\n`;
  if (!queues) return text;
  const columns = [{ title: 'TOPIC' }, { title: 'QUEUE', align: 'right' }, { title: 'FAMILY' }, { title: 'FIRST', align: 'right' }, { title: 'END', align: 'right' }, { title: 'FILES', align: 'right' }] as const;
  return `${text}\n${await renderTable(columns, info.queues.map((queue) => [queue.topic, queue.queueId, queue.family, queue.firstOffset, queue.endOffset, queue.files]), style)}`;
}

/** `FILE at POSITION: reason`, and the queue it concerns. */
export function damageText(damage: StoreDamage): string {
  const queue = damage.queue === null ? '' : ` (topic ${damage.queue.topic}, queue ${damage.queue.queueId}${damage.queueOffset === null ? '' : `, offset ${damage.queueOffset}`})`;
  return `${damage.file} at ${damage.position}: ${damage.reason}${queue}`;
}

export function verifyText(report: VerifyReport, tookMs: number): string {
  const lines = report.damage.map((damage) => `damage: ${damageText(damage)}`);
  const hidden = report.damageCount - report.damage.length;
  if (hidden > 0) lines.push(`damage: ${plural(hidden, 'more place')} not shown`);
  // A speed over a few records says nothing.
  const speed = tookMs > 0 && report.bytes >= SPEED_FROM_BYTES ? `, ${formatBytes(Math.round((report.bytes / tookMs) * 1000))}/s` : '';
  lines.push(
    `${report.ok ? 'sound' : `${plural(report.damageCount, 'damaged place')}`}: ${plural(report.records, 'record')} in ${plural(report.segments, 'segment')} (${formatBytes(report.bytes)}), `
    + `${plural(report.queueEntries, 'entry', 'entries')} in ${plural(report.queues, 'queue')}, ${plural(report.indexEntries, 'index entry', 'index entries')}; ${formatDuration(tookMs)}${speed}`,
  );
  return `${lines.join('\n')}\n`;
}

export function recoverText(report: RecoverReport): string {
  const { actions, dryRun, ok } = report;
  const verb = dryRun ? 'would' : 'done:';
  const lines = actions.map((action) => `${verb} ${action.action}: ${action.detail}; ${action.file} at ${action.position}, ${plural(action.sizeBytes, 'byte')}`);
  if (actions.length === 0) lines.push('nothing to recover');
  else if (dryRun) lines.push(`${plural(actions.length, 'step')}; nothing was changed`);
  else lines.push(`${plural(actions.length, 'step')}; ${ok ? 'the store verifies without damage' : 'the store is still damaged'}; replaced bytes are in ${report.quarantineDirectory}`);
  return `${lines.join('\n')}\n`;
}

export function cleanText(report: CleanReport): string {
  const verb = report.dryRun ? 'would remove' : 'removed';
  const lines = report.files.map((file) => `${verb} ${file.file} (${formatBytes(file.sizeBytes)}): ${file.reason}`);
  lines.push(report.files.length === 0 ? 'nothing has expired' : `${verb} ${plural(report.files.length, 'file')}, ${formatBytes(report.sizeBytes)}; the log begins at ${report.minOffset}`);
  return `${lines.join('\n')}\n`;
}
