import { basename } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { createDispatchView, readDispatchView } from '../../record/dispatch-view.ts';
import { TRANSACTION_MASK, TRANSACTION_ROLLBACK } from '../../record/sys-flag.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import { listIndexFiles } from '../index/names.ts';
import { IndexWriter } from '../index/writer.ts';
import { bakPath } from '../state/config-file.ts';
import { quarantineBytes, readWholeFile, writeFileAtomically } from '../state/file-io.ts';
import type { Finding } from './findings.ts';
import type { RepairContext } from './repair-context.ts';

/** Puts a broken config file's `.bak` in its place; without one it is moved away, as a broker deletes it. */
export const repairConfig = (repair: RepairContext, finding: Extract<Finding, { kind: 'config' }>): void => {
  const { fs, view } = repair;
  const { path } = finding;
  const bytes = finding.hasBak ? readWholeFile(fs, bakPath(path)) : null;
  if (bytes === null) {
    const target = repair.moveAside(path);
    repair.add('move-aside', { file: path }, `nobody can read it, and there is no older version: moved to ${target}`);
    return;
  }
  repair.add('restore-config', { file: path, sizeBytes: bytes.length }, `replaced by ${basename(bakPath(path))}; the broken one is kept`);
  if (repair.dryRun) return;
  const broken = readWholeFile(fs, path);
  if (broken !== null) quarantineBytes(fs, view.paths.quarantine, basename(path), broken);
  writeFileAtomically(fs, path, bytes, { tempDirectory: view.paths.temp });
};

/** Files of wrong names are moved away; files of a wrong length get the right one, and what is cut off is kept. Returns false when nobody can. */
export const repairFile = (repair: RepairContext, finding: Extract<Finding, { kind: 'file' }>): boolean => {
  const { path, expectedBytes } = finding;
  if (finding.repair === 'move-aside') {
    const target = repair.moveAside(path);
    repair.add('move-aside', { file: path }, `moved to ${target}`);
    return true;
  }
  if (finding.repair !== 'resize' || expectedBytes === null) return false;
  const sizeBytes = repair.fs.stat(path)?.sizeBytes ?? 0;
  const rest = sizeBytes - expectedBytes;
  repair.add('resize-file', { file: path, position: Math.min(sizeBytes, expectedBytes), sizeBytes: Math.abs(rest) },
    rest > 0 ? `cut to ${expectedBytes} bytes; what is cut off is kept` : `lengthened to ${expectedBytes} bytes`);
  if (repair.dryRun) return true;
  if (rest > 0) repair.keep(path, expectedBytes, rest, `${basename(path)}-rest`);
  const fd = repair.fs.open(path, 'write');
  try {
    repair.fs.truncate(fd, expectedBytes);
    repair.fs.dataSync(fd);
  } finally {
    repair.fs.close(fd);
  }
  return true;
};

/** Moves away index files from the first damaged one on and makes their keys anew from the log. */
export const rebuildIndex = (repair: RepairContext, damagedPaths: ReadonlySet<string>, clock: Clock): void => {
  const { fs, view } = repair;
  const names = listIndexFiles(fs, view.paths.index);
  const first = names.findIndex((name) => damagedPaths.has(`${view.paths.index}/${name}`));
  for (const name of names.slice(Math.max(first, 0))) {
    const path = `${view.paths.index}/${name}`;
    repair.add('rebuild-index', { file: path, sizeBytes: fs.stat(path)?.sizeBytes ?? 0 }, 'moved to quarantine; its keys are indexed again from the log');
    repair.moveAside(path);
  }
  if (repair.dryRun) return;
  const { identity, paths } = view;
  fs.makeDirectory(paths.temp);
  const writer = IndexWriter.open({
    fs, directory: paths.index, tempDirectory: paths.temp, quarantineDirectory: paths.quarantine,
    slotCount: identity.indexSlotCount, maxIndexCount: identity.indexMaxCount, clock,
  });
  const indexedTo = writer.endCommitLogOffset;
  const scanner = new LogScanner(fs, view.log.segments, indexedTo < 0 ? {} : { from: indexedTo });
  const record = createDispatchView();
  try {
    for (let kind = scanner.next(); kind !== 'end'; kind = scanner.next()) {
      if (kind === 'damaged' && scanner.resync() < 0) break;
      if (kind !== 'message') continue;
      readDispatchView(scanner.window, scanner.position, record);
      if ((record.sysFlag & TRANSACTION_MASK) === TRANSACTION_ROLLBACK || record.commitLogOffset === indexedTo) continue;
      writer.put(record.topic, record.uniqKey, record.keys, record.commitLogOffset, record.storeTimestamp, record.tags);
    }
    writer.complete();
  } finally {
    scanner.close();
    writer.close();
  }
};
