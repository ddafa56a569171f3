import { recordProblem } from '../../record/check.ts';
import { decodeRecord } from '../../record/decode.ts';
import { PROPERTY } from '../../record/properties.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import { LogScanner } from '../commit-log/log-scanner.ts';
import type { FileSystem } from '../files/file-system.ts';
import type { NewestRecord } from '../state/infer-identity.ts';

/**
 * A recent record's address and whether it carries a property CRC: the first sound record of the newest file that has
 * one. The very newest would need a scan of the whole file, and a broker's address does not change within one.
 */
export const readNewestRecord = (fs: FileSystem, segments: readonly LogSegment[]): NewestRecord | null => {
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]!;
    const scanner = new LogScanner(fs, segments, {
      from: segment.baseOffset,
      to: segment.baseOffset + segment.sizeBytes,
      windowBytes: 1 << 16,
      check: (buffer, position, sizeBytes) => recordProblem(buffer, position, sizeBytes, false),
    });
    try {
      if (scanner.next() !== 'message') continue;
      const message = decodeRecord(scanner.window, scanner.position, '');
      return { storeHost: message.storeHost, hasPropertyCrc: message.properties[PROPERTY.CRC32] !== undefined };
    } finally {
      scanner.close();
    }
  }
  return null;
};
