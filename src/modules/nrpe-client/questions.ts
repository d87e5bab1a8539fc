import type { Call } from "../../kernel/call.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { hostOf } from "../../kernel/header.js";
import { type Header, Line, QueryResponse, ResultCode } from "../../wire/messages.js";
import { parseNagiosText } from "../../wire/nagios-text.js";
import { toResultCode, worstCode } from "../../wire/result-code.js";
import type { Agent } from "./agent.js";
import { type Agents, checkGrants } from "./agents.js";
import { ExchangeFailure } from "./exchange-failure.js";
import type { Poller } from "./poller.js";
import type { NrpeCommand } from "./query-options.js";
import type { Caller } from "./result-cache.js";

/** What an agent said, or why it did not. */
export interface Answer {
  readonly code: ResultCode;
  readonly text: string;
  /** The agent's own words, with performance data in them, and not ours. */
  readonly isFromAgent: boolean;
}

/** What is asked with a command that changes something is sent as it is, each time. */
export type Kind = "check" | "command";

/** Asks agents on behalf of callers. A query that fails is an answer, too. */
export class Questions {
  constructor(
    private readonly poller: Poller,
    /** As they are at the moment; a reload changes them. */
    private readonly current: () => Agents,
  ) {}

  async ask(agent: Agent, { command, args }: NrpeCommand, caller: Caller, kind: Kind): Promise<Answer> {
    const query = [command, ...args].join("!");
    try {
      const { result, text } = await this.poller.ask(agent, query === "" ? versionQuery : query, caller, {
        isShared: kind === "check",
      });
      return { code: toResultCode(result), text, isFromAgent: true };
    } catch (thrown) {
      return failureAnswer(thrown);
    }
  }

  /**
   * The agent that a header names: its recipient, perhaps with an address and options of the caller's.
   * @throws GatewayError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT or CONFIGURATION
   */
  recipient(header: Header | null, call: Call): Agent {
    const name = recipientOf(header);
    const entry = hostOf(header, name);
    if (entry === undefined || entry.address === "") {
      checkGrants(call, { target: name === "" ? "default" : name, option: undefined });
      return this.current().named(name === "" ? "default" : name);
    }
    checkGrants(call, { target: undefined, option: "address" });
    const options = [
      ["address", entry.address] as const,
      ...entry.metadata.map(({ key, value }) => [key, value] as const),
    ];
    return this.current().wanted({ name, options, isForeign: true });
  }
}

/** Asks for the version. */
const versionQuery = "_NRPE_CHECK";

/** The target that a header names; empty for none. */
export function recipientOf(header: Header | null): string {
  const name = header?.recipientId || header?.destinationId || "";
  return name.toLowerCase() === "local" ? "" : name;
}

/**
 * The answer to what can't be asked.
 * @throws what is a mistake of the program and none of the agent's or the caller's
 */
export function failureAnswer(thrown: unknown): Answer {
  if (!(thrown instanceof ExchangeFailure) && !(thrown instanceof GatewayError)) throw thrown;
  return ownAnswer(ResultCode.UNKNOWN, errorText(thrown));
}

/** An answer that is no agent's. */
export function ownAnswer(code: ResultCode, text: string): Answer {
  return { code, text, isFromAgent: false };
}

/** Answers as those of a check, each a line of it. */
export function checkResponse(
  request: { id: number; command: string },
  answers: readonly Answer[],
  code: ResultCode = worstCode(answers.map((answer) => answer.code)),
): QueryResponse {
  const lines = answers.map(({ text, isFromAgent }) =>
    isFromAgent ? parseNagiosText(text) : Line.create({ message: text }),
  );
  return QueryResponse.create({ id: request.id, command: request.command, result: code, lines });
}
