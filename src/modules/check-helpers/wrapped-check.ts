import type { Call } from "../../kernel/call.js";
import type { Core } from "../../kernel/core.js";
import { soon } from "../../kernel/soon.js";
import { Header, QueryRequest, QueryRequestMessage, QueryResponse } from "../../wire/messages.js";
import { unknownResponse } from "../../wire/responses.js";

/** A check that another one runs, and who asked for it. */
export interface WrappedCheck {
  readonly command: string;
  readonly args: readonly string[];
  readonly request: QueryRequest;
  readonly call: Call;
  readonly header: Header | null;
}

/** What came of a wrapped check. One that is unknown or that the caller may not run has not run. */
export interface WrappedResult {
  readonly hasRun: boolean;
  /** Bears the name and id of the outer request. */
  readonly answer: QueryResponse;
}

/** Runs the check for the original caller: with its identity, its grants and its deadline. */
export function runWrapped(
  core: Core,
  { command, args, request, call, header }: WrappedCheck,
): WrappedResult | Promise<WrappedResult> {
  const obstacle = core.obstacle(command, call);
  if (obstacle !== undefined) return { hasRun: false, answer: unknownResponse(request, obstacle) };
  const inner = QueryRequest.create();
  inner.command = command;
  inner.arguments = [...args];
  const message = QueryRequestMessage.create();
  message.header = innerHeader(header);
  message.payload = [inner];
  return soon(core.query(message, call), ({ payload: [given] }) => {
    const answer = QueryResponse.create(given);
    answer.id = request.id;
    answer.command = request.command;
    return { hasRun: true, answer };
  });
}

/** The header without its command, which is the outer check and would be run again, for ever. */
export function innerHeader(header: Header | null): Header | null {
  return header === null ? null : Header.create({ ...header, command: "" });
}
