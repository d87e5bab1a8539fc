import type { Call } from "../../kernel/call.js";
import type { Clock } from "../../kernel/clock.js";
import { secondsText } from "../../kernel/deadlines.js";
import { GatewayError } from "../../kernel/errors.js";
import { hostOf, responseHeader } from "../../kernel/header.js";
import {
  type ExecuteRequestMessage,
  ExecuteResponse,
  ExecuteResponseMessage,
  QueryRequest,
  type QueryRequestMessage,
  QueryResponseMessage,
} from "../../wire/messages.js";
import type { Agent } from "./agent.js";
import { type Answer, checkResponse, failureAnswer, type Kind, type Questions, recipientOf } from "./questions.js";
import type { Caller } from "./result-cache.js";

/** An agent as the recipient of messages: its checks and commands are run there under the names that the message gives. */
export class AgentTarget {
  constructor(
    private readonly agent: Agent,
    private readonly questions: Questions,
    private readonly clock: Clock,
  ) {}

  async query(message: QueryRequestMessage, call: Call): Promise<QueryResponseMessage> {
    const { header } = message;
    const batch = header?.command ?? "";
    const payload =
      message.payload.length > 0 || batch === "" ? message.payload : [QueryRequest.create({ command: batch })];
    const answers = await Promise.all(
      payload.map(async (request) => {
        const command = { command: batch || request.command || request.alias, args: request.arguments };
        return checkResponse(request, [await this.ask(message, command, call, "check")]);
      }),
    );
    return QueryResponseMessage.create({ header: header === null ? null : responseHeader(header), payload: answers });
  }

  async execute(message: ExecuteRequestMessage, call: Call): Promise<ExecuteResponseMessage> {
    const { header } = message;
    const payload = await Promise.all(
      message.payload.map(async ({ id, command, arguments: args }) => {
        const { code, text } = await this.ask(message, { command, args }, call, "command");
        return ExecuteResponse.create({ id, command, result: code, message: text });
      }),
    );
    return ExecuteResponseMessage.create({ header: header === null ? null : responseHeader(header), payload });
  }

  private async ask(
    { header }: Pick<QueryRequestMessage, "header">,
    command: { readonly command: string; readonly args: readonly string[] },
    call: Call,
    kind: Kind,
  ): Promise<Answer> {
    try {
      // The core has asked for the grant of the target; an address of the caller's needs another one.
      const elsewhere = hostOf(header, recipientOf(header))?.address ?? "";
      const agent = elsewhere === "" ? this.agent : this.questions.recipient(header, call);
      return await this.questions.ask(agent, command, this.untilDeadline(call, agent), kind);
    } catch (thrown) {
      return failureAnswer(thrown);
    }
  }

  /** Queries for a target have no other limit than their caller's. */
  private untilDeadline(call: Call, { place }: Agent): Caller {
    const { deadline } = call;
    if (deadline === undefined) return call;
    const { clock } = this;
    return {
      onAbort(listener) {
        const left = deadline - clock.monotonic();
        const cancel = clock.after(Math.max(0, left), () =>
          listener(
            new GatewayError("DEADLINE_EXCEEDED", `${place} did not answer within the caller's ${secondsText(left)} s`),
          ),
        );
        const stop = call.onAbort((reason) => {
          cancel();
          listener(reason);
        });
        return () => {
          cancel();
          stop();
        };
      },
    };
  }
}
