/** Java's String.hashCode: s[0]·31^(n-1) + … over UTF-16 units, as a signed 32-bit integer. */
export const javaHashCode = (text: string): number => javaHashContinue(0, text);

/** The hash of `prefix + text`, given the hash of `prefix`. */
export const javaHashContinue = (hash: number, text: string): number => {
  let result = hash;
  for (let index = 0; index < text.length; index++) result = (Math.imul(result, 31) + text.charCodeAt(index)) | 0;
  return result;
};
