/** Strings to numbers as Java's valueOf methods read them; undefined where they throw NumberFormatException. */

const INTEGER_LIMIT = 2 ** 31;
const LONG_LIMIT = 2n ** 63n;

/** [Integer#valueOf] */
export const javaInteger = (text: string): number | undefined => {
  const first = text.charCodeAt(0);
  const isNegative = first === 45;
  let at = isNegative || first === 43 ? 1 : 0;
  if (at === text.length) return undefined;
  let value = 0;
  for (; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) return undefined;
    value = value * 10 + digit;
    if (value > INTEGER_LIMIT) return undefined;
  }
  if (isNegative) return 0 - value;
  return value < INTEGER_LIMIT ? value : undefined;
};

/** [Long#valueOf] */
export const javaLong = (text: string): bigint | undefined => {
  const isNegative = text.startsWith('-');
  const start = isNegative || text.startsWith('+') ? 1 : 0;
  if (start === text.length) return undefined;
  let digits = '';
  for (let at = start; at < text.length; at++) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) return undefined;
    digits += digit;
  }
  const value = isNegative ? -BigInt(digits) : BigInt(digits);
  return value >= -LONG_LIMIT && value < LONG_LIMIT ? value : undefined;
};

/** [Double#valueOf]: blanks around it, a suffix f or d, NaN, Infinity and hexadecimal floats are fine; an exponent of any size, too. */
export const javaDouble = (text: string): number | undefined => {
  // Of these characters alone both languages make the same numbers.
  if (/^[\d.eE+-]+$/.test(text)) {
    const value = Number(text);
    return Number.isNaN(value) ? undefined : value;
  }
  const trimmed = trimBlanks(text);
  const decimal = /^([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=[fFdD]?$)))[fFdD]?$/.exec(trimmed);
  if (decimal !== null) return Number(decimal[1]);
  const hex = /^([+-]?)0[xX](?=\.?[\da-fA-F])([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/.exec(trimmed);
  if (hex === null) return undefined;
  const [, sign, whole, fraction, exponent] = hex;
  const value = binaryFloat(BigInt(`0x${whole}${fraction}`), Number(exponent) - 4 * fraction!.length);
  return sign === '-' ? -value : value;
};

/** The double nearest to `mantissa` · 2^`exponent`, ties to even. */
const binaryFloat = (mantissa: bigint, exponent: number): number => {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > 1024) return Infinity;
  if (bits + exponent < -1074) return 0;
  // Numbers next to zero have fewer bits.
  const dropped = bits - Math.min(53, bits + exponent + 1074);
  if (dropped <= 0) return scaled(Number(mantissa), exponent);
  const shift = BigInt(dropped);
  let kept = mantissa >> shift;
  const rest = mantissa - (kept << shift);
  const half = 1n << (shift - 1n);
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
  return scaled(Number(kept), exponent + dropped);
};

/** In two steps: 2^exponent alone may lie below what a double can hold. */
const scaled = (value: number, exponent: number): number => value * 2 ** Math.trunc(exponent / 2) * 2 ** (exponent - Math.trunc(exponent / 2));

/** Java's String#trim: everything up to U+0020. */
const trimBlanks = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
};

/** Character#digit of one UTF-16 unit: the digits of every script count. -1 for no digit. */
const digitOf = (unit: number): number => {
  if (unit < 0x80) return unit >= 48 && unit <= 57 ? unit - 48 : -1;
  if (!isDigit(unit)) return -1;
  // A script's ten digits stand together, from zero on.
  let zero = unit;
  while (isDigit(zero - 1)) zero--;
  return (unit - zero) % 10;
};

const isDigit = (unit: number): boolean => /^\p{Nd}$/u.test(String.fromCharCode(unit));
