import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { TRANSACTION_MASK, TRANSACTION_PREPARED, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { segmentFileName } from '../commit-log/log-directory.ts';
import { ENTRY_SIZE_BYTES, PRE_BLANK_RECORD_SIZE, queueFileBase, writeEntry } from '../consume-queue/layout.ts';
import { queueDirectoryPath } from '../consume-queue/queue-directory.ts';
import { parseDelayLevels } from '../../broker/delay-levels.ts';
import { setTagsCode } from '../dispatch/tags-code.ts';
import { createSizedFile } from '../files/sized-file.ts';
import { makeDirectoryDurably } from '../state/file-io.ts';
import type { EntryContent, Finding, QueuePlace } from './findings.ts';
import type { RepairContext } from './repair-context.ts';

type EntryFinding = Extract<Finding, { kind: 'entry' }>;
type DanglingFinding = Extract<Finding, { kind: 'dangling' }>;

/** Writes entries as their records say they should be; a queue that misses many is filled from one walk over the log. */
export const repairEntries = (repair: RepairContext, findings: readonly EntryFinding[]): void => {
  const incomplete = new Map<string, EntryFinding>();
  for (const finding of findings) {
    const { place, content, damage } = finding;
    if (finding.following) {
      incomplete.set(`${place.topic}/${place.queueId}`, finding);
      repair.add('rebuild-queue', { file: damage.file, position: damage.position, commitLogOffset: content.commitLogOffset },
        `missing entries from ${place.queueOffset} on are written from the log`, place);
      continue;
    }
    repair.add('write-queue-entry', { file: damage.file, position: damage.position, sizeBytes: ENTRY_SIZE_BYTES, commitLogOffset: content.commitLogOffset },
      `set to record ${content.commitLogOffset}, ${content.sizeBytes} bytes`, place);
    putEntry(repair, place, content);
  }
  if (incomplete.size > 0 && !repair.dryRun) fillQueues(repair, incomplete);
};

const fillQueues = (repair: RepairContext, incomplete: ReadonlyMap<string, EntryFinding>): void => {
  const { view } = repair;
  const from = Math.min(...[...incomplete.values()].map((finding) => finding.content.commitLogOffset));
  const scanner = new LogScanner(view.fs, view.log.segments, { from });
  const delayLevels = parseDelayLevels(view.identity.messageDelayLevel);
  const record = createDispatchView();
  const tags = { high: 0, low: 0 };
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) break;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, record);
      const first = incomplete.get(`${record.topic}/${record.queueId}`);
      const transaction = record.sysFlag & TRANSACTION_MASK;
      if (first === undefined || transaction === TRANSACTION_PREPARED || transaction === TRANSACTION_ROLLBACK) continue;
      if (record.queueOffset < first.place.queueOffset || record.commitLogOffset < (view.deletedTopics.get(record.topic) ?? 0)) continue;
      setTagsCode(tags, record, delayLevels);
      putEntry(repair, record, { commitLogOffset: record.commitLogOffset, sizeBytes: record.sizeBytes, tagsCode: (BigInt(tags.high) << 32n) | BigInt(tags.low >>> 0) });
    }
  } finally {
    scanner.close();
  }
};

/** Writes one entry; a file that is missing appears with it (P9), filled before it as a broker fills one (P11). */
const putEntry = (repair: RepairContext, place: QueuePlace, content: EntryContent): void => {
  if (repair.dryRun) return;
  const { fs, view } = repair;
  const sizeBytes = view.identity.consumeQueueFileSizeBytes;
  const directory = queueDirectoryPath(view.paths.root, place.topic, place.queueId);
  const base = queueFileBase(place.queueOffset, sizeBytes);
  const path = `${directory}/${segmentFileName(base)}`;
  const inFile = place.queueOffset * ENTRY_SIZE_BYTES - base;
  const entry = Buffer.alloc(ENTRY_SIZE_BYTES);
  const low = Number(BigInt.asIntN(32, content.tagsCode));
  writeEntry(entry, 0, content.commitLogOffset, content.sizeBytes, Number(content.tagsCode >> 32n), low);
  if (fs.stat(path) !== null) return repair.overwrite(path, inFile, entry, `${place.topic}-${place.queueId}-entry-${place.queueOffset}`);
  makeDirectoryDurably(fs, directory);
  fs.makeDirectory(view.paths.temp);
  const head = Buffer.alloc(inFile + ENTRY_SIZE_BYTES);
  for (let at = 0; at < inFile; at += ENTRY_SIZE_BYTES) writeEntry(head, at, 0, PRE_BLANK_RECORD_SIZE, 0, 0);
  entry.copy(head, inFile);
  const fd = createSizedFile(fs, { path, sizeBytes, tempDirectory: view.paths.temp }, (file) => fs.write(file, head, 0, head.length, 0));
  fs.dataSync(fd);
  fs.close(fd);
  fs.syncDirectory(directory);
};

/** Entries without a record at the end of a queue are removed. In the middle nothing can be done: numbers must not shift. */
export const repairDangling = (repair: RepairContext, findings: readonly DanglingFinding[]): void => {
  const { fs, view } = repair;
  const size = view.identity.consumeQueueFileSizeBytes;
  for (const finding of [...findings].reverse()) {
    const { place, damage } = finding;
    const directory = queueDirectoryPath(view.paths.root, place.topic, place.queueId);
    const position = place.queueOffset * ENTRY_SIZE_BYTES;
    const base = queueFileBase(place.queueOffset, size);
    const path = `${directory}/${segmentFileName(base)}`;
    const following = followingEntry(repair, directory, position + ENTRY_SIZE_BYTES, size);
    const isAlsoDangling = findings.some((other) => other.place.topic === place.topic && other.place.queueId === place.queueId && other.place.queueOffset === place.queueOffset + 1);
    if (following && !(repair.dryRun && isAlsoDangling)) continue;
    repair.add('remove-queue-entry', { file: damage.file, position: damage.position, sizeBytes: ENTRY_SIZE_BYTES, commitLogOffset: finding.content.commitLogOffset },
      'the entry at the end of the queue points at no record', place);
    if (repair.dryRun) continue;
    repair.overwrite(path, position - base, Buffer.alloc(ENTRY_SIZE_BYTES), `${place.topic}-${place.queueId}-entry-${place.queueOffset}`);
    // A queue file of zeros counts as one entry for a broker (P9).
    if (position === base) {
      fs.unlink(path);
      fs.syncDirectory(directory);
    }
  }
};

const followingEntry = (repair: RepairContext, directory: string, position: number, fileSizeBytes: number): boolean => {
  const base = position - (position % fileSizeBytes);
  const path = `${directory}/${segmentFileName(base)}`;
  if (repair.fs.stat(path) === null) return false;
  return repair.readFile(path, position - base, ENTRY_SIZE_BYTES).some((byte) => byte !== 0);
};
