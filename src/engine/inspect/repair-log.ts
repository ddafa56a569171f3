import { dirname, join } from 'node:path';
import { crc32Masked } from '../../base/crc32.ts';
import { writeInt64 } from '../../base/int64.ts';
import { bodyPosition } from '../../record/check.ts';
import { encodeBlank } from '../../record/encode.ts';
import {
  BODY_CRC, BORN_HOST, IPV4_HOST_BYTES, IPV6_HOST_BYTES, MAGIC_CODE, MAGIC_V2, MIN_BLANK_BYTES, MIN_RECORD_BYTES, PROPERTY_CRC_BYTES, QUEUE_ID, QUEUE_OFFSET, SYS_FLAG, TOTAL_SIZE,
} from '../../record/layout.ts';
import { NAME_END, PROPERTY, VALUE_END } from '../../record/properties.ts';
import {
  BORN_HOST_IPV6, COMPRESSED, COMPRESSION_MASK, INNER_BATCH, NEED_UNWRAP, STORE_HOST_IPV6, TRANSACTION_COMMIT, TRANSACTION_MASK, TRANSACTION_ROLLBACK, compressionFlags,
} from '../../record/sys-flag.ts';
import { segmentFileName } from '../commit-log/log-directory.ts';
import { MAX_FIXED_BYTES } from '../commit-log/record-soundness.ts';
import { createSizedFile } from '../files/sized-file.ts';
import type { Finding, QueuePlace, UnreadableFinding } from './findings.ts';
import { MAX_FILLER_BYTES, fillerRecord, placeholderRecord, readRemains } from './placeholder.ts';
import type { PlaceholderContext } from './placeholder.ts';
import type { RepairContext } from './repair-context.ts';
import type { Verification } from './verify.ts';

type LostEntries = Verification['lostEntries'];

/** Puts a sound record in the place of everything unreadable, so that a broker reads on behind it. */
export const repairUnreadable = (repair: RepairContext, finding: UnreadableFinding, lostEntries: LostEntries): void => {
  const { view } = repair;
  if (finding.extent === 'missing') createMissingFiles(repair, finding);
  const size = view.log.fileSizeBytes ?? view.identity.segmentSizeBytes;
  for (let from = finding.from; from < finding.to; ) {
    const segmentEnd = from - (from % size) + size;
    const to = Math.min(finding.to, segmentEnd);
    repairRange(repair, finding, from, to, segmentEnd, lostEntries);
    from = to;
  }
};

/** A log file that is gone: a new one of zeros, to be filled with placeholders for all that queues know of it. */
const createMissingFiles = (repair: RepairContext, finding: UnreadableFinding): void => {
  const { view } = repair;
  const sizeBytes = view.log.fileSizeBytes ?? view.identity.segmentSizeBytes;
  for (let base = finding.from; base < finding.to; base += sizeBytes) {
    const path = join(view.paths.commitLog, segmentFileName(base));
    repair.add('create-log-file', { file: path, sizeBytes, commitLogOffset: base }, 'the file is missing; a new one takes placeholders for its records');
    if (repair.dryRun) continue;
    repair.fs.makeDirectory(view.paths.commitLogTemp);
    repair.fs.close(createSizedFile(repair.fs, { path, sizeBytes, tempDirectory: view.paths.commitLogTemp }, () => undefined));
    repair.fs.syncDirectory(dirname(path));
  }
};

interface Piece {
  readonly from: number;
  to: number;
  readonly place: QueuePlace | null;
}

