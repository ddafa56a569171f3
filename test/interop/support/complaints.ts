import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Logs in which a broker speaks about its data. */
const DATA_LOGS = /^(broker|broker_default|store|storeerror)\.log$/;

const TIME_LENGTH = 'yyyy-MM-dd HH:mm:ss'.length;
const LINE = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} +(?<level>TRACE|DEBUG|INFO|WARN|ERROR) (?<rest>.*)$/;

/** WARN and ERROR lines that a broker prints on a healthy directory too: plug-ins that are not there, its own shutdown, clients. */
const HARMLESS: readonly RegExp[] = [
  /No resource file with name \[META-INF\/service\//,
  /Load default (HA Service|transaction message hook service|discard message hook service)/,
  /interrupted, (possibly by shutdown|this may caused by shutdown)/,
  /the topic \S+ not exist, producer: /,
  // Where the log ends its preallocated file is zeros.
  /found a illegal magic code 0x0$/,
  // BrokerMain wakes these threads at shutdown.
  /NettyEventExecutor service has exception/,
  // 5.3.3 after an unclean end: it dispatches again from further back and skips what the queues have. [ConsumeQueue#putMessagePositionInfo]
  /Maybe try to build consume queue repeatedly maxPhysicOffset=/,
  // An index file that is full is followed by another. [IndexService#retryGetAndCreateIndexFile]
  /Over index file capacity: index count = \d+; index max num = \d+$/,
  /Index file \[\S+\] is full, trying to create another one/,
  /message store has shutdown, so getMessage is forbidden/,
  // A half message is pending, and no producer of its group is there to be asked.
  /Check transaction failed, channel table is empty\. groupId=/,
  // Slow test machines.
  /create mappedFile spent time\(ms\)/,
  /\[NOTIFYME\]|PAGECACHERT|put message (in|cost)|lock time/i,
];

/** INFO lines that say that something was thrown away or doubted. */
const TELLING: readonly RegExp[] = [
  /truncate/i,
  /\[BUG\]/,
  /order maybe wrong/i,
  /check it manually/i,
  /not match/i,
  /lock failed/i,
  /deleted? .*(dirty|illegal|damaged)/i,
];

/** Printed whenever the queues end where the log ends; a complaint only when they end behind it. [ConsumeQueueStore#truncateDirty] */
const QUEUE_END = /maxPhyOffsetOfConsumeQueue\((-?\d+)\) >= processOffset\((-?\d+)\)/;

/**
 * Printed at every flush of a queue whose last file is exactly full, by a broker on its own files too: there is no file yet for
 * the offset behind the last entry. [MappedFileQueue#findMappedFileByOffset]
 */
const FULL_FILE = /Offset not matched\. Request offset: (\d+), firstOffset: \d+, lastOffset: (\d+)/;

/** Printed for an empty directory. [CommitLog#recoverNormally] */
const NO_LOG = /The commitlog files are deleted, and delete the consume queue files/;

function isHarmless(rest: string, fresh: boolean): boolean {
  const ends = QUEUE_END.exec(rest);
  if (ends !== null) return Number(ends[1]) <= Number(ends[2]);
  const full = FULL_FILE.exec(rest);
  if (full !== null) return full[1] === full[2];
  if (NO_LOG.test(rest)) return fresh;
  return HARMLESS.some((pattern) => pattern.test(rest));
}

/**
 * true for a log line by which a broker complains about what it found in its directory. Anything that is not known to be
 * harmless is a complaint.
 * @param fresh the broker was started on an empty directory
 */
export function isComplaint(line: string, fresh: boolean): boolean {
  const match = LINE.exec(line);
  if (match?.groups === undefined) return false;
  const { level, rest } = match.groups as { level: string; rest: string };
  if (level === 'WARN' || level === 'ERROR') return !isHarmless(rest, fresh);
  return TELLING.some((pattern) => pattern.test(rest)) && !isHarmless(rest, fresh);
}

/** The text of every log below a broker's home, by file name. */
export function brokerLogs(home: string): Record<string, string> {
  const logs: Record<string, string> = {};
  const root = join(home, 'logs', 'rocketmqlogs');
  if (!existsSync(root)) return logs;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name.endsWith('.log')) logs[entry.name] = readFileSync(join(entry.parentPath, entry.name), 'utf8');
  }
  return logs;
}

/** `<log>: <level> <thread> - <text>` of every complaint in a broker's logs, each once. */
export function complaintsIn(logs: Readonly<Record<string, string>>, fresh: boolean): string[] {
  const complaints = Object.entries(logs)
    .filter(([name]) => DATA_LOGS.test(name))
    .flatMap(([name, text]) => text.split('\n').filter((line) => isComplaint(line, fresh)).map((line) => `${name}:${line.slice(TIME_LENGTH)}`));
  return [...new Set(complaints)];
}
