import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it, type TestContext } from "vitest";
import { type MessageType, PB } from "../../src/wire/messages.js";
import { parseMessage } from "../../src/wire/proto-json/parse-message.js";
import { printMessage } from "../../src/wire/proto-json/print-message.js";
import { packageRoot, temporaryFolder } from "../support/gateway-process.js";
import { messageArbitrary } from "../support/message-arbitrary.js";
import { protoFiles, readContract } from "../support/message-contract.js";
import { needPeer, pythonWithProtoc } from "./peers.js";

const folder = temporaryFolder("proto-json");
afterAll(() => folder.remove());
const descriptors = join(folder.path, "messages.binpb");
let described = false;

/** What protobuf's own reader and writer of JSON answers to the questions. */
function askPython(context: TestContext, questions: readonly (readonly unknown[])[]): unknown[] {
  const python = needPeer(pythonWithProtoc, context);
  if (!described) {
    const protos = `--proto_path=${join(packageRoot, "proto")}`;
    execFileSync(python, ["-m", "grpc_tools.protoc", protos, `--descriptor_set_out=${descriptors}`, ...protoFiles]);
    described = true;
  }
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
  const program = join(packageRoot, "test", "peers", "proto_json.py");
  const output = execFileSync(python, [program, descriptors], { input, encoding: "utf8", maxBuffer: 2 ** 28 });
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

interface Sample {
  readonly name: string;
  readonly codec: MessageType<object>;
  readonly message: object;
  /** Serialized, in base64. */
  readonly data: string;
}

const samples: readonly Sample[] = [...readContract().messages].flatMap(([name, { type }]) => {
  const codec = name
    .split(".")
    .slice(1)
    .reduce<unknown>((node, part) => (node as Readonly<Record<string, unknown>>)[part], PB) as MessageType<object>;
  return fc.sample(messageArbitrary(type), { numRuns: 12, seed: 5 }).map((fields) => {
    const message = codec.fromObject(fields);
    return { name, codec, message, data: serialized(codec, message) };
  });
});

function serialized(codec: MessageType<object>, message: object): string {
  return Buffer.from(codec.encode(message).finish()).toString("base64");
}

describe.each([false, true])("protobuf for Python, defaults written: %s", (defaults) => {
  it("reads what we write", (context) => {
    const questions = samples.map(({ name, codec, message }) => [
      "from_json",
      name,
      printMessage(codec, message, { defaults }),
    ]);
    const answers = askPython(context, questions);
    const read = samples.map(({ codec }, index) => serialized(codec, codec.decode(bytesOf(answers[index]))));
    expect(read).toEqual(samples.map(({ data }) => data));
  });

  it("writes what we read and would have written ourselves", (context) => {
    const answers = askPython(
      context,
      samples.map(({ name, data }) => ["to_json", name, data, defaults]),
    );
    for (const [index, { codec, message, data }] of samples.entries()) {
      const text = String(answers[index]);
      expect(serialized(codec, parseMessage(codec, text))).toBe(data);
      expect(JSON.parse(printMessage(codec, message, { defaults }))).toEqual(JSON.parse(text));
    }
  });
});

function bytesOf(answer: unknown): Buffer {
  expect(answer).toBeTypeOf("string");
  return Buffer.from(String(answer), "base64");
}

it("agrees with protobuf for Python on what is a message", (context) => {
  const texts = [
    "",
    "{}",
    "{} {}",
    '{"payload":[{}],}',
    '{"payload":[null]}',
    '{"payload":null,"header":null}',
    '{"payload":{}}',
    '{"payload":[{"id":1e2}]}',
    '{"payload":[{"id":"12"}]}',
    '{"payload":[{"id":"12x"}]}',
    '{"payload":[{"id":1.5}]}',
    '{"payload":[{"id":true}]}',
    '{"payload":[{"id":2147483647},{"id":-2147483648}]}',
    '{"payload":[{"id":2147483648}]}',
    '{"payload":[{"command":5}]}',
    '{"payload":[{"command":"a","command":"b"}]}',
    '{"payload":[{"result":"WARNING"},{"result":2},{"result":42}]}',
    '{"payload":[{"result":"warning"}]}',
    '{"payload":[{"data":"-_-_"},{"data":"+/+/"},{"data":"AA"}]}',
    '{"payload":[{"linez":[]}]}',
    '{"__proto__":{}}',
    '{"header":{"source_id":"a","recipientId":"b"}}',
    '{"payload":[{"lines":[{"perf":[{"stringValue":{"value":"U"},"floatValue":{}}]}]}]}',
    '{"payload":[{"lines":[{"perf":[{"floatValue":{"value":"NaN"}},{"floatValue":{"value":"-Infinity"}}]}]}]}',
    '{"payload":[{"lines":[{"perf":[{"floatValue":{"value":1e400}}]}]}]}',
    '{"payload":[{"lines":[{"perf":[{"floatValue":{"value":"1e3"}}]}]}]}',
  ];
  const codec = PB.Commands.QueryResponseMessage;
  const ours = texts.map((text) => {
    try {
      return serialized(codec, parseMessage(codec, text));
    } catch {
      return null;
    }
  });
  expect(ours).toEqual(
    askPython(
      context,
      texts.map((text) => ["from_json", "PB.Commands.QueryResponseMessage", text]),
    ),
  );
});
