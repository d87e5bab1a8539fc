/** Deeper JSON is refused, as other readers of protobuf JSON do. */
const maxDepth = 100;

export type JsonKind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** Says of a text what is wrong with it, and where. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

const kinds: Readonly<Record<string, JsonKind>> = {
  "{": "object",
  "[": "array",
  '"': "string",
  "-": "number",
  t: "boolean",
  f: "boolean",
  n: "null",
};

const blank = /[ \t\n\r]*/y;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const quote = 0x22;
const backslash = 0x5c;

/**
 * Reads a JSON text (RFC 8259) value by value, and builds nothing by itself: names that occur twice are seen, numbers keep
 * their digits, and no name ever becomes a property of an object.
 */
export class JsonScanner {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  /** What kind of value comes next. */
  peek(): JsonKind {
    const first = this.next();
    const kind = kinds[first] ?? (/\d/.test(first) ? "number" : undefined);
    return kind ?? this.fail("a value is missing");
  }

  /** Reads an object; `member` has to read the value of each name. */
  object(member: (name: string) => void): void {
    this.enter("{");
    if (!this.take("}")) {
      do {
        if (this.next() !== '"') this.fail("the name of a member is missing");
        const name = this.string();
        if (!this.take(":")) this.fail('":" is missing');
        member(name);
      } while (this.take(","));
      if (!this.take("}")) this.fail('"," or "}" is missing');
    }
    this.depth--;
  }

  /** Reads an array; `item` has to read each value. */
  array(item: (index: number) => void): void {
    this.enter("[");
    if (!this.take("]")) {
      let index = 0;
      do item(index++);
      while (this.take(","));
      if (!this.take("]")) this.fail('"," or "]" is missing');
    }
    this.depth--;
  }

  string(): string {
    const start = this.at;
    let end = start + 1;
    let plain = true;
    for (; ; end++) {
      const code = this.text.charCodeAt(end);
      if (code === quote) break;
      if (Number.isNaN(code)) this.fail("a text has no end");
      if (code < 0x20) this.fail("a text has a control character in it", end);
      if (code !== backslash) continue;
      plain = false;
      end++;
    }
    this.at = end + 1;
    if (plain) return this.text.slice(start + 1, end);
    try {
      return String(JSON.parse(this.text.slice(start, end + 1)));
    } catch {
      return this.fail("a text has a wrong escape in it", start);
    }
  }

  /** Reads a number as it is written. */
  number(): string {
    numberForm.lastIndex = this.at;
    const found = numberForm.exec(this.text)?.[0] ?? this.fail("this is no number");
    this.at += found.length;
    return found;
  }

  /** Reads `true` or `false`. */
  boolean(): boolean {
    const value = this.text[this.at] === "t";
    this.word(String(value));
    return value;
  }

  null(): void {
    this.word("null");
  }

  /** Has to be called after the value: nothing may follow it. */
  end(): void {
    if (this.next() !== "") this.fail("more follows after the value");
  }

  private word(expected: string): void {
    if (!this.text.startsWith(expected, this.at)) this.fail("this is no value");
    this.at += expected.length;
  }

  private enter(bracket: string): void {
    if (!this.take(bracket)) this.fail(`"${bracket}" is missing`);
    if (++this.depth > maxDepth) this.fail(`more than ${maxDepth} values lie in one another`);
  }

  private take(sign: string): boolean {
    if (this.next() !== sign) return false;
    this.at++;
    return true;
  }

  /** The next character that is not blank; nothing at the end. */
  private next(): string {
    blank.lastIndex = this.at;
    blank.exec(this.text);
    this.at = blank.lastIndex;
    return this.text.charAt(this.at);
  }

  private fail(what: string, at = this.at): never {
    const before = this.text.slice(0, at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new JsonError(`This is no JSON: ${what} at line ${before.length}, column ${column}.`);
  }
}
