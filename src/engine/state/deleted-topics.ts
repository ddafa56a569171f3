import type { FileSystem } from '../files/file-system.ts';
import { countOf, formatBrokerJson, isJsonObject, newJsonObject, objectOrEmpty, parseBrokerJson } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { readWholeFile, writeFileAtomically } from './file-io.ts';

/**
 * `mqlite/deleted-topics.json`: `{"<topic>":{"commitLogOffset":n}}`. Records of the topic below that offset are not dispatched again when
 * queues are rebuilt, so a deleted topic stays deleted after a crash, and one of the same name starts empty.
 */
export class DeletedTopics {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #tempDirectory: string;

  constructor(fs: FileSystem, path: string, tempDirectory: string) {
    this.#fs = fs;
    this.#path = path;
    this.#tempDirectory = tempDirectory;
  }

  #read(): JsonObject {
    const bytes = readWholeFile(this.#fs, this.#path);
    if (bytes === null) return newJsonObject();
    const value = parseBrokerJson(bytes.toString('utf8'));
    return isJsonObject(value) ? value : newJsonObject();
  }

  /** Topic to the commit-log offset below which its records are gone. Throws CodecError DAMAGED for a file that cannot be read. */
  load(): Map<string, number> {
    const root = this.#read();
    const topics = new Map<string, number>();
    for (const topic of Object.keys(root)) {
      const offset = countOf(objectOrEmpty(root, topic)['commitLogOffset']);
      if (offset !== null) topics.set(topic, offset);
    }
    return topics;
  }

  /** Durable when it returns: recorded before the queues are removed. The offset of a topic never goes back. */
  add(topic: string, commitLogOffset: number): void {
    const root = this.#read();
    const known = countOf(objectOrEmpty(root, topic)['commitLogOffset']) ?? 0;
    root[topic] = Object.assign(newJsonObject(), { commitLogOffset: Math.max(known, commitLogOffset) });
    this.#write(root);
  }

  /** Forgets topics whose offset lies below the first record of the log: nothing can bring them back. */
  forgetBelow(minCommitLogOffset: number): void {
    const root = this.#read();
    let changed = false;
    for (const [topic, offset] of this.load()) {
      if (offset > minCommitLogOffset) continue;
      delete root[topic];
      changed = true;
    }
    if (changed) this.#write(root);
  }

  #write(root: JsonObject): void {
    writeFileAtomically(this.#fs, this.#path, Buffer.from(formatBrokerJson(root)), { tempDirectory: this.#tempDirectory });
  }
}
