/**
 * One JSON document. Numbers in mqlite are safe integers and print exactly; bigint (tagsCode) prints its digits, which JSON allows
 * and JSON.stringify refuses. `indent` 0: one line. Property order is the object's own.
 */
export function toJson(value: unknown, indent = 0): string {
  if (!holdsBigint(value)) return JSON.stringify(value, null, indent);
  // Stringified with marks in their place, then replaced (JSON.rawJSON is not in Node 20). The mark must not be in the data.
  const plain = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? 0 : item));
  let serial = 0;
  while (plain.includes(`@bigint${serial}:`)) serial++;
  const mark = `@bigint${serial}:`;
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item), indent);
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}

function holdsBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some(holdsBigint);
}
