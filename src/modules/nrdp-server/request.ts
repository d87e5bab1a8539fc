import type { NrdpFormat } from "../../wire/nrdp/answer.js";
import { NrdpForm } from "../../wire/nrdp/form.js";

/** Parameters that may hold a document; of several the last one counts. */
const documentNames: Readonly<Record<NrdpFormat, readonly string[]>> = {
  xml: ["XMLDATA", "xmldata", "xml"],
  json: ["JSONDATA", "jsondata", "json"],
};

const parameters: ReadonlySet<string> = new Set([
  ...["token", "cmd", "command", "output_type", "pretty", "debug"],
  ...documentNames.xml,
  ...documentNames.json,
]);

/** A request as NRDP reads it. */
export interface NrdpRequest {
  readonly token: string;
  /** In lower case: `hello`, `submitcheck`, `submitcmd`, … */
  readonly command: string;
  /** What the answer is written in, and by which rules the document is read. */
  readonly format: NrdpFormat;
  /** Empty when the request has none of its format. */
  readonly document: Buffer;
  /** Nagios commands of `submitcmd`. */
  readonly nagiosCommands: readonly string[];
  readonly isPretty: boolean;
  /** The `Content-Type` that the sender wants instead of that of the format. */
  readonly debugType: string | undefined;
}

/**
 * Puts the parameters of a request together; those of the body beat those of the URL.
 *
 * @param url path and query string, as they stand in the request
 */
export function readRequest(url: string, body: Buffer): NrdpRequest {
  const form = new NrdpForm(parameters);
  const question = url.indexOf("?");
  if (question >= 0) form.read(Buffer.from(url.slice(question + 1), "latin1"));
  form.read(body);
  const format = formatOf(form);
  const debug = form.text("debug");
  return {
    token: form.text("token"),
    command: form.text("cmd").trim().toLowerCase(),
    format,
    document: documentOf(form, format) ?? Buffer.alloc(0),
    nagiosCommands: form.texts("command").filter((command) => command.trim() !== ""),
    isPretty: form.text("pretty") !== "",
    debugType: debug === "" ? undefined : `text/${debug === "text" ? "plain" : "html"};charset=UTF-8`,
  };
}

function formatOf(form: NrdpForm): NrdpFormat {
  const wanted = form.text("output_type").trim().toUpperCase();
  if (wanted === "TYPE_XML") return "xml";
  if (wanted === "TYPE_JSON") return "json";
  return documentOf(form, "xml") === undefined && documentOf(form, "json") !== undefined ? "json" : "xml";
}

function documentOf(form: NrdpForm, format: NrdpFormat): Buffer | undefined {
  return documentNames[format]
    .map((name) => form.bytes(name))
    .filter((bytes) => bytes !== undefined && bytes.length > 0)
    .at(-1);
}
