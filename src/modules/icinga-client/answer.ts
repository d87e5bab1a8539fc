/** What Icinga answers to a check result, and what it means for the result. */

/** An answer over HTTP. */
export interface IcingaAnswer {
  readonly status: number;
  readonly text: string;
}

export type Outcome =
  | { readonly kind: "delivered"; readonly text: string }
  /** Icinga does not know the object, or the user may not see it. */
  | { readonly kind: "unknown"; readonly text: string }
  /** Icinga will not take this result. */
  | { readonly kind: "refused"; readonly text: string }
  /** Not now. `isAboutResult`: other objects may fare better. */
  | { readonly kind: "failed"; readonly text: string; readonly isAboutResult: boolean };

/** What Icinga writes when no object has the name or the user may not see it. */
const noObjects = /^No objects found/i;

/**
 * Reads the answer to `process-check-result` for one object. An entry of `results` counts before the status of HTTP.
 *
 * | answer | outcome |
 * |---|---|
 * | entry with 2xx | delivered |
 * | entry with 409: Icinga has a newer result | delivered |
 * | entry with another 4xx, such as 403 passive checks are disabled | refused |
 * | entry with 5xx, such as 503 object is inactive | failed |
 * | 404 `No objects found`, 200 or 500 without an entry (releases up to 2.13) | unknown |
 * | 400 | refused |
 * | 401, 403, another 404, 429, 5xx, what is no answer of Icinga | failed, and so are the others |
 *
 * Source: behaviour of Icinga 2.13.6 and of the current sources.
 */
export function readAnswer({ status, text }: IcingaAnswer): Outcome {
  const document = parseObject(text);
  const results = document?.["results"];
  if (Array.isArray(results)) {
    const entry = asObject(results[0]);
    if (entry === undefined) {
      if (status === 200 || status === 404 || status === 500) return { kind: "unknown", text: "No objects found." };
      return { kind: "failed", text: `${status}`, isAboutResult: false };
    }
    const code = Number(entry["code"] ?? status);
    return readEntry(code, `${code} ${wordsOf(entry)}`.trimEnd());
  }
  const words = document === undefined ? "" : wordsOf(document);
  const said = `${status} ${words === "" ? firstLine(text) : words}`.trimEnd();
  if (document === undefined && status >= 200 && status < 300) {
    return { kind: "failed", text: `The answer is not one of Icinga: ${said}`, isAboutResult: false };
  }
  if (status === 404 && noObjects.test(words)) return { kind: "unknown", text: said };
  if (status === 400) return { kind: "refused", text: said };
  return { kind: "failed", text: said, isAboutResult: false };
}

function readEntry(code: number, text: string): Outcome {
  if (code >= 200 && code < 300) return { kind: "delivered", text };
  if (code === 409) return { kind: "delivered", text: `superseded: ${text}` };
  if (code >= 400 && code < 500) return { kind: "refused", text };
  return { kind: "failed", text, isAboutResult: true };
}

/**
 * Whether the ApiUser may submit, by the answer to `GET /v1/`. Up to 2.13 a missing permission looks like an unknown object.
 * @returns undefined when the answer does not say
 */
export function maySubmit({ status, text }: IcingaAnswer): boolean | undefined {
  if (status !== 200) return undefined;
  const results = parseObject(text)?.["results"];
  const permissions = Array.isArray(results) ? asObject(results[0])?.["permissions"] : undefined;
  if (!Array.isArray(permissions)) return undefined;
  return permissions.some((permission) => typeof permission === "string" && matches(permission));
}

/** What an answer says, for people. */
export function answerText({ status, text }: IcingaAnswer): string {
  const document = parseObject(text);
  const results = document?.["results"];
  const entry = Array.isArray(results) ? asObject(results[0]) : undefined;
  const words = [entry, document]
    .map((object) => (object === undefined ? "" : wordsOf(object)))
    .find((said) => said !== "");
  return `${status} ${words ?? firstLine(text)}`.trimEnd();
}

export const submitPermission = "actions/process-check-result";

/** Icinga's permissions have `*` and `?` as wildcards and don't care for case. */
function matches(permission: string): boolean {
  const pattern = permission
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`, "i").test(submitPermission);
}

/** `status` and, where an object was to be created, `errors`. */
function wordsOf(object: Record<string, unknown>): string {
  const errors = Array.isArray(object["errors"]) ? object["errors"].filter((error) => typeof error === "string") : [];
  const status = typeof object["status"] === "string" ? [object["status"]] : [];
  return [...status, ...errors].join(" ").replace(/\s+/g, " ").trim();
}

const longestLine = 200;

function firstLine(text: string): string {
  return (text.trimStart().split("\n", 1)[0] ?? "").trimEnd().slice(0, longestLine);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
