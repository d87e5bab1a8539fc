import { plainText } from "./check-result.js";
import { escapeXml } from "./xml-document.js";

/** How documents and answers are written. */
export type NrdpFormat = "xml" | "json";

/** What a receiver says of a request. */
export interface NrdpAnswer {
  /** 0 when the request was carried out, -1 when it was not. */
  readonly status: number;
  /** `OK`, or why not: `BAD TOKEN`, `BAD XML`, … */
  readonly message: string;
  /** What is wrong with a document. */
  readonly information?: string | undefined;
  /** `2 checks processed`. */
  readonly output?: string | undefined;
}

/** The `Content-Type` of an answer. */
export const answerTypes: Readonly<Record<NrdpFormat, string>> = {
  xml: "text/xml;charset=UTF-8",
  json: "application/json",
};

/** Writes an answer as the real server does; `isPretty` indents JSON. XML is indented always. */
export function writeAnswer(answer: NrdpAnswer, format: NrdpFormat, isPretty = false): string {
  const { status, message, information, output } = answer;
  return write(
    "result",
    { status, message, information, meta: output === undefined ? undefined : { output } },
    format,
    isPretty,
  );
}

/** Writes the answer to `cmd=hello`. */
export function writeHello(version: string, format: NrdpFormat, isPretty = false): string {
  return write("response", { status: 0, message: "OK", product: "nrdp", version }, format, isPretty);
}

/** How many results a receiver says it took: `2 checks processed`. Undefined when it says nothing of the kind. */
export function processedCount(output: string): number | undefined {
  const count = /^\s*(\d{1,9})\s+checks?\s+processed/i.exec(output)?.[1];
  return count === undefined ? undefined : Number(count);
}

export function processedText(count: number): string {
  return `${count} checks processed`;
}

interface Tree {
  readonly [name: string]: string | number | Tree | undefined;
}

function write(root: string, content: Tree, format: NrdpFormat, isPretty: boolean): string {
  if (format === "json") return JSON.stringify({ [root]: content }, undefined, isPretty ? 4 : undefined);
  return `<?xml version="1.0" encoding="utf-8"?>\n${writeElements({ [root]: content }, "")}`;
}

function writeElements(content: Tree, indent: string): string {
  let rows = "";
  for (const [name, value] of Object.entries(content)) {
    if (value === undefined) continue;
    rows +=
      typeof value === "object"
        ? `${indent}<${name}>\n${writeElements(value, `${indent}    `)}${indent}</${name}>\n`
        : `${indent}<${name}>${escapeXml(plainText(String(value)))}</${name}>\n`;
  }
  return rows;
}
