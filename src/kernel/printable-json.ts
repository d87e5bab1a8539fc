/**
 * The value as JSON without a sign that steers a terminal: JSON escapes those of ASCII, and here also those of Latin-1, the line
 * ends of Unicode and what turns the direction of writing. Readers of JSON get the same value.
 */
export function printableJson(value: unknown): string {
  return withoutControls(JSON.stringify(value));
}

/** JSON that is there already. */
export function withoutControls(json: string): string {
  return steering.test(json) ? json.replace(all, escaped) : json;
}

const steering = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const all = new RegExp(steering, "g");

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
