import type { FileSystem } from '../files/file-system.ts';
import { isJsonObject, newJsonObject, parseBrokerJson } from './broker-json.ts';
import type { JsonObject } from './broker-json.ts';
import { readWholeFile } from './file-io.ts';

/** A file of mqlite's own; empty when there is none, or something else than an object in it. Throws CodecError DAMAGED for what is no JSON. */
export const readJsonObject = (fs: FileSystem, path: string): JsonObject => {
  const bytes = readWholeFile(fs, path);
  const value = bytes === null ? null : parseBrokerJson(bytes.toString('utf8'));
  return isJsonObject(value) ? value : newJsonObject();
};
