import { viewOf } from '../base/view-of.ts';
import { parseProperties, PropertyMap } from './properties.ts';
import { readText } from './text.ts';

const NAME_END_BYTE = 1;
const VALUE_END_BYTE = 2;
/** Of records that do not fit the layout known, one in so many is learnt from: where layouts alternate, learning each costs more than it saves. */
const LEARN_EVERY = 16;

/** One property as the record learnt from had it. */
interface Item {
  readonly name: string;
  readonly value: string;
  /** `name 0x01 value 0x02`: four bytes a word, the last word over the last four bytes. The shortest item has four. */
  readonly words: Int32Array;
  readonly sizeBytes: number;
  readonly nameBytes: Uint8Array;
}

/**
 * Reads the properties of one record after the other. Neighbours mostly have the same names in the same order, and the same values
 * but for keys and ids: what equals the record learnt from, byte by byte, is taken from it, so that names are not made and hashed
 * again (a record of 8 properties: 0.37 against 0.65 µs). Anything else goes to `parseProperties`, which has the rules.
 */
export class PropertyReader {
  #items: readonly Item[] = [];
  #misses = 0;

  /** The properties in `buffer[start, end)`. */
  read(buffer: Buffer, start: number, end: number): Record<string, string> {
    const view = viewOf(buffer);
    const properties = new PropertyMap();
    const items = this.#items;
    let at = start;
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      if (at + item.sizeBytes <= end && isEqual(view, at, item)) {
        properties[item.name] = item.value;
        at += item.sizeBytes;
        continue;
      }
      const { nameBytes } = item;
      const valueAt = at + nameBytes.length;
      if (!startsWith(buffer, at, end, nameBytes)) return this.#readUnknown(buffer, start, end);
      const valueEnd = endOfValue(buffer, valueAt, end);
      if (valueEnd <= valueAt) return this.#readUnknown(buffer, start, end);
      properties[item.name] = readText(buffer, valueAt, valueEnd);
      at = valueEnd + 1;
    }
    return at === end ? properties : this.#readUnknown(buffer, start, end);
  }

  #readUnknown(buffer: Buffer, start: number, end: number): Record<string, string> {
    if (this.#misses++ % LEARN_EVERY === 0) this.#items = learn(buffer, start, end);
    return parseProperties(readText(buffer, start, end));
  }
}

const isEqual = (view: DataView, at: number, { words, sizeBytes }: Item): boolean => {
  const last = words.length - 1;
  for (let index = 0; index < last; index++) if (view.getInt32(at + index * 4) !== words[index]) return false;
  return view.getInt32(at + sizeBytes - 4) === words[last];
};

const startsWith = (buffer: Buffer, at: number, end: number, bytes: Uint8Array): boolean => {
  if (at + bytes.length > end) return false;
  for (let index = 0; index < bytes.length; index++) if (buffer[at + index] !== bytes[index]) return false;
  return true;
};

/** Where the value that begins at `at` ends; -1 when nothing ends it. */
const endOfValue = (buffer: Buffer, at: number, end: number): number => {
  for (let position = at; position < end; position++) if (buffer[position] === VALUE_END_BYTE) return position;
  return -1;
};

/** The properties as items; none when there is anything that does not count or is not ended. */
const learn = (buffer: Buffer, start: number, end: number): Item[] => {
  const items: Item[] = [];
  for (let at = start; at < end;) {
    const valueEnd = endOfValue(buffer, at, end);
    const nameEnd = buffer.indexOf(NAME_END_BYTE, at);
    if (nameEnd <= at || nameEnd >= valueEnd - 1) return [];
    const sizeBytes = valueEnd + 1 - at;
    const words = new Int32Array(Math.ceil(sizeBytes / 4));
    for (let index = 0; index < words.length; index++) words[index] = buffer.readInt32BE(Math.min(at + index * 4, valueEnd - 3));
    items.push({
      name: readText(buffer, at, nameEnd), value: readText(buffer, nameEnd + 1, valueEnd), words, sizeBytes, nameBytes: Uint8Array.from(buffer.subarray(at, nameEnd + 1)),
    });
    at = valueEnd + 1;
  }
  return items;
};
