import { CodecError } from '../../base/codec-error.ts';
import { isJsonObject, JsonPairs } from './value.ts';
import type { JsonValue } from './value.ts';

/** `.name` (special characters behind `\`), `[0]` or `["name"]`. */
const STEP = /\.((?:\\.|[^.[\\])+)|\[(\d+)\]|\["((?:\\.|[^"\\])*)"\]|\['((?:\\.|[^'\\])*)'\]/y;

/** References to references to …, and values within values. */
const MAX_DEPTH = 200;

/**
 * Puts in place of each `{"$ref":"$.path"}` what lies at that path. fastjson 1 (brokers up to 5.3.x) prints it for an object that it
 * has printed before; fastjson 2 does not. Throws CodecError(DAMAGED) for a path that leads nowhere, for references to what is around
 * them (no body of RocketMQ contains itself), and when there are more than `maxValues`, what is referred to counted each time: a short text
 * could otherwise stand for more than anybody can go through.
 */
export const resolveReferences = (root: JsonValue, maxValues: number): JsonValue => new Resolver(root, maxValues).resolve(root).value;

interface Resolved {
  readonly value: JsonValue;
  /** How many values it holds. */
  readonly size: number;
}

class Resolver {
  readonly #root: JsonValue;
  readonly #maxValues: number;
  readonly #done = new Map<JsonValue, Resolved>();
  readonly #underWay = new Set<JsonValue>();
  readonly #keys = new Map<JsonPairs, ReadonlyMap<string | null, JsonValue>>();

  constructor(root: JsonValue, maxValues: number) {
    this.#root = root;
    this.#maxValues = maxValues;
  }

  resolve(value: JsonValue): Resolved {
    if (typeof value !== 'object' || value === null) return { value, size: 1 };
    const done = this.#done.get(value);
    if (done !== undefined) return done;
    if (this.#underWay.has(value)) throw new CodecError('DAMAGED', 'the JSON text has a $ref to something that contains it');
    if (this.#underWay.size >= MAX_DEPTH) throw new CodecError('DAMAGED', 'the JSON text has too many $refs behind one another');
    this.#underWay.add(value);
    const resolved = this.#resolveObject(value);
    if (resolved.size > this.#maxValues) throw new CodecError('DAMAGED', `the JSON text has more than ${this.#maxValues} values, those behind $refs counted each time`);
    this.#underWay.delete(value);
    this.#done.set(value, resolved);
    return resolved;
  }

  #resolveObject(value: Exclude<JsonValue, null | string | number | bigint | boolean>): Resolved {
    let size = 1;
    const inner = (item: JsonValue): JsonValue => {
      const resolved = this.resolve(item);
      size += resolved.size;
      return resolved.value;
    };
    if (Array.isArray(value)) {
      const items = (value as readonly JsonValue[]).map(inner);
      return { value: items, size };
    }
    if (value instanceof JsonPairs) {
      const pairs = new JsonPairs(value.entries.map(([key, item]) => [inner(key), inner(item)]));
      return { value: pairs, size };
    }
    if (!isJsonObject(value)) return { value, size };
    const path = value['$ref'];
    if (typeof path === 'string' && Object.keys(value).length === 1) return this.resolve(this.#find(path));
    const copy = Object.create(null) as Record<string, JsonValue>;
    for (const name of Object.keys(value)) copy[name] = inner(value[name]!);
    return { value: copy, size };
  }

  #find(path: string): JsonValue {
    let value: JsonValue | undefined = path.startsWith('$') ? this.#root : undefined;
    for (let at = 1; at < path.length && value !== undefined; ) {
      STEP.lastIndex = at;
      const step = STEP.exec(path);
      if (step === null) value = undefined;
      else {
        at += step[0].length;
        const [, dotted, index, double, single] = step;
        value = index === undefined ? this.#fieldOf(value, (dotted ?? double ?? single ?? '').replace(/\\(.)/g, '$1')) : this.#itemOf(value, Number(index));
      }
    }
    if (value === undefined) throw new CodecError('DAMAGED', `the JSON text has a $ref to ${JSON.stringify(path.slice(0, 80))}, where nothing is`);
    return value;
  }

  #itemOf(value: JsonValue, index: number): JsonValue | undefined {
    return Array.isArray(value) ? (value as readonly JsonValue[])[index] : this.#fieldOf(value, String(index));
  }

  #fieldOf(value: JsonValue, name: string): JsonValue | undefined {
    if (!(value instanceof JsonPairs)) return isJsonObject(value) ? value[name] : undefined;
    let keys = this.#keys.get(value);
    if (keys === undefined) {
      keys = new Map(value.entries.map(([key, item]) => [keyName(key), item]));
      this.#keys.set(value, keys);
    }
    return keys.get(name);
  }
}

/** An object that is a key stands in a path as Java prints it. [MessageQueue#toString] */
const keyName = (key: JsonValue): string | null => {
  if (typeof key === 'string') return key;
  if (!isJsonObject(key)) return null;
  const { topic, brokerName, queueId } = key;
  return [topic, brokerName, queueId].some((part) => typeof part === 'object') ? null : `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
};
