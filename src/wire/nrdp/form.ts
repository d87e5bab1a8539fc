/**
 * The parameters of a request, from a query string or a body of the type `application/x-www-form-urlencoded`.
 *
 * `send_nrdp.sh` writes its XML into the body as it is, with `%26`, `%3C` and `%3E` only for what stands inside CDATA. So
 * blanks, quotes, `=` and line ends are taken as they are, and a `%` without two hexadecimal digits stands for itself. In
 * a value that begins with a bare `<` an `&` that begins an entity of XML belongs to the value; any other `&` ends it.
 */
export class NrdpForm {
  private readonly values = new Map<string, Buffer[]>();

  /** @param names the parameters that matter; all others are passed over */
  constructor(private readonly names: ReadonlySet<string>) {}

  /**
   * Reads parameters; each replaces what an earlier one of the same name said. `name[]` and `name[0]` make a list.
   *
   * @param encoded a query string without its `?`, or a body
   */
  read(encoded: Buffer): void {
    const text = encoded.toString("latin1");
    const fresh = new Set<string>();
    for (let start = 0; start < text.length; ) {
      const end = fieldEnd(text, start);
      const equals = text.indexOf("=", start);
      const nameEnd = equals < 0 || equals > end ? end : equals;
      const spelled = nameEnd - start > maxNameLength ? "" : decode(encoded, start, nameEnd).toString("latin1");
      const [, name = "", list] = /^([^[]*)(\[[^\]]*\]$)?/.exec(spelled) ?? [];
      if (this.names.has(name)) {
        const value = decode(encoded, Math.min(nameEnd + 1, end), end);
        const values = list === undefined || !fresh.has(name) ? undefined : this.values.get(name);
        if (values === undefined) this.values.set(name, [value]);
        else values.push(value);
        fresh.add(name);
      }
      start = end + 1;
    }
  }

  /** The value, or undefined when nobody gave one. */
  bytes(name: string): Buffer | undefined {
    return this.values.get(name)?.at(-1);
  }

  /** The value as text; empty when nobody gave one. */
  text(name: string): string {
    return this.bytes(name)?.toString("utf8") ?? "";
  }

  /** All values of a list, or the one that was given. */
  texts(name: string): string[] {
    return (this.values.get(name) ?? []).map((value) => value.toString("utf8"));
  }
}

/** Longer names are nobody's. */
const maxNameLength = 100;

/** An entity of XML behind its `&`. */
const entity = /(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});/iy;

/** Where the field that begins at `start` ends: at its `&`, or at the end of all. */
function fieldEnd(text: string, start: number): number {
  let end = text.indexOf("&", start);
  const equals = text.indexOf("=", start);
  const isBareXml = equals >= 0 && (end < 0 || equals < end) && text[equals + 1] === "<";
  while (isBareXml && end >= 0) {
    entity.lastIndex = end + 1;
    if (!entity.test(text)) break;
    end = text.indexOf("&", end + 1);
  }
  return end < 0 ? text.length : end;
}

/** Undoes the encoding of a piece: `+` is a blank, `%` and two hexadecimal digits are a byte. */
function decode(encoded: Buffer, start: number, end: number): Buffer {
  const decoded = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = encoded[at] ?? 0;
    const high = byte === percent && at + 2 < end ? hexDigit(encoded[at + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(encoded[at + 2]);
    if (low >= 0) {
      decoded[length++] = high * 16 + low;
      at += 2;
    } else {
      decoded[length++] = byte === plus ? blank : byte;
    }
  }
  return decoded.subarray(0, length);
}

const percent = 0x25;
const plus = 0x2b;
const blank = 0x20;

/** The value of a digit; -1 when it is none. */
function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
