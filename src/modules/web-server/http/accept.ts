/**
 * The type that a client likes best among those that are offered (RFC 9110 12.5.1): of equally liked ones the one offered
 * first, and that one also when the client says nothing or likes none of them.
 *
 * @param offered such as `application/json`, the usual one first
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type {
  return acceptedType(accept, offered) ?? offered[0];
}

/** The same, but nothing when the client likes none of them. */
export function acceptedType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type | undefined {
  if (accept === undefined) return offered[0];
  const ranges = accept.toLowerCase().split(",").map(readRange);
  let best: Type | undefined;
  let liking = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight <= liking) continue;
    liking = weight;
    best = type;
  }
  return best;
}

interface MediaRange {
  readonly pattern: string;
  readonly weight: number;
}

/** The weight is 1 unless a `q` says another one; what is no number is read as if it were not there. */
function readRange(text: string): MediaRange {
  const [pattern = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters
    .map((parameter) => /^q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)$/.exec(parameter)?.[1])
    .find(Boolean);
  return { pattern, weight: quality === undefined ? 1 : Number(quality) };
}

/** What the most exact range says: `text/plain` before `text/*` before the one for everything. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [type, `${type.slice(0, type.indexOf("/"))}/*`, "*/*"]) {
    const range = ranges.find((one) => one.pattern === pattern);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
