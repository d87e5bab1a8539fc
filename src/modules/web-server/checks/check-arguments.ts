import { GatewayError } from "../../../kernel/errors.js";
import type { PerfForm } from "../../../wire/check-json.js";
import type { QueryPart } from "../http/query-parameters.js";
import type { CallerRequest } from "../route.js";

/** How an answer is wanted, beyond what clients of older servers can say. */
export interface AnswerOptions {
  readonly perf: PerfForm;
  /** With the time when the check began and how long it took. */
  readonly verbose: boolean;
}

const plainAnswer: AnswerOptions = { perf: "object", verbose: false };

/** What clients log in with where they can't send a header. */
const tokenNames: ReadonlySet<string> = new Set(["TOKEN", "__TOKEN"]);

/** Options have names that no check uses, because every other name in the query string is an argument of the check. */
const perfOption = "nscp.perf";
const verboseOption = "nscp.verbose";

/**
 * The arguments of a check: the parts of the query string in their order, `k=v` as it is and `k=` as `k`, and behind them what
 * the body of a POST has.
 *
 * Credentials are no arguments: tokens never, and `password` when the request was let in by a token of its query string, as
 * clients from that time send both. Otherwise `password` belongs to the check.
 *
 * @throws GatewayError INVALID_ARGUMENT for a body that is no `{"arguments": ["…"]}`
 */
export function checkArguments(request: CallerRequest): string[] {
  if (request.query.parts.length === 0) return [...bodyArguments(request)];
  const hasQueryLogin = request.query.parts.some(
    (part) => isToken(part) && request.sessionToken !== undefined && part.value === request.sessionToken,
  );
  const parts = request.query.parts.filter(
    (part) =>
      !isToken(part) &&
      !(hasQueryLogin && part.name === "password") &&
      !(request.version === 2 && (part.name === perfOption || part.name === verboseOption)),
  );
  return [...parts.map(argumentOf).filter((argument) => argument !== ""), ...bodyArguments(request)];
}

/**
 * `nscp.perf=list` and `nscp.verbose=true`, which only version 2 knows.
 * @throws GatewayError INVALID_ARGUMENT naming an option with another value
 */
export function answerOptions({ version, query }: Pick<CallerRequest, "version" | "query">): AnswerOptions {
  if (version !== 2) return plainAnswer;
  const perf = query.get(perfOption) ?? "object";
  if (perf !== "list" && perf !== "object") {
    throw new GatewayError("INVALID_ARGUMENT", `${perfOption} can't be "${perf}": give list or object`);
  }
  return { perf, verbose: query.flag(verboseOption) };
}

function isToken({ name, value }: QueryPart): boolean {
  return value !== undefined && tokenNames.has(name);
}

function argumentOf({ name, value }: QueryPart): string {
  return value === undefined || value === "" ? name : `${name}=${value}`;
}

/** Clients that exist send a GET with any body. */
function bodyArguments({ method, body }: CallerRequest): readonly string[] {
  if (method !== "POST" || body.length === 0) return [];
  const given = readJson(body);
  const listed = typeof given === "object" && given !== null && "arguments" in given ? given.arguments : undefined;
  if (Array.isArray(listed) && listed.every((argument) => typeof argument === "string")) return listed;
  throw new GatewayError("INVALID_ARGUMENT", 'The body must be {"arguments": ["…"]}, a list of texts');
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new GatewayError("INVALID_ARGUMENT", "Problems parsing JSON", { cause });
  }
}