const repairRange = (repair: RepairContext, finding: UnreadableFinding, from: number, to: number, segmentEnd: number, lostEntries: LostEntries): void => {
  const { view } = repair;
  const base = segmentEnd - (view.log.fileSizeBytes ?? view.identity.segmentSizeBytes);
  const file = join(view.paths.commitLog, segmentFileName(base));
  if (finding.extent !== 'missing' && !repair.dryRun) repair.keep(file, from - base, to - from, String(from));
  const bytes = finding.extent === 'missing' ? Buffer.alloc(0) : repair.readFile(file, from - base, Math.min(to - from, MAX_FILLER_BYTES * 5));
  const pieces = divide(from, to, segmentEnd, bytes, lostEntries);
  let end = from;
  for (const piece of pieces) {
    writePiece(repair, file, base, piece, bytes.subarray(piece.from - from), finding);
    end = piece.to;
  }
  const rest = to - end;
  if (rest === 0) return;
  if (finding.extent === 'last' && to === finding.to) {
    repair.add('clear-tail', { file, position: end - base, sizeBytes: rest, commitLogOffset: end }, 'nothing sound follows: the bytes are cleared and the log ends here');
    zeroFill(repair, file, end - base, rest);
  } else if (to === segmentEnd) {
    repair.add('write-end-of-file', { file, position: end - base, sizeBytes: rest, commitLogOffset: end }, 'the file is closed here with an end-of-file record');
    zeroFill(repair, file, end - base, rest);
    const blank = Buffer.alloc(MIN_BLANK_BYTES);
    encodeBlank(blank, 0, rest);
    repair.overwrite(file, end - base, blank, String(from));
  } else {
    fill(repair, file, base, end, to, finding);
  }
};

/** Splits a range into the records that are known to have been there; what is left over at its end is the caller's. */
const divide = (from: number, to: number, segmentEnd: number, bytes: Buffer, lostEntries: LostEntries): Piece[] => {
  const known = lostEntries
    .filter(({ content }) => content.commitLogOffset >= from && content.commitLogOffset + content.sizeBytes <= to && content.sizeBytes >= MIN_RECORD_BYTES)
    .sort((a, b) => a.content.commitLogOffset - b.content.commitLogOffset);
  const pieces: Piece[] = [];
  let end = from;
  for (const { place, content } of known) {
    if (content.commitLogOffset < end) continue;
    const gap = content.commitLogOffset - end;
    const previous = pieces.at(-1);
    // Too small for a record of its own: the one before takes it, and its entry is set right afterwards.
    if (gap > 0 && gap < MIN_RECORD_BYTES && previous !== undefined) previous.to = content.commitLogOffset;
    else if (gap > 0 && gap < MIN_RECORD_BYTES) continue;
    else if (gap > 0) pieces.push({ from: end, to: content.commitLogOffset, place: null });
    end = content.commitLogOffset + content.sizeBytes;
    pieces.push({ from: content.commitLogOffset, to: end, place });
  }
  if (pieces.length === 0) {
    // No entry points here: the record's own header may say what it is.
    const claimed = bytes.length >= MIN_RECORD_BYTES ? bytes.readInt32BE(TOTAL_SIZE) : 0;
    const remains = claimed <= to - from ? readRemains(bytes, claimed) : null;
    if (remains !== null) pieces.push({ from, to: from + claimed, place: remains.isQueued ? remains.place : null });
  }
  const last = pieces.at(-1);
  const rest = to - (last?.to ?? from);
  const least = to === segmentEnd ? MIN_BLANK_BYTES : MIN_RECORD_BYTES;
  if (last !== undefined && rest > 0 && rest < least) last.to = to;
  return pieces;
};

const placeholderContext = (repair: RepairContext, finding: { readonly previousStoreTimestamp: number; readonly damage: { readonly reason: string } }): PlaceholderContext => ({
  storeHost: repair.view.identity.storeHost, propertyCrc: repair.view.identity.propertyCrc, previousStoreTimestamp: finding.previousStoreTimestamp,
  reason: finding.damage.reason,
});

const writePiece = (repair: RepairContext, file: string, base: number, piece: Piece, bytes: Buffer, finding: UnreadableFinding): void => {
  const { from, to, place } = piece;
  if (place !== null) {
    const record = placeholderRecord(from, to - from, place, readRemains(bytes, to - from), placeholderContext(repair, finding));
    if (record !== null) {
      const name = `${place.topic}/${place.queueId}/${place.queueOffset}`;
      repair.add('replace-record', { file, position: from - base, sizeBytes: to - from, commitLogOffset: from }, `record ${name} is replaced by one that says it was damaged`, place);
      repair.overwrite(file, from - base, record, String(from));
      return;
    }
  }
  fill(repair, file, base, from, to, finding);
};

