// The messages of proto/ as descriptors, for languages that make their classes when they run.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";

/** The wire contract that scripts see, every file after those that it imports. The services are no business of theirs. */
const names = ["common", "registry", "plugin", "settings", "metrics", "log", "storage"].map((name) => `${name}.proto`);

/**
 * What protoc writes with --descriptor_set_out.
 *
 * @param {string} folder where the .proto files are
 * @returns {Uint8Array} a serialized FileDescriptorSet
 * @throws {Error} when a message has a field of a kind that is not described as protoc does
 */
export function describeMessages(folder) {
  const root = new protobuf.Root();
  const parsed = names.map((name) =>
    protobuf.parse(readFileSync(join(folder, name), "utf8"), root, { keepCase: true }),
  );
  root.resolveAll();
  const described = root.toDescriptor("proto3");
  // The library writes one file for each package and names it after that. It leaves out imports.
  const file = parsed.map(({ package: packageName, imports }, index) => {
    const found = described.file.find((candidate) => candidate.package === packageName);
    for (const message of found.messageType) complete(message, root.lookupType(`${packageName}.${message.name}`));
    return { ...found, name: names[index], dependency: imports ?? [] };
  });
  return descriptor.FileDescriptorSet.encode({ file }).finish();
}

/** Says of every field what the library leaves out when it can be guessed: the whole name of its type, its name in JSON. */
function complete(message, type) {
  for (const field of message.field) {
    const { resolvedType, fullName, map } = type.fields[field.name];
    // protoc names a map's entries in another way than the library, and puts the oneofs of optional fields last.
    if (map || field.proto3Optional) throw new Error(`${fullName}: neither maps nor "optional" can be described`);
    field.jsonName = protobuf.util.jsonName(field.name);
    if (resolvedType) field.typeName = resolvedType.fullName;
  }
  for (const nested of message.nestedType) complete(nested, type.get(nested.name));
}
