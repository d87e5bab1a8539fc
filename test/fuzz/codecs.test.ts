import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { parseAnswer } from "../../src/wire/nrdp/answer-reader.js";
import { NrdpForm } from "../../src/wire/nrdp/form.js";
import { parseJsonDocument } from "../../src/wire/nrdp/json-document.js";
import { parseXmlDocument } from "../../src/wire/nrdp/xml-document.js";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { NrpeReader } from "../../src/wire/nrpe/reader.js";
import { nscaEncryption } from "../../src/wire/nsca/encryption.js";
import { parseNscaMethod } from "../../src/wire/nsca/methods.js";
import { NscaReader } from "../../src/wire/nsca/reader.js";
import { announceSeed, seed, share } from "./budget.js";
import { mutatedBytes } from "./mutations.js";
import { nrpeInput, nscaInput, timelyPacket } from "./packets.js";

beforeAll(announceSeed);

/** A reader of packets, as far as its fuzz is concerned. */
interface Reader<Packet> {
  readonly problem: unknown;
  push(chunk: Buffer): void;
  next(): Packet | undefined;
}

/** What a reader makes of bytes that come in such pieces. */
function read<Packet>(reader: Reader<Packet>, bytes: Buffer, sizes: readonly number[]) {
  const packets: Packet[] = [];
  const take = () => {
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet);
  };
  let at = 0;
  for (const size of sizes) {
    reader.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    take();
  }
  reader.push(Buffer.from(bytes.subarray(at)));
  take();
  return { packets, problem: reader.problem };
}

const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 8 });

/** Runs a property as often as is the share of the codecs. */
function always<Input extends [unknown, ...unknown[]]>(
  inputs: { [Index in keyof Input]: fc.Arbitrary<Input[Index]> },
  holds: (...input: Input) => void,
): void {
  fc.assert(
    fc.property(fc.tuple(...inputs), (input) => holds(...(input as Input))),
    { seed, numRuns: share(0.25) },
  );
}

test("a query of NRPE is read or refused, and what was read can be asked again", () => {
  always([nrpeInput, pieces], (bytes, sizes) => {
    const { packets } = read(new NrpeReader("query"), bytes, sizes);
    for (const { version, type, text, payloadLength } of packets) {
      expect(type).toBe(1);
      expect(text.includes(0)).toBe(false);
      expect(text.length).toBeLessThanOrEqual(payloadLength);
      const again = encodeNrpeQuery(text.toString("latin1").replace(/[^ -~]/g, "?"), {
        version,
        payloadLength: payloadLength + 1,
      });
      const [packet] = read(new NrpeReader("query", { payloadLength: payloadLength + 1 }), again, []).packets;
      expect(packet?.text.length).toBe(text.length);
    }
  });
}, 600_000);

test("packets of NSCA are the same however the connection cuts them, and what is none ends the reading", () => {
  const parsed = parseNscaMethod("xor");
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const { method } = parsed;
  const iv = Buffer.alloc(128, 7);
  const reader = () => new NscaReader(nscaEncryption(method, "secret", iv, "decrypt"));
  always([nscaInput, pieces], (input, sizes) => {
    const plain = timelyPacket(input, 1_900_000_000);
    const bytes = Buffer.from(nscaEncryption(method, "secret", iv, "encrypt").update(plain));
    const whole = read(reader(), bytes, []);
    expect(read(reader(), bytes, sizes)).toEqual(whole);
  });
}, 600_000);

const xml = Buffer.from(
  "<?xml version='1.0'?><checkresults><checkresult type='service'><hostname>a</hostname><servicename>b</servicename><state>0</state><output>c &amp; d</output></checkresult></checkresults>",
);
const json = Buffer.from(
  '{"checkresults":[{"checkresult":{"type":"host"},"hostname":"a","state":"0","output":"up","time":"1"}]}',
);
const form = Buffer.from("token=a&cmd=submitcheck&xml=%3Ccheckresults%3E&command[]=x&command[]=%00&output_type=json");

test("documents of NRDP are results or a problem that can be told, never an exception", () => {
  always([mutatedBytes([xml, json, form])], (bytes) => {
    for (const parsed of [parseXmlDocument(bytes), parseJsonDocument(bytes)]) {
      if ("problem" in parsed) expect(parsed.problem).not.toBe("");
      else for (const { hostname } of parsed.results) expect(hostname).not.toMatch(/^\s*$|[\p{Cc};]/u);
    }
    parseAnswer(bytes.toString());
    const parameters = new NrdpForm(new Set(["token", "cmd", "xml", "command"]));
    parameters.read(bytes);
    expect(parameters.text("token").length).toBeLessThanOrEqual(bytes.length);
  });
}, 600_000);
