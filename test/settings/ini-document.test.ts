import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IniDocument } from "../../src/settings/ini-document.js";

const parse = (text: string) => IniDocument.parse(Buffer.from(text));
const edited = (text: string, edit: (document: IniDocument) => void) => {
  const document = parse(text);
  edit(document);
  return document.serialise().toString();
};

describe("reading", () => {
  test("the dialect: first =, trimmed names, comments, keys before any section, skipped lines", () => {
    const document = parse(
      [
        "top = 1",
        "; comment = 1",
        "  # another = 2",
        "[ /modules ] ignored",
        "A=1",
        " B = x = y ; not a comment",
        "no equals",
        "= no name",
        "[/open",
        "C =",
        "[/Trailing/]",
        "d=\u00a0kept\u00a0",
      ].join("\r"),
    );
    expect(document.entries()).toEqual([
      { path: "", key: "top", value: "1", line: 1 },
      { path: "/modules", key: "A", value: "1", line: 5 },
      { path: "/modules", key: "B", value: "x = y ; not a comment", line: 6 },
      { path: "/modules", key: "C", value: "", line: 10 },
      { path: "/Trailing", key: "d", value: "\u00a0kept\u00a0", line: 12 },
    ]);
    expect(document.oddities()).toEqual([
      { line: 7, reason: "neither a [section], nor a comment, nor key = value" },
      { line: 8, reason: "there is no name before the =" },
      { line: 9, reason: "the section header has no ]" },
    ]);
    expect(document.sections()).toEqual([
      { path: "/modules", line: 4, rest: "ignored" },
      { path: "/Trailing", line: 11, rest: "" },
    ]);
  });

  test("of keys of the same name the last counts, exact spelling before any other", () => {
    const document = parse("[/a]\nx=1\nX=2\n[/A]\nx=3\n[/a]\nx=4\n");
    expect(document.find("/a", "x")?.value).toBe("4");
    expect(document.find("/a", "X")?.value).toBe("2");
    expect(document.find("/A", "X")?.value).toBe("3");
  });
});

