import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NrdpForm } from "../../../src/wire/nrdp/form.js";

const names = new Set(["token", "cmd", "xml", "XMLDATA", "command"]);

function read(...encoded: (string | Buffer)[]) {
  const form = new NrdpForm(names);
  for (const one of encoded) form.read(Buffer.from(one as string));
  return form;
}

const values = (form: NrdpForm) =>
  Object.fromEntries(
    [...names].filter((name) => form.bytes(name) !== undefined).map((name) => [name, form.text(name)]),
  );

describe("the parameters of a request", () => {
  test.each([
    ["", {}],
    ["token=a&cmd=hello", { token: "a", cmd: "hello" }],
    ["token=a%20b+c&cmd=%c3%BC", { token: "a b c", cmd: "ü" }],
    ["token&cmd=", { token: "", cmd: "" }],
    ["&&=x&unknown=1&token=a=b", { token: "a=b" }],
    ["token=a&token=b", { token: "b" }],
    ["to%6ben=a", { token: "a" }],
    ["token=100% used%&cmd=%zz%2", { token: "100% used%", cmd: "%zz%2" }],
  ])("%s", (encoded, expected) => {
    expect(values(read(encoded))).toEqual(expected);
  });

  test("in a body beat those of the query string", () => {
    expect(values(read("token=query&cmd=hello", "token=body"))).toEqual({ token: "body", cmd: "hello" });
  });

  test("may be lists", () => {
    expect(read("command[]=a&command[]=b").texts("command")).toEqual(["a", "b"]);
    expect(read("command%5B0%5D=a&command%5B1%5D=b").texts("command")).toEqual(["a", "b"]);
    expect(read("command[]=query", "command[]=body").texts("command")).toEqual(["body"]);
    expect(read("command=a").texts("command")).toEqual(["a"]);
    expect(read("token=a").texts("command")).toEqual([]);
  });

  test("may hold XML that nobody encoded, with & < > alone as %26 %3C %3E", () => {
    const xml = `<?xml version='1.0'?>\n<checkresults>\n  <checkresult type="service"><output><![CDATA[a=1 %26 b %3C 5% "x"]]></output>`;
    expect(values(read(`token=t&cmd=submitcheck&xml=${xml}\n</checkresult></checkresults>`))).toEqual({
      token: "t",
      cmd: "submitcheck",
      xml: `<?xml version='1.0'?>\n<checkresults>\n  <checkresult type="service"><output><![CDATA[a=1 & b < 5% "x"]]></output>\n</checkresult></checkresults>`,
    });
  });

  test("may hold entities in XML that nobody encoded; any other & ends it", () => {
    expect(values(read("xml=<a>x &amp; y &#228; &lt;</a>&cmd=submitcheck"))).toEqual({
      xml: "<a>x &amp; y &#228; &lt;</a>",
      cmd: "submitcheck",
    });
    expect(values(read("xml=<a>x & cmd=y</a>"))).toEqual({ xml: "<a>x " });
    expect(values(read("token=a&amp;cmd=b"))).toEqual({ token: "a" });
  });

  test("that are encoded come back, whatever they hold", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }).map((text) => text.replace(/\p{Surrogate}/gu, "")),
        (value) => {
          expect(read(new URLSearchParams({ cmd: "x", xml: value }).toString()).text("xml")).toBe(value);
        },
      ),
    );
  });

  test("can be any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const form = new NrdpForm(names);
        form.read(Buffer.from(bytes));
        form.read(Buffer.concat([Buffer.from("token=t&xml=<"), bytes]));
        expect(form.bytes("xml")).toBeDefined();
      }),
    );
  });
});
