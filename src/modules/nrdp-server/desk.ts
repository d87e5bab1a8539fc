import type { Call } from "../../kernel/call.js";
import type { GatewayControl } from "../../kernel/control.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import type { Principal } from "../../kernel/principal.js";
import { splitNames } from "../../kernel/registry.js";
import type { Security } from "../../security/security.js";
import { parseNagiosCommand } from "../../wire/nagios-command.js";
import { answerTypes, type NrdpAnswer, processedText, writeAnswer, writeHello } from "../../wire/nrdp/answer.js";
import { excerpt, nameProblem } from "../../wire/nrdp/check-result.js";
import { parseJsonDocument } from "../../wire/nrdp/json-document.js";
import { parseXmlDocument } from "../../wire/nrdp/xml-document.js";
import { page } from "./page.js";
import type { NrdpRequest } from "./request.js";
import { frontEnd, type Senders } from "./senders.js";
import type { ServerSettings } from "./settings.js";
import { fromCommand, fromDocument, submitResults, type TimedResult } from "./submission.js";

/** What goes back to a sender. */
export interface Reply {
  /** Of HTTP. It is 200 also for what NRDP itself refuses, as the real server has it. */
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The version of NRDP whose ways these are, as that one says it. */
const protocolVersion = "2.0.5";

export interface DeskParts {
  readonly gateway: GatewayControl;
  readonly security: Security;
  readonly log: Logger;
  readonly settings: ServerSettings;
  readonly senders: Senders;
}

/** Why a request is refused, in NRDP's words. */
class Refusal extends Error {
  constructor(
    override readonly message: string,
    readonly information?: string,
  ) {
    super(message);
  }
}

/**
 * Answers requests, in the order in which the real server looks at them: the page for people, hello, the token, the
 * command.
 */
export class Desk {
  constructor(private readonly parts: DeskParts) {}

  /** @param peer address of the sender */
  async answer(request: NrdpRequest, peer: string): Promise<Reply> {
    const { command, format, isPretty } = request;
    if (command === "") return { status: 200, type: "text/html;charset=UTF-8", body: page };
    if (command === "hello") return reply(request, writeHello(protocolVersion, format, isPretty));
    try {
      const sender = await this.identify(request, peer);
      if (command === "submitcheck") return answered(request, await this.submitCheck(request, sender, peer));
      if (command === "submitcmd" || command === "submitrawcmd") {
        return answered(request, await this.submitCommands(request, sender, peer));
      }
      return reply(request, "No command specified or request handler", "text/html;charset=UTF-8");
    } catch (thrown) {
      return this.refused(request, peer, thrown);
    }
  }

  private async identify({ token }: NrdpRequest, peer: string): Promise<Principal> {
    if (token === "") throw new Refusal("NO TOKEN");
    try {
      return await this.parts.senders.find(token, peer);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.code !== "UNAUTHENTICATED") throw thrown;
      this.parts.log.info(`Refused a sender at ${peer}: ${thrown.message}`);
      throw new Refusal(this.parts.senders.isEmpty ? "NO TOKENS" : "BAD TOKEN");
    }
  }

  private async submitCheck({ format, document }: NrdpRequest, sender: Principal, peer: string): Promise<NrdpAnswer> {
    const name = format.toUpperCase();
    if (document.length === 0) throw new Refusal(`BAD ${name}`, "There is no document");
    const read = format === "xml" ? parseXmlDocument(document) : parseJsonDocument(document);
    if ("problem" in read) throw new Refusal(`BAD ${name}`, read.problem);
    await this.submit(read.results.map(fromDocument), sender, peer);
    return { status: 0, message: "OK", output: processedText(read.results.length) };
  }

  /** Only commands that bring results are understood; no other one is refused for more than being another one. */
  private async submitCommands({ nagiosCommands }: NrdpRequest, sender: Principal, peer: string): Promise<NrdpAnswer> {
    if (!this.parts.settings.allowSubmitcmd) throw new Refusal("COMMANDS DISABLED");
    if (nagiosCommands.length === 0) throw new Refusal("NO COMMAND");
    const seconds = Math.floor(this.parts.gateway.clock.now() / 1000);
    const results = nagiosCommands.map((text, index) => {
      const line = text.trim();
      const result = parseNagiosCommand(line.startsWith("[") ? line : `[${seconds}] ${line}`);
      if (result === undefined) {
        throw new Refusal("DENIED TOKEN", `Command ${index + 1} brings no result of a check: "${excerpt(line)}"`);
      }
      const problem =
        nameProblem("hostname", result.host) ??
        (result.service === "" ? undefined : nameProblem("servicename", result.service));
      if (problem !== undefined) throw new Refusal("DENIED TOKEN", `Command ${index + 1} ${problem}`);
      return fromCommand(result);
    });
    await this.submit(results, sender, peer);
    return { status: 0, message: "OK" };
  }

  private async submit(results: readonly TimedResult[], principal: Principal, peer: string): Promise<void> {
    const { gateway, settings } = this.parts;
    if (results.length === 0) return;
    const timed = settings.allowOldResults ? results : results.map((result) => ({ ...result, timeMs: undefined }));
    const call = gateway.call({ principal, peer, frontEnd, remote: true });
    try {
      await submitResults(gateway, settings.inbox, timed, call, settings.timeout);
      this.record(call, "ok");
    } catch (thrown) {
      const isDenied = thrown instanceof GatewayError && thrown.code === "PERMISSION_DENIED";
      this.record(call, isDenied ? "denied" : "failed", errorText(thrown));
      if (isDenied) throw new Refusal("DENIED TOKEN", errorText(thrown));
      throw thrown;
    } finally {
      call.finish();
    }
  }

  private record({ principal, peer, traceId }: Call, outcome: "ok" | "denied" | "failed", reason?: string): void {
    const { audit } = this.parts.security;
    if (!audit.keeps("submit", outcome)) return;
    const objects = splitNames(this.parts.settings.inbox);
    audit.record({ action: "submit", outcome, principal, peer, frontEnd, traceId, objects, reason });
  }

  /** What the sender did wrong is told as NRDP tells it; what went wrong here keeps its results with the sender. */
  private refused(request: NrdpRequest, peer: string, thrown: unknown): Reply {
    if (thrown instanceof Refusal) {
      const { message, information } = thrown;
      if (information !== undefined) this.parts.log.info(`Refused a request of ${peer}: ${message}: ${information}`);
      return answered(request, { status: -1, message, information });
    }
    this.parts.log.info(`The results of ${peer} were not accepted: ${errorText(thrown)}`);
    return failed(request, 503, errorText(thrown));
  }
}

/** An answer to somebody whose results were not taken and who should keep them: HTTP says so too. */
export function failed(request: NrdpRequest, status: number, message: string): Reply {
  return { ...answered(request, { status: -1, message }), status };
}

function answered(request: NrdpRequest, answer: NrdpAnswer): Reply {
  return reply(request, writeAnswer(answer, request.format, request.isPretty));
}

function reply({ format, debugType }: NrdpRequest, body: string, type: string = answerTypes[format]): Reply {
  return { status: 200, type: debugType ?? type, body };
}
