import type { FileSystem } from '../files/file-system.ts';
import { countOf, isJsonObject, newJsonObject, objectAt, objectOrEmpty, formatBrokerJson } from './broker-json.ts';
import type { QueueOffset } from './consumer-offsets.ts';
import { writeFileAtomically } from './file-io.ts';
import { readJsonObject } from './json-file.ts';

/**
 * `mqlite/offset-resets.json`: the newest reset of every queue and the reset generation it came with:
 * `{"generation":n,"resets":{"<topic>@<group>":{"<queueId>":{"generation":g,"offset":o}}}}`.
 * A live member obeys resets newer than the generation it has seen, and merging knows by it which of its offsets are obsolete.
 */
export class OffsetResets {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #tempDirectory: string;

  constructor(fs: FileSystem, path: string, tempDirectory: string) {
    this.#fs = fs;
    this.#path = path;
    this.#tempDirectory = tempDirectory;
  }

  /** Generation of the newest reset; 0 before the first. */
  generation(): number {
    return countOf(readJsonObject(this.#fs, this.#path)['generation']) ?? 0;
  }

  /** Resets of `group` newer than `generation`. */
  since(group: string, generation: number): QueueOffset[] {
    const found: QueueOffset[] = [];
    for (const [key, queues] of Object.entries(objectOrEmpty(readJsonObject(this.#fs, this.#path), 'resets'))) {
      const separator = key.indexOf('@');
      if (key.slice(separator + 1) !== group || !isJsonObject(queues)) continue;
      for (const queueId of Object.keys(queues)) {
        const reset = objectOrEmpty(queues, queueId);
        const offset = countOf(reset['offset']);
        if (offset !== null && (countOf(reset['generation']) ?? 0) > generation) {
          found.push({ topic: key.slice(0, separator), queueId: Number(queueId), offset });
        }
      }
    }
    return found;
  }

  /** Records a reset durably under a new generation and returns it. Called under the write lock, before the offsets themselves are set. */
  record(group: string, offsets: readonly QueueOffset[]): number {
    const root = readJsonObject(this.#fs, this.#path);
    const generation = (countOf(root['generation']) ?? 0) + 1;
    root['generation'] = generation;
    const resets = objectAt(root, 'resets');
    for (const { topic, queueId, offset } of offsets) {
      objectAt(resets, `${topic}@${group}`)[queueId] = Object.assign(newJsonObject(), { generation, offset });
    }
    writeFileAtomically(this.#fs, this.#path, Buffer.from(formatBrokerJson(root)), { tempDirectory: this.#tempDirectory });
    return generation;
  }
}
