const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

const two = (value: number): string => String(value).padStart(2, '0');
const three = (value: number): string => String(value).padStart(3, '0');

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getUTCFullYear()),
  y: (date) => two(date.getUTCFullYear() % 100),
  m: (date) => two(date.getUTCMonth() + 1),
  d: (date) => two(date.getUTCDate()),
  e: (date) => String(date.getUTCDate()).padStart(2, ' '),
  H: (date) => two(date.getUTCHours()),
  I: (date) => two(date.getUTCHours() % 12 || 12),
  M: (date) => two(date.getUTCMinutes()),
  S: (date) => two(date.getUTCSeconds()),
  L: (date) => three(date.getUTCMilliseconds()),
  f: (date) => `${three(date.getUTCMilliseconds())}000`,
  p: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  F: (date) => `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`,
  T: (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`,
  R: (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`,
  D: (date) => `${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}/${two(date.getUTCFullYear() % 100)}`,
  j: (date) => three(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  A: (date) => DAYS[date.getUTCDay()]!,
  a: (date) => DAYS[date.getUTCDay()]!.slice(0, 3),
  B: (date) => MONTHS[date.getUTCMonth()]!,
  b: (date) => MONTHS[date.getUTCMonth()]!.slice(0, 3),
  Z: () => 'UTC',
  z: () => '+0000',
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
};

/** Position of the first directive that is unknown, or -1. */
export function unknownDirective(pattern: string): number {
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] !== '%') continue;
    if (DIRECTIVES[pattern[index + 1] ?? ''] === undefined) return index;
    index++;
  }
  return -1;
}

/** strftime in UTC; `%L` is milliseconds. Unknown directives are left as they are. */
export function strftime(epochMs: number, pattern: string): string {
  const date = new Date(epochMs);
  return pattern.replace(/%(.)/gs, (whole, letter: string) => DIRECTIVES[letter]?.(date) ?? whole);
}
