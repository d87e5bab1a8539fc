import { decodeMessage, encodeMessage } from "../../../../front-end/operation.js";
import { GatewayError } from "../../../../kernel/errors.js";
import type { MessageType } from "../../../../wire/messages.js";
import { JsonError } from "../../../../wire/proto-json/json-scanner.js";
import { parseMessage } from "../../../../wire/proto-json/parse-message.js";
import { type PrintOptions, printMessage } from "../../../../wire/proto-json/print-message.js";
import { acceptedType } from "../../http/accept.js";
import { HttpError } from "../../http/http-error.js";
import type { WebRequest } from "../../route.js";

export const jsonType = "application/json";
export const binaryType = "application/x-protobuf";
const otherBinaryType = "application/protobuf";

/** The types that messages travel as; both names of the binary form are in use. */
export const messageTypes = [jsonType, binaryType, otherBinaryType] as const;
export type MessageFormat = (typeof messageTypes)[number];

/**
 * What the body of a request is, by its Content-Type.
 * @throws HttpError 415
 */
export function formatOfBody({ headers }: Pick<WebRequest, "headers">): MessageFormat {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new HttpError(415, "The body of a request has to come without a Content-Encoding.", {
      "Accept-Encoding": "identity",
    });
  }
  const [type = "", ...parameters] = (headers["content-type"] ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const format = messageTypes.find((one) => one === type);
  const charset = parameters.map((parameter) => /^charset="?([^"]*)"?$/.exec(parameter)?.[1]).find(Boolean);
  if (format === undefined) {
    throw new HttpError(415, `The Content-Type has to be one of ${messageTypes.join(", ")}.`, {
      Accept: messageTypes.join(", "),
    });
  }
  if (charset !== undefined && charset !== "utf-8")
    throw new HttpError(415, "The charset of a message has to be utf-8.");
  return format;
}

/**
 * What the answer will be: what Accept likes best, and what the request came as when it says nothing.
 * @throws HttpError 406
 */
export function formatOfAnswer({ headers }: Pick<WebRequest, "headers">, body: MessageFormat): MessageFormat {
  const others = messageTypes.filter((type) => type !== body);
  const format = acceptedType(headers.accept, [body, ...others]);
  if (format === undefined) throw new HttpError(406, `The answer can be one of ${messageTypes.join(", ")}.`);
  return format;
}

/** @throws GatewayError INVALID_ARGUMENT that says where in the message what is wrong */
export function readMessage<Message>(type: MessageType<Message>, body: Buffer, format: MessageFormat): Message {
  if (format !== jsonType) return decodeMessage(type, body);
  const text = textOf(body);
  try {
    return parseMessage(type, text);
  } catch (thrown) {
    if (!(thrown instanceof JsonError)) throw thrown;
    throw new GatewayError("INVALID_ARGUMENT", thrown.message, { cause: thrown });
  }
}
function textOf(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch (thrown) {
    throw new GatewayError("INVALID_ARGUMENT", "The body is not UTF-8.", { cause: thrown });
  }
}

/** @throws GatewayError INTERNAL when a handler made an answer that is none */
export function writeMessage<Message>(
  type: MessageType<Message>,
  message: Message,
  format: MessageFormat,
  options: PrintOptions,
): string | Buffer {
  return format === jsonType ? printMessage(type, message, options) : encodeMessage(type, message);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
