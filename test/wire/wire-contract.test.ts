import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Long from "long";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { type MessageType, PB } from "../../src/wire/messages.js";

interface FieldFacts {
  number: number;
  type: string;
  repeated: boolean;
  oneof: string | null;
}

interface FileFacts {
  package: string;
  messages: Record<string, Record<string, FieldFacts>>;
  enums: Record<string, Record<string, number>>;
}

const here = fileURLToPath(new URL(".", import.meta.url));
const protoDir = join(here, "..", "..", "proto");
const table: Record<string, FileFacts> = JSON.parse(readFileSync(join(here, "wire-table.json"), "utf8"));
const contractFiles = readdirSync(protoDir)
  .filter((name) => name.endsWith(".proto") && name !== "gateway.proto")
  .map((name) => name.slice(0, -".proto".length));

/** The schema with its field names as written, or in the camel case of the generated code. */
function loadSchema(keepCase: boolean): protobuf.Root {
  const schema = new protobuf.Root();
  schema.resolvePath = (_origin, target) => join(protoDir, target);
  schema.loadSync(
    contractFiles.map((name) => `${name}.proto`),
    { keepCase },
  );
  schema.resolveAll();
  return schema;
}

/** Every message and enum below a namespace. */
function typesIn(namespace: protobuf.NamespaceBase): (protobuf.Type | protobuf.Enum)[] {
  return namespace.nestedArray.flatMap((child) => {
    if (child instanceof protobuf.Enum) return [child];
    if (child instanceof protobuf.Type) return [child, ...typesIn(child)];
    return child instanceof protobuf.Namespace ? typesIn(child) : [];
  });
}

function nameOf(type: protobuf.ReflectionObject): string {
  return type.fullName.slice(1);
}

function factsOf(field: protobuf.Field): FieldFacts {
  return {
    number: field.id,
    type: field.resolvedType ? nameOf(field.resolvedType) : field.type,
    repeated: field.repeated,
    oneof: field.partOf?.name ?? null,
  };
}

function messageFacts(types: readonly (protobuf.Type | protobuf.Enum)[]): FileFacts["messages"] {
  const messages = types.filter((type) => type instanceof protobuf.Type);
  return Object.fromEntries(
    messages.map((type) => [
      nameOf(type),
      Object.fromEntries(type.fieldsArray.map((field) => [field.name, factsOf(field)])),
    ]),
  );
}

function enumFacts(types: readonly (protobuf.Type | protobuf.Enum)[]): FileFacts["enums"] {
  const enums = types.filter((type) => type instanceof protobuf.Enum);
  return Object.fromEntries(enums.map((type) => [nameOf(type), { ...type.values }]));
}

const schema = loadSchema(true);

describe("proto/ against the table of the wire contract", () => {
  it("has the files of the table, and the gateway's own services are none of them", () => {
    expect(contractFiles.toSorted()).toEqual(Object.keys(table).toSorted());
    expect(JSON.stringify(table)).not.toContain("nscp.gateway");
  });

  it.each(Object.entries(table))(
    "%s.proto has exactly the messages, fields and enum values of the table",
    (_file, facts) => {
      const types = typesIn(schema.lookup(facts.package) as protobuf.Namespace);
      expect(messageFacts(types)).toEqual(facts.messages);
      expect(enumFacts(types)).toEqual(facts.enums);
    },
  );

  it("has no message outside the packages of the table", () => {
    const packages = Object.values(table).map((facts) => facts.package);
    const strangers = typesIn(schema)
      .map(nameOf)
      .filter((name) => !packages.some((prefix) => name.startsWith(`${prefix}.`)));
    expect(strangers).toEqual([]);
  });

  it("has 293 fields and 47 enum values", () => {
    const types = typesIn(schema);
    const sizes = (facts: Record<string, object>) =>
      Object.values(facts).reduce((sum, it) => sum + Object.keys(it).length, 0);
    expect(sizes(messageFacts(types))).toBe(293);
    expect(sizes(enumFacts(types))).toBe(47);
  });
});

/** A value that takes bytes for a field of this type; `depth` ends messages that contain themselves. */
function fieldValue(field: protobuf.Field, depth: number, salt: number): unknown {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return maximalMessage(resolvedType, depth - 1);
  if (resolvedType instanceof protobuf.Enum) return Math.max(...Object.values(resolvedType.values));
  switch (field.type) {
    case "string":
      return `${field.name} ${salt} åäö €`;
    case "bytes":
      return Buffer.from([salt, 0, 255]);
    case "bool":
      return true;
    case "double":
      return salt + 0.1;
    case "int32":
      return -(2 ** 31) + salt;
    case "int64":
      return Long.MIN_VALUE.add(salt);
    case "uint64":
      return Long.MAX_UNSIGNED_VALUE.sub(salt);
    default:
      throw new Error(`${nameOf(field)}: no sample for the type ${field.type}`);
  }
}

/** A message with every field set; of a oneof the alternative that `alternative` picks. */
function maximalMessage(type: protobuf.Type, depth = 4, alternative = 0): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const siblings = field.partOf?.fieldsArray;
    if (siblings !== undefined && siblings[alternative % siblings.length] !== field) continue;
    if (depth === 0 && field.resolvedType instanceof protobuf.Type) continue;
    const values = [1, 2].map((salt) => fieldValue(field, depth, field.id * 2 + salt));
    message[protobuf.util.camelCase(field.name)] = field.repeated ? values : values[0];
  }
  return message;
}

/** The generated codec of a message by its full name. */
function generatedCodec(name: string): MessageType<unknown> {
  const codec = name.split(".").reduce<unknown>((scope, part) => (scope as Record<string, unknown>)[part], { PB });
  return codec as MessageType<unknown>;
}

describe("generated codecs against the schema itself", () => {
  const messages = typesIn(loadSchema(false)).filter((type) => type instanceof protobuf.Type);

  it.each(messages.map((type) => [nameOf(type), type] as const))(
    "%s is read and written alike by both",
    (name, dynamic) => {
      const codec = generatedCodec(name);
      const alternatives = Math.max(1, ...dynamic.oneofsArray.map((oneof) => oneof.fieldsArray.length));
      for (let alternative = 0; alternative < alternatives; alternative++) {
        const sample = maximalMessage(dynamic, 4, alternative);
        const bytes = dynamic.encode(dynamic.fromObject(sample)).finish();
        const decoded = codec.decode(bytes);
        expect(codec.toObject(decoded)).toEqual(dynamic.toObject(dynamic.decode(bytes)));
        expect(codec.toObject(decoded)).toEqual(sample);
        expect(Buffer.from(codec.encode(decoded as never).finish())).toEqual(Buffer.from(bytes));
        expect(Buffer.from(codec.encode(codec.fromObject(sample) as never).finish())).toEqual(Buffer.from(bytes));
      }
    },
  );

  it("reads what it knows of a message from a newer peer", () => {
    const known = PB.Common.KeyValue.encode({ key: "k", value: "v" }).finish();
    const unknownField = Buffer.from([0xf8, 0x07, 0x2a]); // field 127, varint 42
    const decoded = PB.Common.KeyValue.decode(Buffer.concat([known, unknownField]));
    expect(PB.Common.KeyValue.toObject(decoded)).toEqual({ key: "k", value: "v" });
  });
});