const fill = (repair: RepairContext, file: string, base: number, from: number, to: number, finding: UnreadableFinding): void => {
  repair.add('fill-bytes', { file, position: from - base, sizeBytes: to - from, commitLogOffset: from }, 'nobody knows what these bytes were; records that belong to no queue take their place');
  if (repair.dryRun) return;
  for (let at = from; at < to; ) {
    const left = to - at;
    const sizeBytes = left <= MAX_FILLER_BYTES ? left : left - MAX_FILLER_BYTES < MIN_RECORD_BYTES ? left - MIN_RECORD_BYTES : MAX_FILLER_BYTES;
    repair.overwrite(file, at - base, fillerRecord(at, sizeBytes, placeholderContext(repair, finding)), String(from));
    at += sizeBytes;
  }
};

const zeroFill = (repair: RepairContext, file: string, position: number, length: number): void => {
  if (repair.dryRun) return;
  const zeros = Buffer.alloc(Math.min(length, MAX_FILLER_BYTES));
  const fd = repair.fs.open(file, 'write');
  try {
    for (let done = 0; done < length; done += zeros.length) {
      const count = Math.min(zeros.length, length - done);
      // Holes stay holes.
      if (!repair.readFile(file, position + done, count).every((byte) => byte === 0)) repair.fs.write(fd, zeros, 0, count, position + done);
    }
    repair.fs.dataSync(fd);
  } finally {
    repair.fs.close(fd);
  }
};

/** The end of a file without a proper end-of-file record. */
export const repairBlank = (repair: RepairContext, finding: Extract<Finding, { kind: 'blank' }>): void => {
  const { damage, from, to } = finding;
  repair.add('write-end-of-file', { file: damage.file, position: damage.position, sizeBytes: to - from, commitLogOffset: from }, 'the end-of-file record is written anew');
  if (to - from < MIN_BLANK_BYTES) return;
  const blank = Buffer.alloc(MIN_BLANK_BYTES);
  encodeBlank(blank, 0, to - from);
  repair.overwrite(damage.file, damage.position, blank, String(from));
};

type InPlace = Extract<Finding, { kind: 'header' | 'field' | 'orphan' }>;

/** Sets single fields of an otherwise sound record right: its message is not lost. */
export const repairInPlace = (repair: RepairContext, finding: InPlace): void => {
  const { damage, offset } = finding;
  const record = Buffer.from(repair.readLog(offset, repair.readLog(offset, 4).readInt32BE(0)));
  const where = { file: damage.file, position: damage.position, sizeBytes: record.length, commitLogOffset: offset };
  if (finding.kind === 'orphan') {
    record.writeInt32BE(record.readInt32BE(SYS_FLAG) & ~TRANSACTION_MASK | TRANSACTION_ROLLBACK, SYS_FLAG);
    repair.add('set-aside-record', where, 'the record is marked as rolled back: it belongs to no queue');
  } else if (finding.kind === 'field' && finding.field === 'PROPERTIES') {
    const remains = readRemains(record, record.length);
    const context = placeholderContext(repair, finding);
    const place = remains?.place ?? { topic: '', queueId: 0, queueOffset: 0 };
    const placeholder = placeholderRecord(offset, record.length, place, remains, context) ?? fillerRecord(offset, record.length, context);
    repair.add('replace-record', where, 'properties or header are wrong and nobody knows what they were: the record is replaced by one that says it was damaged', place);
    repair.overwrite(damage.file, damage.position, placeholder, String(offset));
    return;
  } else if (finding.kind === 'header') {
    if (!setPlace(record, finding.place)) {
      const context = placeholderContext(repair, { damage, previousStoreTimestamp: 0 });
      const placeholder = placeholderRecord(offset, record.length, finding.place, readRemains(record, record.length), context);
      if (placeholder === null) return;
      repair.add('replace-record', where, 'the record of another topic lies here: it is replaced by one that says it was damaged', finding.place);
      repair.overwrite(damage.file, damage.position, placeholder, String(offset));
      return;
    }
    repair.add('repair-header', where, `topic, queue and queue offset are set to ${finding.place.topic}/${finding.place.queueId}/${finding.place.queueOffset}`, finding.place);
  } else {
    setField(record, finding, finding.previousOffset < 0 ? null : repair.readLog(finding.previousOffset, MAX_FIXED_BYTES));
    repair.add('repair-field', where, `${finding.field} is set to a value that is possible`);
  }
  renewPropertyCrc(record);
  repair.overwrite(damage.file, damage.position, record, String(offset));
};

