/**
 * Reads messages in the JSON of protobuf (https://protobuf.dev/programming-guides/json/), strictly: what has no place in
 * the message or is of another type is refused with the path to it.
 */
import type { MessageType } from "../messages.js";
import { JsonError, JsonScanner } from "./json-scanner.js";
import { type EnumShape, type FieldShape, type MessageFields, type MessageShape, shapeOf } from "./message-shapes.js";
import { type ReadScalar, scalarReaders, ValueError } from "./scalars.js";

/**
 * @param text fields in both spellings, `sourceId` and `source_id`; enums by name or number; `null` is the same as not there
 * @throws JsonError with the path to what is wrong, such as `payload[2].linez`
 */
export function parseMessage<Message>(type: MessageType<Message>, text: string): Message {
  const scanner = new JsonScanner(text);
  const message = new MessageReader(scanner).message(shapeOf(type));
  scanner.end();
  // Made by the class of the type, with what its descriptor says.
  return message as Message;
}

class MessageReader {
  private readonly path: (string | number)[] = [];

  constructor(private readonly scanner: JsonScanner) {}

  message(shape: MessageShape): MessageFields {
    if (this.scanner.peek() !== "object") this.fail(`this has to be an object (${shape.name})`);
    const message = shape.create();
    const seen = new Set<FieldShape>();
    const chosen = new Map<string, string>();
    this.scanner.object((name) => {
      this.path.push(name);
      const field = shape.byName.get(name) ?? this.fail(`${shape.name} has no such field`);
      if (seen.has(field)) this.fail("this field occurs twice");
      seen.add(field);
      if (this.scanner.peek() === "null") {
        this.scanner.null();
      } else {
        this.choose(field, chosen);
        message[field.name] = field.repeated ? this.list(field) : this.value(field);
      }
      this.path.pop();
    });
    return message;
  }

  private list(field: FieldShape): unknown[] {
    if (this.scanner.peek() !== "array") this.fail("this has to be an array");
    const values: unknown[] = [];
    this.scanner.array((index) => {
      this.path.push(index);
      values.push(this.value(field));
      this.path.pop();
    });
    return values;
  }

  private value(field: FieldShape): unknown {
    switch (field.kind) {
      case "message":
        return this.message(field.message);
      case "enum":
        return this.readBy((kind, scanner) => enumValue(field.enumeration, kind, scanner));
      default:
        return this.readBy(scalarReaders[field.kind]);
    }
  }

  private readBy(read: ReadScalar): unknown {
    try {
      return read(this.scanner.peek(), this.scanner);
    } catch (thrown) {
      if (thrown instanceof ValueError) this.fail(thrown.message);
      throw thrown;
    }
  }

  /** Of the members of a oneof only one may be there. */
  private choose({ oneof, name }: FieldShape, chosen: Map<string, string>): void {
    if (oneof === undefined) return;
    const other = chosen.get(oneof);
    if (other !== undefined) this.fail(`only one of ${other} and ${name} can be there`);
    chosen.set(oneof, name);
  }

  private fail(what: string): never {
    throw new JsonError(this.path.length === 0 ? `The message: ${what}.` : `${this.where()}: ${what}.`);
  }

  private where(): string {
    return this.path
      .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${shown(step)}`))
      .join("");
  }
}

/** A name that somebody sent, short and without what upsets a terminal. */
function shown(name: string): string {
  return (name.length > 64 ? `${name.slice(0, 64)}…` : name).replace(/[\p{C}\p{Z}]/gu, "?");
}

const readNumber = scalarReaders.int32;

function enumValue({ numbers }: EnumShape, kind: Parameters<ReadScalar>[0], scanner: JsonScanner): unknown {
  if (kind === "number") return readNumber(kind, scanner);
  if (kind !== "string") throw new ValueError("this has to be the name or the number of a value");
  const number = numbers.get(scanner.string());
  if (number === undefined) throw new ValueError(`this has to be one of ${[...numbers.keys()].join(", ")}`);
  return number;
}
