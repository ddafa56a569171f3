import type { FileSystem } from '../files/file-system.ts';
import type { StorePaths } from '../store-paths.ts';
import { formatBrokerJson, isJsonObject, newJsonObject, parseBrokerJson } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { readWholeFile, writeFileAtomically } from './file-io.ts';

/**
 * `mqlite/consumerOffset.json`: the committed offsets as mqlite last wrote them, `{"lockModifiedMs":n,"value":{…}}`.
 *
 * A broker that is refused the store's lock still rewrites consumerOffset.json on its way out, from what it read when it
 * started. A consumer that committed and ended in between is not there to mend that; this copy is. It stops counting as
 * soon as a broker really had the store: having got the lock, it writes into the lock file [DefaultMessageStore#start],
 * which a refused one does not.
 */
export class OffsetShadow {
  readonly #fs: FileSystem;
  readonly #paths: StorePaths;

  constructor(fs: FileSystem, paths: StorePaths) {
    this.#fs = fs;
    this.#paths = paths;
  }

  /** null when there is none, or a broker has run since. */
  read(): JsonObject | null {
    const bytes = readWholeFile(this.#fs, this.#paths.offsetShadow);
    if (bytes === null) return null;
    try {
      const shadow = parseBrokerJson(bytes.toString('utf8'));
      if (!isJsonObject(shadow) || !isJsonObject(shadow['value'])) return null;
      return shadow['lockModifiedMs'] === this.#lockModifiedMs() ? shadow['value'] : null;
    } catch {
      // A copy only: consumerOffset.json itself is what counts then.
      return null;
    }
  }

  write(value: JsonObject): void {
    const shadow = Object.assign(newJsonObject(), { lockModifiedMs: this.#lockModifiedMs(), value });
    writeFileAtomically(this.#fs, this.#paths.offsetShadow, Buffer.from(formatBrokerJson(shadow)), { tempDirectory: this.#paths.temp, sync: false });
  }

  /** Whole ms: what a JSON number holds exactly on every file system. */
  #lockModifiedMs(): number {
    return Math.floor(this.#fs.stat(this.#paths.lock)?.modifiedMs ?? 0);
  }
}