/** false when the topic has another length, so that the record cannot be of that queue. */
const setPlace = (record: Buffer, place: QueuePlace): boolean => {
  const isV2 = record.readInt32BE(MAGIC_CODE) === MAGIC_V2;
  const body = bodyPosition(record.readInt32BE(SYS_FLAG));
  const lengthAt = body + record.readInt32BE(body - 4);
  const topic = Buffer.from(place.topic);
  if ((isV2 ? record.readInt16BE(lengthAt) : record.readInt8(lengthAt)) !== topic.length) return false;
  record.set(topic, lengthAt + (isV2 ? 2 : 1));
  const sysFlag = record.readInt32BE(SYS_FLAG);
  // An entry points here, so it is no half of a transaction.
  if ((sysFlag & TRANSACTION_MASK) !== TRANSACTION_COMMIT) record.writeInt32BE(sysFlag & ~TRANSACTION_MASK, SYS_FLAG);
  record.writeInt32BE(place.queueId, QUEUE_ID);
  writeInt64(record, QUEUE_OFFSET, place.queueOffset);
  return true;
};

/** A single wrong bit in the high part of a small number is undone; what cannot be told becomes the plainest value. */
const setField = (record: Buffer, finding: Extract<Finding, { kind: 'field' }>, previous: Buffer | null): void => {
  const sysFlag = record.readInt32BE(SYS_FLAG);
  const body = bodyPosition(sysFlag);
  const bornPort = BORN_HOST + ((sysFlag & BORN_HOST_IPV6) === 0 ? 4 : 16);
  switch (finding.field) {
    case 'STORETIMESTAMP':
      return writeInt64(record, bornPort + 4, finding.previousStoreTimestamp);
    case 'BORNHOST':
      return void record.writeInt32BE(record.readInt32BE(bornPort) & 0xffff, bornPort);
    case 'STOREHOST': {
      const end = previous === null ? -1 : bodyPosition(previous.readInt32BE(SYS_FLAG)) - 16;
      const length = (sysFlag & STORE_HOST_IPV6) === 0 ? IPV4_HOST_BYTES : IPV6_HOST_BYTES;
      const isSameKind = previous !== null && (previous.readInt32BE(SYS_FLAG) & STORE_HOST_IPV6) === (sysFlag & STORE_HOST_IPV6);
      if (isSameKind) previous.copy(record, body - 16 - length, end - length, end);
      else record.writeInt32BE(record.readInt32BE(body - 20) & 0xffff, body - 20);
      return;
    }
    case 'RECONSUMETIMES':
      return void record.writeInt32BE(record.readInt32BE(body - 16) & 0xffff, body - 16);
    case 'PREPARED_TRAN_OFFSET':
      return writeInt64(record, body - 12, 0);
    case 'BODYCRC':
      return void record.writeInt32BE(0, BODY_CRC);
    case 'SYSFLAG':
      return void record.writeInt32BE(plausibleSysFlag(record, sysFlag, body), SYS_FLAG);
    case 'PROPERTIES':
  }
};

const plausibleSysFlag = (record: Buffer, sysFlag: number, body: number): number => {
  const plain = sysFlag & 0x7ff & ~(COMPRESSED | COMPRESSION_MASK | NEED_UNWRAP | INNER_BATCH);
  const bodyLength = record.readInt32BE(body - 4);
  const first = bodyLength < 4 ? 0 : record.readUInt32BE(body);
  if (first === 0x04224d18) return plain | compressionFlags('lz4');
  if (first === 0x28b52ffd) return plain | compressionFlags('zstd');
  // Two bytes may look like zlib by chance; that the flag said so, in part, is the second witness.
  const saidZlib = (sysFlag & COMPRESSED) !== 0 || (sysFlag & COMPRESSION_MASK) === 0x300;
  if (saidZlib && (first >>> 24 & 0x0f) === 8 && (first >>> 16) % 31 === 0) return plain | compressionFlags('zlib');
  return plain;
};

const renewPropertyCrc = (record: Buffer): void => {
  const at = record.length - PROPERTY_CRC_BYTES;
  const name = PROPERTY.CRC32 + NAME_END;
  if (at < 0 || record.latin1Slice(at, at + name.length) !== name) return;
  const digits = [...String(crc32Masked(record.subarray(0, at)))].reverse().join('').padEnd(10, '0');
  record.latin1Write(name + digits + VALUE_END, at);
};
