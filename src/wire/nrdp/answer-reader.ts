import type { NrdpAnswer } from "./answer.js";
import { excerpt } from "./check-result.js";
import { memberOf, textOf } from "./json-document.js";
import { childText, elementsOf, parseRoot } from "./xml-document.js";

/** An answer, or why what came is none; the text is fit for a dead letter. */
export type ReadAnswer = { readonly answer: NrdpAnswer } | { readonly problem: string };

/**
 * Reads the answer of a receiver, in XML or JSON. Warnings that PHP puts before or behind it don't matter, nor do elements that
 * are missing or empty, other than the status.
 */
export function parseAnswer(text: string): ReadAnswer {
  const found = jsonAnswer(text) ?? xmlAnswer(text);
  if (found === undefined) return { problem: `The answer is no NRDP result: ${describe(text)}` };
  const status = found.status.trim();
  if (!/^[+-]?\d{1,9}$/.test(status)) {
    return {
      problem: `The answer has ${status === "" ? "no status" : `the status "${excerpt(status)}"`}: ${describe(text)}`,
    };
  }
  return { answer: { ...found, status: Number(status) } };
}

type Found = Record<"status" | "message" | "information" | "output", string>;

function jsonAnswer(text: string): Found | undefined {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  if (start < 0 || end < start) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text.slice(start, end + 1));
  } catch {
    return undefined;
  }
  const result = memberOf(document, "result");
  if (typeof result !== "object") return undefined;
  return {
    status: textOf(memberOf(result, "status")),
    message: textOf(memberOf(result, "message")).trim(),
    information: textOf(memberOf(result, "information")).trim(),
    output: textOf(memberOf(memberOf(result, "meta"), "output")).trim(),
  };
}

function xmlAnswer(text: string): Found | undefined {
  const start = text.search(/<result[\s/>]/);
  const end = text.lastIndexOf("</result");
  const root = parseRoot(start < 0 || end < start ? text : `${text.slice(start, end)}</result>`);
  if (typeof root === "string" || root.name !== "result") return undefined;
  const [meta] = elementsOf(root, "meta");
  return {
    status: childText(root, "status"),
    message: childText(root, "message").trim(),
    information: childText(root, "information").trim(),
    output: meta === undefined ? "" : childText(meta, "output").trim(),
  };
}

/** What a person can make of a page that should have been an answer. */
function describe(text: string): string {
  const title = /<title[^>]*>([^<]{1,200})</i.exec(text)?.[1]?.trim() ?? "";
  if (title !== "") return `a page with the title "${excerpt(title)}"`;
  const words = text
    .slice(0, 2000)
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return words === "" ? (text.trim() === "" ? "it is empty" : "it has no text") : `"${excerpt(words)}"`;
}
