import Type, { type TSchema } from "typebox";
import type { MessageType } from "../../../wire/messages.js";
import {
  type FieldShape,
  type MessageShape,
  type ScalarKind,
  shapeOf,
} from "../../../wire/proto-json/message-shapes.js";

const schemas = new Map<string, TSchema>();

/** What the JSON of a message looks like, by the descriptors of the wire contract. Every message is a schema of its own. */
export function messageSchema<Message>(type: MessageType<Message>): TSchema {
  return schemaOf(shapeOf(type));
}

function schemaOf({ name, comment, fields }: MessageShape): TSchema {
  const known = schemas.get(name);
  if (known !== undefined) return known;
  const properties: Record<string, TSchema> = {};
  const schema = { $id: name, ...described(comment), type: "object", properties, additionalProperties: false };
  // Before its fields: a message may be in itself.
  schemas.set(name, schema);
  for (const field of fields) properties[field.name] = fieldSchema(field);
  return schema;
}

function fieldSchema(field: FieldShape): TSchema {
  const alternative = field.oneof === undefined ? "" : `One of the alternatives of ${field.oneof}.`;
  const note = described([field.comment, alternative].filter(Boolean).join(" "));
  const schema = valueSchema(field);
  if (field.repeated) return Type.Array(schema, note);
  if (note.description === undefined) return schema;
  // What has a name of its own stays as it is, or there would be two of that name.
  return field.kind === "message" || field.kind === "enum" ? { allOf: [schema], ...note } : { ...schema, ...note };
}

function valueSchema(field: FieldShape): TSchema {
  if (field.kind === "message") return schemaOf(field.message);
  if (field.kind !== "enum") return scalarSchemas[field.kind];
  const { name, comment, numbers } = field.enumeration;
  const known = enumSchemas.get(name) ?? {
    $id: name,
    anyOf: [{ type: "string", enum: [...numbers.keys()] }, Type.Integer()],
    description: [comment, "By name; numbers are read, too, and written when they have no name."]
      .filter(Boolean)
      .join(" "),
  };
  enumSchemas.set(name, known);
  return known;
}

const enumSchemas = new Map<string, TSchema>();

const wholeNumber = "^-?\\d+$";
const unusualNumbers = ["NaN", "Infinity", "-Infinity"];

/** Numbers may come as texts: 64 bits always leave as such. */
const scalarSchemas: Readonly<Record<ScalarKind, TSchema>> = {
  int32: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
  uint32: Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }),
  int64: Type.Union([Type.String({ pattern: wholeNumber }), Type.Integer()]),
  uint64: Type.Union([Type.String({ pattern: "^\\d+$" }), Type.Integer({ minimum: 0 })]),
  double: { anyOf: [Type.Number(), { type: "string", enum: unusualNumbers }] },
  float: { anyOf: [Type.Number(), { type: "string", enum: unusualNumbers }] },
  bool: Type.Boolean(),
  string: Type.String(),
  bytes: Type.String({ contentEncoding: "base64" }),
};

function described(text: string): { description?: string } {
  return text === "" ? {} : { description: text.replaceAll("\n", " ") };
}
