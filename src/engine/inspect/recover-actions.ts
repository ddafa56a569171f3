import type { MessageQueue } from '../../broker/types.ts';

export type RecoverActionKind =
  | 'replace-record' | 'fill-bytes' | 'clear-tail' | 'write-end-of-file' | 'create-log-file' | 'repair-header' | 'repair-field' | 'set-aside-record'
  | 'write-queue-entry' | 'remove-queue-entry' | 'rebuild-queue' | 'rebuild-index' | 'restore-config' | 'move-aside' | 'resize-file' | 'crash-recovery';

/** One thing that recovery does, or would do. */
export interface RecoverAction {
  readonly action: RecoverActionKind;
  readonly file: string;
  /** Byte position in `file`, and how many bytes are concerned. */
  readonly position: number;
  readonly sizeBytes: number;
  /** -1 where no record is concerned. */
  readonly commitLogOffset: number;
  readonly queue: MessageQueue | null;
  readonly queueOffset: number | null;
  /** One sentence for people. */
  readonly detail: string;
}