describe("editing", () => {
  test("a changed value keeps the rest of its line and every other byte", () => {
    const text = "\ufeff; head\r\n\r\n[/a] \n\tKey   =\told  \r\nnonsense\n[/b]\rx=1";
    expect(edited(text, (document) => document.set("/A", "kEY", "new"))).toBe(text.replace("old", "new"));
  });

  test("a new key goes behind the section's last line, with that line's end", () => {
    expect(edited("[/a]\r\nx=1\r\n\r\n; about b\r\n[/b]\r\ny=2\n", (document) => document.set("/a", "z", "3"))).toBe(
      "[/a]\r\nx=1\r\nz = 3\r\n\r\n; about b\r\n[/b]\r\ny=2\n",
    );
  });

  test("a new key of a section that is there twice goes to the later one", () => {
    expect(edited("[/a]\nx=1\n[/b]\n[/a]\n", (document) => document.set("/a", "z", "3"))).toBe(
      "[/a]\nx=1\n[/b]\n[/a]\nz = 3\n",
    );
  });

  test("a new section comes last, described", () => {
    expect(
      edited("[/a]\nx=1", (document) => document.set("/b", "y", "2", { section: "B - the section", key: "Y - why" })),
    ).toBe("[/a]\nx=1\n\n; B - the section\n[/b]\n; Y - why\ny = 2");
  });

  test("a value that was empty keeps the style of its line", () => {
    expect(
      edited("[/a]\nx=\ny =\nz = \n", (document) => {
        for (const key of ["x", "y", "z"]) document.set("/a", key, "1");
      }),
    ).toBe("[/a]\nx=1\ny = 1\nz = 1\n");
  });

  test("a removed key takes only the comment along that was written with it", () => {
    const text = "[/a]\n; mine\n; X - generated\nx=1\n; also mine\ny=2\n";
    expect(edited(text, (document) => document.deleteKey("/a", "x", "X - generated"))).toBe(
      "[/a]\n; mine\n; also mine\ny=2\n",
    );
    expect(edited(text, (document) => document.deleteKey("/a", "y", "Y - generated"))).toBe(
      "[/a]\n; mine\n; X - generated\nx=1\n; also mine\n",
    );
  });

  test("a removed section leaves its neighbours and their comments", () => {
    expect(
      edited("[/a]\nx=1\n\n[/b]\n; in b\ny=2\n\n; about c\n[/c]\nz=3\n[/B]\nv=4\n", (document) =>
        document.deleteSection("/b"),
      ),
    ).toBe("[/a]\nx=1\n\n; about c\n[/c]\nz=3\n");
  });

  test("sorting puts /modules first and takes comments along", () => {
    expect(
      edited("; head\n\n; about z\n[/z]\na=1\n[/b]\n[/modules]\nM=enabled", (document) =>
        document.sort((a, b) => (a < b ? -1 : 1)),
      ),
    ).toBe("; head\n\n[/modules]\nM=enabled\n[/b]\n; about z\n[/z]\na=1\n");
  });

  test.each([
    ["/a", "x", "two\nlines", "The value of /a.x has a line break, which an ini file can't hold"],
    ["/a", "x", " v", "The value of /a.x begins or ends with a blank, which an ini file can't hold"],
    ["/a", "x=y", "v", '"x=y" can\'t be the name of a settings key'],
    ["/a", ";x", "v", '";x" can\'t be the name of a settings key'],
    ["/a]", "x", "v", '"/a]" can\'t be the name of a settings section'],
  ])("what can't stand in a file is refused: %j %j %j", (path, key, value, message) => {
    expect(() => parse("").set(path, key, value)).toThrow(message);
  });
});

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        "[/a]",
        "[/B]",
        "[/a/b]",
        "[",
        "x=1",
        " Y = zwei ",
        "= 3",
        "; c",
        "",
        "\r\n",
        "\n",
        "\r",
        " ",
        "\u00e4=\u00f6",
        "\ufeff",
      ),
      { maxLength: 40 },
    )
    .map((parts) => new Uint8Array(Buffer.from(parts.join("")))),
);
const name = fc.constantFrom("x", "X", "y", "new", "\u00e4");
const path = fc.constantFrom("", "/a", "/A", "/b", "/a/b", "/new");
const value = fc
  .string({ unit: "grapheme", maxLength: 20 })
  .map((text) => text.replace(/[\r\n]/g, "").replace(/^[ \t\v\f]+|[ \t\v\f]+$/g, ""));

describe("for any bytes", () => {
  test("what is read is written back", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(IniDocument.parse(input).serialise()).toEqual(Buffer.from(input));
      }),
    );
  });

  test("what is set is there, also when the file is read again", () => {
    fc.assert(
      fc.property(bytes, path, name, value, (input, path, key, value) => {
        const document = IniDocument.parse(input);
        document.set(path, key, value);
        expect(document.find(path, key)?.value).toBe(value);
        expect(IniDocument.parse(document.serialise()).find(path, key)?.value).toBe(value);
      }),
    );
  });

  test("setting changes one line, or adds lines in one place", () => {
    fc.assert(
      fc.property(bytes, path, name, value, (input, path, key, value) => {
        const document = IniDocument.parse(input);
        const before = document.entries().length;
        const existing = document.find(path, key);
        document.set(path, key, value);
        const old = Buffer.from(input).toString("latin1");
        const now = document.serialise().toString("latin1");
        const { head, tail } = common(old, now);
        // What went away is no more than the old value; what came is one stretch.
        const gone = old.slice(head, old.length - tail);
        expect(gone.length).toBeLessThanOrEqual(existing ? Buffer.byteLength(existing.value) : 0);
        expect(document.entries().length).toBe(before + (existing ? 0 : 1));
      }),
    );
  });

  test("a key that was added and removed again leaves no trace in a file that has its section", () => {
    fc.assert(
      fc.property(bytes, value, (input, value) => {
        const document = IniDocument.parse(Buffer.concat([input, Buffer.from("\n[/own]\nkept = 1")]));
        const before = document.serialise();
        document.set("/own", "added", value, { key: "Added - for the test" });
        document.deleteKey("/own", "added", "Added - for the test");
        expect(document.serialise()).toEqual(before);
      }),
    );
  });
});

function common(a: string, b: string): { head: number; tail: number } {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { head, tail };
}
