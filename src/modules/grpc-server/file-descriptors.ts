import type { AnyDefinition, EnumTypeDefinition, MessageTypeDefinition, PackageDefinition } from "@grpc/proto-loader";
import descriptor from "protobufjs/ext/descriptor.js";

/** As far as names matter in descriptor.proto (https://github.com/protocolbuffers/protobuf). */
interface FileNode {
  name: string;
  package: string;
  dependency: string[];
  messageType: MessageNode[];
  enumType: NamedNode[];
  service: { method: { inputType: string; outputType: string }[] }[];
}

interface MessageNode extends NamedNode {
  field: { typeName: string }[];
  nestedType: MessageNode[];
  enumType: NamedNode[];
  options: { mapEntry: boolean } | null;
}

interface NamedNode {
  name: string;
}

/**
 * Makes the descriptors of a contract stand for themselves. The loader leaves out which file needs which, and names types
 * relative to where they are used, and those of maps after the field; clients that check what they are told (those of Go
 * and C++) refuse that.
 *
 * @returns one definition with the descriptors of all files, instead of all of them with every definition
 */
export function completeDescriptors(contract: PackageDefinition): PackageDefinition {
  const definitions = Object.values(contract).filter(isTypeDefinition);
  const files = new Map<string, FileNode>();
  for (const { fileDescriptorProtos } of definitions) {
    for (const bytes of fileDescriptorProtos) {
      const file = descriptor.FileDescriptorProto.decode(bytes) as unknown as FileNode;
      if (!files.has(file.name)) files.set(file.name, file);
    }
  }
  for (const { messageType } of files.values()) for (const message of messageType) nameMapEntries(message);
  const homes = new Map<string, string>();
  for (const file of files.values()) indexTypes(file, homes);
  for (const file of files.values()) link(file, homes);
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(descriptor.FileDescriptorProto.encode(file as object).finish()),
  );
  return Object.fromEntries(definitions.slice(0, 1).map((first) => ["all", { ...first, fileDescriptorProtos }]));
}

type TypeDefinition = MessageTypeDefinition<object, object> | EnumTypeDefinition;

function isTypeDefinition(definition: AnyDefinition): definition is TypeDefinition {
  return Array.isArray(definition["fileDescriptorProtos" as never]);
}

/** The type behind a map field `my_map` is called `MyMapEntry`. */
function nameMapEntries({ field, nestedType }: MessageNode): void {
  for (const nested of nestedType) {
    nameMapEntries(nested);
    if (nested.options?.mapEntry !== true || nested.name.endsWith("Entry")) continue;
    const name = `${nested.name}Entry`;
    for (const one of field) if (one.typeName === nested.name) one.typeName = name;
    nested.name = name;
  }
}

/** Full names of messages and enums, and the file that each is in. */
function indexTypes(file: FileNode, homes: Map<string, string>): void {
  const add = (scope: string, messages: readonly MessageNode[], enums: readonly NamedNode[]) => {
    for (const { name } of enums) homes.set(`${scope}.${name}`, file.name);
    for (const { name, nestedType, enumType } of messages) {
      homes.set(`${scope}.${name}`, file.name);
      add(`${scope}.${name}`, nestedType, enumType);
    }
  };
  add(file.package, file.messageType, file.enumType);
}

function link(file: FileNode, homes: ReadonlyMap<string, string>): void {
  const needed = new Set<string>();
  const absolute = (name: string, scope: string): string => {
    const found = resolve(name, scope, homes);
    const home = homes.get(found);
    if (home !== undefined && home !== file.name) needed.add(home);
    return `.${found}`;
  };
  const linkMessage = ({ field, nestedType, name }: MessageNode, outer: string) => {
    const scope = `${outer}.${name}`;
    for (const one of field) if (one.typeName !== "") one.typeName = absolute(one.typeName, scope);
    for (const nested of nestedType) linkMessage(nested, scope);
  };
  for (const message of file.messageType) linkMessage(message, file.package);
  for (const { method } of file.service) {
    for (const one of method) {
      one.inputType = absolute(one.inputType, file.package);
      one.outputType = absolute(one.outputType, file.package);
    }
  }
  file.dependency = [...needed].sort();
}

/** The innermost scope that has the name wins, as in C++. A name that begins with a dot is a full one. */
function resolve(name: string, scope: string, homes: ReadonlyMap<string, string>): string {
  if (name.startsWith(".")) return name.slice(1);
  for (let outer = scope; outer !== ""; outer = outer.slice(0, Math.max(0, outer.lastIndexOf(".")))) {
    if (homes.has(`${outer}.${name}`)) return `${outer}.${name}`;
  }
  return name;
}
