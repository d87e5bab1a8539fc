import {
  enumDescriptors,
  type FieldDescriptor,
  messageDescriptors,
  type ScalarKind,
} from "../generated/descriptors.js";
import { type MessageType, nscp, PB } from "../messages.js";

export type { ScalarKind };

/** A message as code sees it that walks through any message. */
export interface MessageShape {
  /** Full name, such as `PB.Common.Header`. */
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly FieldShape[];
  /** Fields by both spellings, `sourceId` and `source_id`. */
  readonly byName: ReadonlyMap<string, FieldShape>;
  /** A message without anything set. */
  create(): MessageFields;
}

/** The fields of any message by their names in code. */
export type MessageFields = Record<string, unknown>;

export interface EnumShape {
  /** Full name, such as `PB.Common.ResultCode`. */
  readonly name: string;
  readonly comment: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

interface FieldCommon {
  /** In code and in JSON. */
  readonly name: string;
  readonly protoName: string;
  readonly repeated: boolean;
  /** The group of alternatives that it is one of. */
  readonly oneof: string | undefined;
  readonly comment: string;
}

export type FieldShape = FieldCommon &
  (
    | { readonly kind: ScalarKind }
    | { readonly kind: "message"; readonly message: MessageShape }
    | { readonly kind: "enum"; readonly enumeration: EnumShape }
  );

const shapes = new Map<string, MessageShape>();
const enums = new Map<string, EnumShape>();
const byType = new Map<unknown, MessageShape>();

/** The shape of a message by its codec. */
export function shapeOf<Message>(type: MessageType<Message>): MessageShape {
  if (byType.size === 0)
    for (const name of Object.keys(messageDescriptors)) byType.set(codecNamed(name), shapeNamed(name));
  const shape = byType.get(type);
  if (shape === undefined) throw new TypeError("This is not the codec of a message.");
  return shape;
}

function shapeNamed(name: string): MessageShape {
  const known = shapes.get(name);
  if (known !== undefined) return known;
  const { comment, fields } = descriptorNamed(messageDescriptors, name);
  const codec = codecNamed(name);
  const list: FieldShape[] = [];
  const names = new Map<string, FieldShape>();
  const shape: MessageShape = { name, comment, fields: list, byName: names, create: () => codec.create() };
  // Before its fields: a message may be in itself.
  shapes.set(name, shape);
  for (const descriptor of fields) {
    const field = fieldShape(descriptor);
    list.push(field);
    names.set(field.name, field).set(field.protoName, field);
  }
  return shape;
}

function fieldShape({
  name,
  protoName,
  kind,
  type = "",
  repeated = false,
  oneof,
  comment,
}: FieldDescriptor): FieldShape {
  const common: FieldCommon = { name, protoName, repeated, oneof, comment };
  if (kind === "message") return { ...common, kind, message: shapeNamed(type) };
  if (kind === "enum") return { ...common, kind, enumeration: enumNamed(type) };
  return { ...common, kind };
}

function enumNamed(name: string): EnumShape {
  const known = enums.get(name);
  if (known !== undefined) return known;
  const { comment, values } = descriptorNamed(enumDescriptors, name);
  const numbers = new Map(Object.entries(values));
  const shape = { name, comment, numbers, names: new Map([...numbers].map(([word, number]) => [number, word])) };
  enums.set(name, shape);
  return shape;
}

function descriptorNamed<Descriptor>(all: Readonly<Record<string, Descriptor>>, name: string): Descriptor {
  const found = all[name];
  if (found === undefined) throw new TypeError(`${name} is not described.`);
  return found;
}

/** The generated classes stand in objects that are nested as their packages are. */
function codecNamed(name: string): MessageType<MessageFields> {
  const found = name
    .split(".")
    .reduce<unknown>((node, part) => (node as Readonly<Record<string, unknown>>)[part], { PB, nscp });
  return found as MessageType<MessageFields>;
}
