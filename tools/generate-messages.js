// Generates the message classes of proto/ into src/wire/generated (git-ignored), when proto/ is newer than they are.
// The code comes from pbjs. The declarations are our own: a message is a plain interface with every field present, so
// that what was decoded is read without questions marks, and `create` asks for whole nested messages. Beside them, the
// fields of every message as data.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const toolsDir = dirname(fileURLToPath(import.meta.url));
const root = dirname(toolsDir);
const protoDir = join(root, "proto");
const outDir = join(root, "src", "wire", "generated");
const js = join(outDir, "messages.js");
const dts = join(outDir, "messages.d.ts");
const descriptors = join(outDir, "descriptors.js");
const descriptorTypes = join(outDir, "descriptors.d.ts");
const protos = readdirSync(protoDir)
  .filter((name) => name.endsWith(".proto"))
  .map((name) => join(protoDir, name));

const generators = ["generate-messages.js", "message-descriptors.js"].map((name) => join(toolsDir, name));
const newestSource = Math.max(...[...protos, ...generators].map((file) => statSync(file).mtimeMs));
const isCurrent = [js, dts, descriptors, descriptorTypes].every(
  (file) => existsSync(file) && statSync(file).mtimeMs > newestSource,
);

if (!isCurrent) {
  mkdirSync(outDir, { recursive: true });
  generateCode();
  // Only where there is something to do: a build that finds all of it current takes no time for the parser.
  const { default: protobuf } = await import("protobufjs");
  const { messageDescriptors, messageDescriptorTypes } = await import("./message-descriptors.js");
  const schema = readSchema(protobuf);
  generateDeclarations(protobuf, schema);
  writeFileSync(descriptors, messageDescriptors(schema));
  writeFileSync(descriptorTypes, messageDescriptorTypes);
}

function generateCode() {
  const pbjs = fileURLToPath(import.meta.resolve("protobufjs-cli/bin/pbjs"));
  execFileSync(
    process.execPath,
    [
      ...[pbjs, "-t", "static-module", "-w", "es6", "--es6", "--dependency", "protobufjs/minimal.js"],
      ...["--no-delimited", "--no-service", "--no-verify", "--no-typeurl", "--no-comments"],
      ...["-p", protoDir, "-o", js, ...protos],
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  // Node's ES modules need the default export of the CommonJS runtime.
  writeFileSync(js, readFileSync(js, "utf8").replace("import * as $protobuf from", "import $protobuf from"));
}

function readSchema(protobuf) {
  const schema = new protobuf.Root();
  schema.resolvePath = (_origin, target) => (existsSync(target) ? target : join(protoDir, target));
  schema.loadSync(protos, { alternateCommentMode: true, keepCase: false });
  schema.resolveAll();
  return schema;
}

function generateDeclarations(protobuf, schema) {
  const scalars = {
    ...{ string: "string", bytes: "Uint8Array", bool: "boolean", double: "number", float: "number" },
    ...{ int32: "number", uint32: "number", int64: "Long | number", uint64: "Long | number" },
  };
  const lines = [
    "// Generated from proto/ by tools/generate-messages.js.",
    'import type Long from "long";',
    "",
    "/** What every message class offers. */",
    "export interface MessageType<T> {",
    "  /** A message with the given fields, all others at their defaults. Nested messages have to be whole. */",
    "  create(fields?: Partial<T>): T;",
    "  /** Serializes; fields that are missing or at their default take no bytes. */",
    "  encode(message: Init<T>): { finish(): Uint8Array };",
    "  /** @throws Error when the bytes are not this message. */",
    "  decode(bytes: Uint8Array): T;",
    "  fromObject(object: Record<string, unknown>): T;",
    "  toObject(message: T, options?: ToObjectOptions): Record<string, unknown>;",
    "}",
    "",
    "/** How toObject renders values that JSON has no type for. */",
    "export interface ToObjectOptions {",
    "  longs?: typeof String | typeof Number;",
    "  enums?: typeof String;",
    "  bytes?: typeof String;",
    "  defaults?: boolean;",
    "  arrays?: boolean;",
    "  objects?: boolean;",
    "  oneofs?: boolean;",
    "  json?: boolean;",
    "}",
    "",
    "/** The fields of a message, each optional, to any depth. */",
    "export type Init<T> = T extends Uint8Array | Long | string | number | boolean | null | undefined",
    "  ? T",
    "  : T extends (infer Item)[]",
    "    ? Init<Item>[]",
    "    : { [Field in keyof T]?: Init<T[Field]> | null };",
    "",
  ];

  const comment = (text, indent) => {
    if (!text) return;
    const rows = text.split("\n");
    if (rows.length === 1) lines.push(`${indent}/** ${text} */`);
    else lines.push(`${indent}/**`, ...rows.map((row) => `${indent} * ${row}`.trimEnd()), `${indent} */`);
  };
  const typeOf = (field) => {
    const base = scalars[field.type] ?? field.resolvedType.fullName.slice(1);
    if (field.repeated) return base.includes("|") ? `(${base})[]` : `${base}[]`;
    return field.resolvedType instanceof protobuf.Type ? `${base} | null` : base;
  };
  const emit = (node, indent) => {
    const inner = `${indent}  `;
    if (node instanceof protobuf.Enum) {
      comment(node.comment, indent);
      lines.push(`${indent}enum ${node.name} {`);
      for (const [name, value] of Object.entries(node.values)) {
        comment(node.comments[name], inner);
        lines.push(`${inner}${name} = ${value},`);
      }
      lines.push(`${indent}}`);
      return;
    }
    if (node instanceof protobuf.Type) {
      comment(node.comment, indent);
      lines.push(`${indent}interface ${node.name} {`);
      for (const field of node.fieldsArray) {
        comment(field.comment, inner);
        lines.push(`${inner}${field.name}: ${typeOf(field)};`);
      }
      for (const oneof of node.oneofsArray) {
        const names = oneof.fieldsArray.map((field) => `"${field.name}"`).join(" | ");
        lines.push(`${inner}/** Which of the alternatives is set. */`);
        lines.push(`${inner}readonly ${oneof.name}?: ${names};`);
      }
      lines.push(`${indent}}`);
    }
    const children = node.nestedArray.filter((child) => !(child instanceof protobuf.Service));
    if (children.length === 0) {
      lines.push(`${indent}const ${node.name}: MessageType<${node.name}>;`);
      return;
    }
    lines.push(`${indent}namespace ${node.name} {`);
    // A constant can't merge with a namespace of its name, so the members of MessageType stand in the namespace.
    if (node instanceof protobuf.Type) {
      for (const member of ["create", "encode", "decode", "fromObject", "toObject"]) {
        lines.push(`${inner}const ${member}: MessageType<${node.name}>["${member}"];`);
      }
    }
    for (const child of children) emit(child, inner);
    lines.push(`${indent}}`);
  };
  for (const child of schema.nestedArray) {
    lines.push(`export declare namespace ${child.name} {`);
    for (const inner of child.nestedArray) emit(inner, "  ");
    lines.push("}");
  }
  writeFileSync(dts, `${lines.join("\n")}\n`);
}
