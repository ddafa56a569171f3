import { bodyPosition } from './check.ts';
import { MAGIC_CODE, MAGIC_V2, SYS_FLAG, TOTAL_SIZE } from './layout.ts';
import { propertyOf } from './properties.ts';
import { readText } from './text.ts';

/** Where a filter finds a message's properties. */
export interface PropertySource {
  /** null when it is absent. */
  property(name: string): string | null;
}

/** The properties of records, straight from their bytes: no map is made of them. One object serves any number of records, in turn. */
export class RecordProperties implements PropertySource {
  #text = '';

  /** Turns to the sound record at `position`. */
  at(buffer: Buffer, position: number): this {
    const lengthAt = position + bodyPosition(buffer.readInt32BE(position + SYS_FLAG));
    const topicAt = lengthAt + buffer.readInt32BE(lengthAt - 4);
    const isV2 = buffer.readInt32BE(position + MAGIC_CODE) === MAGIC_V2;
    const topicEnd = isV2 ? topicAt + 2 + buffer.readInt16BE(topicAt) : topicAt + 1 + buffer.readInt8(topicAt);
    this.#text = readText(buffer, topicEnd + 2, position + buffer.readInt32BE(position + TOTAL_SIZE));
    return this;
  }

  property(name: string): string | null {
    return propertyOf(this.#text, name);
  }
}

/** The properties of a message that was decoded before. */
export const mapProperties = (properties: Readonly<Record<string, string>>): PropertySource => ({ property: (name) => properties[name] ?? null });
