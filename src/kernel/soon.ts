/**
 * Goes on with a value that is there or on its way. What is there already costs no promise, and most checks answer at once.
 *
 * @param use what it throws is thrown, or rejects the promise
 */
export function soon<Value, Result>(
  value: Value | Promise<Value>,
  use: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(use) : use(value);
}
