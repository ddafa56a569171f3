/**
 * What fastjson's text means. Integers beyond 2^53 are bigint, so that no digit is lost; objects inherit nothing; an object that has
 * objects for keys, which fastjson prints for maps, is `JsonPairs`.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject | JsonPairs;

export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

/** An object with keys that are no strings: `{{"topic":"T","queueId":0}:7}`. */
export class JsonPairs {
  readonly entries: readonly (readonly [JsonValue, JsonValue])[];

  constructor(entries: readonly (readonly [JsonValue, JsonValue])[]) {
    this.entries = entries;
  }
}

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonPairs);
