/** One part of a query string, form-decoded; without `=` there is no value. */
export interface QueryPart {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * The query string of a request. Parameters are looked up with their case, the first one of a name counts, and only where
 * there is an `=`.
 */
export class QueryParameters {
  /** All parts in the order in which they were sent, empty ones left out. */
  readonly parts: readonly QueryPart[];

  /** @param raw what follows the question mark */
  constructor(readonly raw: string) {
    this.parts = raw === "" ? [] : raw.split("&").filter(Boolean).map(readPart);
  }

  get(name: string): string | undefined {
    return this.parts.find((part) => part.name === name && part.value !== undefined)?.value;
  }

  /** Whether the parameter is `true`, in any case of letters. */
  flag(name: string, missing = false): boolean {
    const value = this.get(name);
    return value === undefined ? missing : value.toLowerCase() === "true";
  }

  /** The parameter as a whole number; `missing` also for what is none. */
  number(name: string, missing: number): number {
    const value = this.get(name);
    return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : missing;
  }
}

function readPart(text: string): QueryPart {
  const equals = text.indexOf("=");
  if (equals < 0) return { name: formDecoded(text), value: undefined };
  return { name: formDecoded(text.slice(0, equals)), value: formDecoded(text.slice(equals + 1)) };
}

/** `+` is a blank and `%XX` a byte of UTF-8; what is neither stays as it is. */
function formDecoded(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  return spaced.replace(/(?:%[\da-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}
