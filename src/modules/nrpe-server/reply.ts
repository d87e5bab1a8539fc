import { type Charset, utf8 } from "../../wire/charset.js";
import { fitNagiosText } from "../../wire/fit-nagios-text.js";
import { encodeNrpeResponse, type NrpeAnswer, type NrpePacket } from "../../wire/nrpe/packet.js";

export interface ReplyForm {
  readonly charset: Charset;
  /** Bytes of text in versions 3 and 4, with its NUL. */
  readonly maxLength: number;
  /** Whether answers of version 2 may go on in further packets. */
  readonly isExtended: boolean;
}

/** What goes back to a client. */
export interface Reply {
  readonly bytes: Buffer;
  /** What had to be left out, for the log. */
  readonly cut: string | undefined;
}

/** Writes an answer in the version of its query, which is the only one that its client reads. */
export function encodeReply(
  answer: NrpeAnswer,
  query: NrpePacket,
  { charset, maxLength, isExtended }: ReplyForm,
): Reply {
  const { version, payloadLength } = query;
  const form = { version, payloadLength, charset };
  const room = (version === 2 ? payloadLength : maxLength) - 1;
  const size = charset.size(answer.text);
  if (size <= room) return { bytes: encodeNrpeResponse(answer, form), cut: undefined };
  if (version === 2 && isExtended) {
    const parts = pieces(answer.text, room, charset);
    const packets = parts.map((text, index) =>
      encodeNrpeResponse({ ...answer, text }, form, index < parts.length - 1 ? "more" : "response"),
    );
    return { bytes: Buffer.concat(packets), cut: undefined };
  }
  const text = fitNagiosText(answer.text, room, { width: charset.width });
  return { bytes: encodeNrpeResponse({ ...answer, text }, form), cut: `from ${size} to ${charset.size(text)} bytes` };
}

/** A text in pieces of whole characters that have at most so many bytes. */
function pieces(text: string, room: number, charset: Charset = utf8): string[] {
  const parts: string[] = [];
  let start = 0;
  let used = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0;
    const width = charset.width(code);
    if (used + width > room) {
      parts.push(text.slice(start, at));
      start = at;
      used = 0;
    }
    used += width;
    at += code > 0xffff ? 2 : 1;
  }
  parts.push(text.slice(start));
  return parts;
}
