import { javaHashCode } from '../base/java-hash.ts';

/** Low word of a queue entry's tags code: Java's hash of the whole TAGS value, 0 without tags. [MessageExtBrokerInner#tagsString2tagsCode] */
export const tagsHash = (tags: string | null | undefined): number => (tags === null || tags === undefined || tags === '' ? 0 : javaHashCode(tags));

/** The tags code as the queue entry stores it: sign-extended to 64 bits. */
export const tagsCode = (hash: number): bigint => BigInt(hash | 0);
