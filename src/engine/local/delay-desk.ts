import type { DelayProgress } from '../../broker/types.ts';
import type { StoreReader } from '../read/store-reader.ts';
import { readDelayProgress } from '../schedule/read-progress.ts';
import type { StoreContext } from '../store-context.ts';
import { deliverMessageNow, recallMessage } from '../timer/recall.ts';
import type { RecallRequest } from '../timer/recall.ts';
import type { PreparedMessage } from '../../broker/prepared-message.ts';
import type { StoreWriter } from '../write/store-writer.ts';

/** What the port does with messages that wait. Everything that takes a writer runs under its lock, caught up. */
export class DelayDesk {
  readonly #context: StoreContext;
  readonly #reader: StoreReader;
  readonly #bornHost: Buffer;
  readonly #isSync: boolean;

  /** @param isSync what takes a message back is on disk before that is said */
  constructor(context: StoreContext, reader: StoreReader, bornHost: Buffer, isSync: boolean) {
    this.#context = context;
    this.#reader = reader;
    this.#bornHost = bornHost;
    this.#isSync = isSync;
  }

  recall(writer: StoreWriter, topic: string, recallHandle: string): string {
    return this.#run(writer, topic, recallHandle, recallMessage);
  }

  deliverNow(writer: StoreWriter, topic: string, recallHandle: string): PreparedMessage {
    return this.#run(writer, topic, recallHandle, deliverMessageNow);
  }

  progress(): DelayProgress {
    return readDelayProgress(this.#context, this.#reader);
  }

  #run<T>(writer: StoreWriter, topic: string, recallHandle: string, action: (request: RecallRequest) => T): T {
    const done = action({ topic, recallHandle, writer, reader: this.#reader, bornHost: this.#bornHost });
    if (this.#isSync) writer.syncLog();
    return done;
  }
}
