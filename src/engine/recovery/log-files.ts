import { MqliteError } from '../../broker/errors.ts';
import { inspectSegmentDirectory } from '../commit-log/log-directory.ts';
import type { LogSegment } from '../commit-log/log-directory.ts';
import type { StoreContext } from '../store-context.ts';

/**
 * The files of the log, when all of them are there at their full length. An empty last file, which a broker leaves when
 * it dies while it makes one, is removed as a broker does it. A file of a wrong length or a missing one is not papered
 * over: what it held may still be found elsewhere. @param end where the log is known to end, 0 when that is not known
 */
export const requireWholeLog = (context: StoreContext, end: number): readonly LogSegment[] => {
  const { fs, paths, identity } = context;
  const { segments, oddities } = inspectSegmentDirectory(fs, paths.commitLog, identity.segmentSizeBytes);
  for (const oddity of oddities) {
    if (oddity.kind === 'empty-last') {
      fs.unlink(oddity.path);
      fs.syncDirectory(paths.commitLog);
    } else if (oddity.kind === 'wrong-size') {
      throw new MqliteError('DAMAGED', `${oddity.path}: ${oddity.sizeBytes} bytes long instead of ${identity.segmentSizeBytes}`, {
        hint: 'put the whole file back, or see what "mqlite store recover --dry-run" would mend',
      });
    }
  }
  const last = segments.at(-1);
  const filesEnd = last === undefined ? 0 : last.baseOffset + last.sizeBytes;
  if (filesEnd < end) {
    throw new MqliteError('DAMAGED', `${paths.commitLog}: the log ended at ${end}, but its files end at ${filesEnd}`, {
      hint: 'put the missing files back; what they held is only there',
    });
  }
  return segments;
};
