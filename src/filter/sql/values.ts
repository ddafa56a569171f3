import { javaDouble, javaInteger, javaLong } from './java-numbers.ts';

/** A Double of Java, which `=` and `<` treat otherwise than an Integer (a `number` here) or a Long (a `bigint`). */
export class JavaDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What an operand can be; null is SQL's NULL, "unknown". Properties are always strings. */
export type Value = string | boolean | number | bigint | JavaDouble | null;

/** The evaluation threw: the message is not delivered. One object, since a message is no place for a stack trace. */
export class EvaluationFailed extends Error {
  override readonly name = 'EvaluationFailed';
}

/** Java's compareTo after RocketMQ's conversions: the string becomes what the other side is. [ComparisonExpression#__compare] */
export const compareValues = (left: NonNullable<Value>, right: NonNullable<Value>): number => {
  if (typeof left === 'string') return typeof right === 'string' ? order(left, right) : compareAlike(convert(left, right), right);
  if (typeof right !== 'string') return compareAlike(left, right);
  // RocketMQ casts the wrong operand there, so TRUE = c always throws.
  if (typeof left === 'boolean') throw FAILED;
  return compareAlike(left, convert(right, left));
};

/** `=`: null beside a value is unknown on the left, false on the right; two nulls are equal. [ComparisonExpression#doCreateEqual] */
export const equalValues = (left: Value, right: Value): boolean | null => {
  if (left === null) return right === null ? true : null;
  if (right === null) return false;
  return left === right || compareValues(left, right) === 0;
};

/** `<` and its kin: two strings are compared as doubles. [ComparisonExpression#evaluate] */
export const relateValues = (left: NonNullable<Value>, right: NonNullable<Value>): number =>
  typeof left === 'string' && typeof right === 'string' ? orderDoubles(toDouble(left), toDouble(right)) : compareValues(left, right);

/** [UnaryExpression#negate]; anything but a number becomes unknown. */
export const negateValue = (value: Value): Value => {
  if (typeof value === 'number') return 0 - value;
  if (typeof value === 'bigint') return -value;
  return value instanceof JavaDouble ? new JavaDouble(-value.value) : null;
};

type Typed = boolean | number | bigint | JavaDouble;

const convert = (text: string, like: Typed): Typed => {
  if (typeof like === 'number') return javaInteger(text) ?? fail();
  if (typeof like === 'bigint') return javaLong(text) ?? fail();
  return typeof like === 'boolean' ? /^true$/i.test(text) : new JavaDouble(toDouble(text));
};

const compareAlike = (left: Typed, right: Typed): number => {
  if (typeof left === 'boolean' || typeof right === 'boolean') return typeof left === typeof right ? Number(left) - Number(right) : -1;
  if (left instanceof JavaDouble || right instanceof JavaDouble) return orderDoubles(asNumber(left), asNumber(right));
  return order(left, right);
};

const asNumber = (value: number | bigint | JavaDouble): number => (value instanceof JavaDouble ? value.value : Number(value));

const toDouble = (text: string): number => javaDouble(text) ?? fail();

const order = <T extends string | number | bigint>(left: T, right: T): number => (left < right ? -1 : left > right ? 1 : 0);

/** Double#compareTo: NaN equals itself and is above all; -0.0 is below 0.0. */
const orderDoubles = (left: number, right: number): number => {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) return left === 0 ? Number(Object.is(right, -0)) - Number(Object.is(left, -0)) : 0;
  return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
};

const FAILED = new EvaluationFailed('a value cannot be compared as the expression asks');

const fail = (): never => {
  throw FAILED;
};
