/** Writes messages in the JSON of protobuf (https://protobuf.dev/programming-guides/json/). */
import type { MessageType } from "../messages.js";
import { type FieldShape, type MessageFields, type MessageShape, type ScalarKind, shapeOf } from "./message-shapes.js";

export interface PrintOptions {
  /** Also print fields that have their default, other than messages and members of a oneof that are not there. */
  readonly defaults?: boolean;
}

/** @returns compact JSON, fields in lowerCamelCase and in the order of the .proto file */
export function printMessage<Message>(
  type: MessageType<Message>,
  message: Message,
  options: PrintOptions = {},
): string {
  return messageText(shapeOf(type), message as MessageFields, options.defaults === true);
}

function messageText({ fields }: MessageShape, message: MessageFields, defaults: boolean): string {
  let text = "";
  for (const field of fields) {
    const value = message[field.name];
    if (!isPrinted(field, value, message, defaults)) continue;
    text += `${text === "" ? "" : ","}"${field.name}":${fieldText(field, value, defaults)}`;
  }
  return `{${text}}`;
}

function isPrinted(field: FieldShape, value: unknown, message: MessageFields, defaults: boolean): boolean {
  if (value === null || value === undefined) return field.repeated && defaults;
  if (field.repeated) return defaults || (value as readonly unknown[]).length > 0;
  if (field.kind === "message") return true;
  if (field.oneof !== undefined) return Object.hasOwn(message, field.name);
  return defaults || !isDefault(value);
}

function isDefault(value: unknown): boolean {
  if (typeof value === "object") return value instanceof Uint8Array ? value.length === 0 : String(value) === "0";
  // Minus zero is another number than zero.
  return value === "" || value === false || Object.is(value, 0);
}

function fieldText(field: FieldShape, value: unknown, defaults: boolean): string {
  if (!field.repeated) return valueText(field, value, defaults);
  return `[${((value ?? []) as readonly unknown[]).map((one) => valueText(field, one, defaults)).join(",")}]`;
}

function valueText(field: FieldShape, value: unknown, defaults: boolean): string {
  if (field.kind === "message") return messageText(field.message, value as MessageFields, defaults);
  if (field.kind !== "enum") return scalarTexts[field.kind](value);
  const name = field.enumeration.names.get(Number(value));
  return name === undefined ? String(value) : `"${name}"`;
}

const scalarTexts: Readonly<Record<ScalarKind, (value: unknown) => string>> = {
  int32: String,
  uint32: String,
  // Numbers of JSON lose digits in many readers.
  int64: (value) => `"${value}"`,
  uint64: (value) => `"${value}"`,
  double: numberText,
  float: numberText,
  bool: String,
  string: (value) => JSON.stringify(value),
  bytes: (value) => {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return `"${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}"`;
  },
};

function numberText(value: unknown): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}
