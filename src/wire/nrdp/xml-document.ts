import { parseXml, XmlElement, XmlText } from "@rgrove/parse-xml";
import {
  type NrdpResult,
  plainName,
  plainText,
  type ReadResults,
  type ResultFields,
  readResults,
} from "./check-result.js";

/** The declaration and layout of other senders, with which receivers are known to work. */
const head = '<?xml version="1.0" encoding="UTF-8"?>\n<checkresults>\n';
const tail = "</checkresults>\n";

/** Writes results as a document, in their order. What XML can't hold is replaced, see {@link plainText}. */
export function writeXmlDocument(results: Iterable<NrdpResult>): string {
  let rows = "";
  for (const result of results) rows += writeXmlResult(result);
  return `${head}${rows}${tail}`;
}

function writeXmlResult({ type, hostname, servicename, state, output, time }: NrdpResult): string {
  const fields = [
    ["hostname", plainName(hostname)],
    ...(type === "service" ? [["servicename", plainName(servicename)]] : []),
    ["state", String(state)],
    ["output", plainText(output)],
    ...(time === undefined ? [] : [["time", String(time)]]),
  ];
  const rows = fields.map(([name, text = ""]) => `        <${name}>${escapeXml(text)}</${name}>\n`).join("");
  return `    <checkresult type="${type}">\n${rows}    </checkresult>\n`;
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };

/** Text of an element. A reader makes a line feed of a bare carriage return (XML 1.0, 2.11). */
export function escapeXml(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character);
}

/**
 * Reads a document as the real server does: the root may have any name, elements other than `checkresult` don't matter, of
 * several elements with the same name the first counts.
 *
 * @param bytes in UTF-8, or in the encoding that the declaration names
 */
export function parseXmlDocument(bytes: Uint8Array): ReadResults {
  const text = decodeXml(bytes);
  if (typeof text !== "string") return text;
  const root = parseRoot(text);
  if (typeof root === "string") return { problem: root };
  return readResults(elementsOf(root, "checkresult").map(resultFields));
}

/** The root element, or why the text is not well-formed. */
export function parseRoot(xml: string): XmlElement | string {
  try {
    return parseXml(xml).root ?? "There is no root element";
  } catch (thrown) {
    if (thrown instanceof RangeError) return "Elements are nested too deep";
    // The excerpt below the first line would be made of what the sender wrote.
    return String(thrown instanceof Error ? thrown.message : thrown).split("\n", 1)[0] ?? "";
  }
}

/** The text of the first child with this name, without that of elements inside it; empty when there is none. */
export function childText(parent: XmlElement, name: string): string {
  const [child] = elementsOf(parent, name);
  if (child === undefined) return "";
  return child.children.map((node) => (node instanceof XmlText ? node.text : "")).join("");
}

export function elementsOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((node): node is XmlElement => node instanceof XmlElement && node.name === name);
}

function resultFields(element: XmlElement): ResultFields {
  return {
    type: element.attributes["type"] ?? "host",
    hostname: childText(element, "hostname"),
    servicename: childText(element, "servicename"),
    state: childText(element, "state"),
    output: childText(element, "output"),
    time: childText(element, "time"),
  };
}

/** What declarations call the encodings that senders use. */
const encodings: Readonly<Record<string, string>> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "us-ascii": "utf-8",
  ascii: "utf-8",
  "iso-8859-1": "latin1",
  "iso-8859-15": "iso-8859-15",
  "windows-1252": "windows-1252",
};

function decodeXml(bytes: Uint8Array): string | { readonly problem: string } {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 200)).toString("latin1");
  const declared = /^(?:\u00EF\u00BB\u00BF)?<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']/i.exec(start)?.[1] ?? "utf-8";
  const encoding = encodings[declared.toLowerCase()];
  if (encoding === undefined) return { problem: `The encoding ${declared} is not supported` };
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return { problem: `The document is not in ${declared.toUpperCase()}` };
  }
}
