import type { FileSystem } from '../files/file-system.ts';
import { countOf, formatBrokerJson, newJsonObject, objectOrEmpty } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { writeFileAtomically } from './file-io.ts';
import { readJsonObject } from './json-file.ts';

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

  /** Topic to the commit-log offset below which its records are gone. Throws CodecError DAMAGED for a file that cannot be read. */
  load(): Map<string, number> {
    const root = readJsonObject(this.#fs, this.#path);
    const topics = new Map<string, number>();
    for (const topic of Object.keys(root)) {
      const offset = countOf(objectOrEmpty(root, topic)['commitLogOffset']);
      if (offset !== null) topics.set(topic, offset);
    }
    return topics;
  }

  /** Durable when it returns: recorded before the queues are removed. The offset of a topic never goes back. */
  add(topic: string, commitLogOffset: number): void {
    const root = readJsonObject(this.#fs, this.#path);
    const known = countOf(objectOrEmpty(root, topic)['commitLogOffset']) ?? 0;
    root[topic] = Object.assign(newJsonObject(), { commitLogOffset: Math.max(known, commitLogOffset) });
    this.#write(root);
  }

  /** Forgets topics whose offset lies below the first record of the log: nothing can bring them back. */
  forgetBelow(minCommitLogOffset: number): void {
    const root = readJsonObject(this.#fs, this.#path);
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
