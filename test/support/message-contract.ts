import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { packageRoot } from "./gateway-process.js";

/** The files of the wire contract that scripts see, every file after those that it imports. */
export const protoFiles = ["common", "registry", "plugin", "settings", "metrics", "log", "storage"].map(
  (name) => `${name}.proto`,
);

/** What the .proto files say, by full names. */
interface Contract {
  readonly messages: ReadonlyMap<string, { readonly type: protobuf.Type; readonly className: string }>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Reads the .proto files; `className` is where Python has the class of a message, `module.Class.Nested`. */
export function readContract(): Contract {
  const messages = new Map<string, { type: protobuf.Type; className: string }>();
  const enums: Record<string, Record<string, number>> = {};
  const root = new protobuf.Root();
  for (const name of protoFiles) {
    const parsed = protobuf.parse(readFileSync(join(packageRoot, "proto", name), "utf8"), root);
    const visit = (node: protobuf.NamespaceBase) => {
      for (const child of node.nestedArray) {
        const fullName = child.fullName.slice(1);
        if (child instanceof protobuf.Enum) enums[fullName] = child.values;
        if (!(child instanceof protobuf.Type)) continue;
        const path = fullName.slice(`${parsed.package}.`.length);
        messages.set(fullName, { type: child, className: `${name.replace(".proto", "_pb2")}.${path}` });
        visit(child);
      }
    };
    visit(root.lookup(parsed.package ?? "") as protobuf.Namespace);
  }
  root.resolveAll();
  return { messages, enums };
}
