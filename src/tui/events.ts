import type { Position } from '../client/positions.ts';
import type { QueryResult } from '../broker/types.ts';
import type { Message } from '../record/message.ts';
import type { ViewFilter } from './filter.ts';
import type { RecordReference } from './panel.ts';
import type { StreamRow } from './rows.ts';

export type StreamId = 'messages' | 'commitlog';

/** What lies between a window and the edges of its stream. */
export interface WindowSnapshot {
  readonly rows: readonly StreamRow[];
  /** Nothing older can be read. */
  readonly atStart: boolean;
  /** Nothing newer has been read that is not in `rows`. */
  readonly atEnd: boolean;
  /** What has arrived at the end since the view was opened, in the window or not. */
  readonly arrived: number;
  /** Messages a second that pass the filter, of late; null: not known yet. */
  readonly perSecond: number | null;
}

/** Everything that can happen to the view. */
export type TuiEvent =
  /** A key by its name (`up`, `ctrl-d`, `enter`) or the character that it types. */
  | { readonly type: 'key'; readonly key: string }
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  /** `absent`: names of brokers that are gone. */
  | { readonly type: 'clock'; readonly nowMs: number; readonly absent: readonly string[] }
  /** `select`: where the cursor goes after a jump; `nothingFrom`: the place that was gone to, where nothing is, nor behind it. `done`: what was asked for has come. */
  | {
    readonly type: 'rows'; readonly stream: StreamId; readonly window: WindowSnapshot;
    readonly select?: 'last' | { readonly id: string } | undefined; readonly nothingFrom?: Position | undefined; readonly done?: boolean | undefined;
  }
  /** The source has answered, or has failed to; `reason` null: it answered. */
  | { readonly type: 'health'; readonly view: string; readonly atMs: number; readonly reason: string | null }
  | { readonly type: 'panel'; readonly panel: string; readonly snapshot: unknown; readonly atMs: number }
  /** `withOthers`: other records of its id are wanted, too. */
  | { readonly type: 'message'; readonly message: Message; readonly withOthers: boolean }
  | { readonly type: 'related'; readonly offsetMsgId: string; readonly found: QueryResult<Message> }
  /** `sent`: these dead letters need no more. */
  | { readonly type: 'redriven'; readonly text: string; readonly isGood: boolean; readonly sent: readonly RecordReference[] }
  | { readonly type: 'file-name'; readonly wanted: string; readonly file: string }
  | { readonly type: 'export-failed'; readonly file: string; readonly what: ExportRequest; readonly label: string; readonly reason: string }
  | { readonly type: 'notice'; readonly text: string; readonly tone: 'good' | 'warn' | 'bad' };

/** What the reducer wants done; the outcome comes back as an event. */
export type Effect =
  | { readonly type: 'show'; readonly view: string }
  | { readonly type: 'older' | 'newer'; readonly stream: StreamId; readonly count: number }
  /** `row`: the row of this id is wanted, at the place or behind it. */
  | { readonly type: 'jump'; readonly stream: StreamId; readonly to: Position; readonly context: number; readonly row?: string | undefined }
  | { readonly type: 'follow'; readonly stream: StreamId; readonly on: boolean }
  | { readonly type: 'filter'; readonly stream: StreamId; readonly filter: ViewFilter | null; readonly to: Position; readonly context: number }
  | { readonly type: 'read'; readonly record: RecordReference; readonly withOthers: boolean }
  | { readonly type: 'find'; readonly msgId: string; readonly topic: string | undefined; readonly open: boolean; readonly of: string }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'export'; readonly file: string; readonly what: ExportRequest; readonly label: string }
  /** One like it that is free is wanted: `file-name` tells it. */
  | { readonly type: 'name-file'; readonly file: string }
  | { readonly type: 'redrive'; readonly records: readonly RecordReference[] }
  | { readonly type: 'quit' };

/** What goes into a file: these records, or all that a stream's filter lets through. */
export type ExportRequest =
  | { readonly records: readonly RecordReference[] }
  | { readonly logOffsets: readonly number[] }
  | { readonly all: StreamId; readonly filter: ViewFilter };
