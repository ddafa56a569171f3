/**
 * One JSON document. Numbers in mqlite are safe integers and print exactly; bigint (tagsCode) prints its digits, which JSON allows
 * and JSON.stringify refuses. `indent` 0: one line. Property order is the object's own.
 */
export function toJson(value: unknown, indent = 0): string {
  if (!holdsBigint(value)) return JSON.stringify(value, null, indent);
  const marks: string[] = [];
  // Marked, then replaced: rawJSON is not in Node 20.
  const marker = '\u0000bigint:';
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    marks.push(String(item));
    return `${marker}${marks.length - 1}`;
  }, indent);
  return text.replace(/"\\u0000bigint:(\d+)"/g, (whole, index: string) => marks[Number(index)] ?? whole);
}

function holdsBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some(holdsBigint);
}
