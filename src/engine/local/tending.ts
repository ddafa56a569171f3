import { toMqliteError } from '../files/storage-errors.ts';
import type { StoreWriter } from '../write/store-writer.ts';

/** Housekeeping and background sync of an attached writer. RocketMQ flushes the log every 500 ms. [FlushRealTimeService] */
const TEND_INTERVAL_MS = 500;
/** While nobody writes, every so many intervals: what is left to do is to put back what a refused broker took. */
const QUIET_INTERVALS = 4;

/** While this process is attached: index, marks of the open store, and the sync that async flush promises. Ends with `signal`. */
export const tend = async (writer: StoreWriter, signal: AbortSignal, onNotice: (text: string) => void): Promise<void> => {
  let lastNotice = '';
  let quietIntervals = 0;
  for (;;) {
    await writer.context.clock.sleep(TEND_INTERVAL_MS, signal);
    if (signal.aborted) return;
    try {
      if (writer.isQuiet() && ++quietIntervals < QUIET_INTERVALS) continue;
      quietIntervals = 0;
      await writer.tend();
      await writer.syncAll();
    } catch (error) {
      // What cannot be written or synced is fatal for later writes, which report it; a lock that is busy is tried again.
      if (writer.failure !== null) return;
      const notice = toMqliteError(error, 'housekeeping').message;
      if (notice !== lastNotice) onNotice(notice);
      lastNotice = notice;
    }
  }
};
