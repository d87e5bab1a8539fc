import { ArgumentError } from "../kernel/arguments.js";
import type { Call } from "../kernel/call.js";
import { GatewayError } from "../kernel/errors.js";
import { splitNames } from "../kernel/registry.js";
import type { RegistryScope } from "../kernel/scope.js";
import type { PathTokens } from "../settings/paths.js";
import { parseCommandLine } from "../wire/command-line.js";
import { ExecuteResponse, type Header, PB, ResultCode } from "../wire/messages.js";
import { renderNagiosText } from "../wire/nagios-text.js";
import { passiveResult } from "../wire/passive-result.js";
import { textResponse } from "../wire/responses.js";
import { codeName } from "../wire/result-code.js";
import type { Acceptance, Accepting, Destination } from "./acceptance.js";
import { adHocTarget } from "./ad-hoc-target.js";
import { type PendingResult, subjectOf } from "./incoming-results.js";
import { type AnyProtocol, wordOf } from "./relay-settings.js";
import { readSubmitOptions, type SubmitOptions, submitOptionSpecs, submitUsage } from "./submit-options.js";
import type { RelayTargets } from "./targets.js";

interface SubmitCommandParts {
  readonly protocol: AnyProtocol;
  readonly paths: PathTokens;
  /** As they are when the command runs; a reload changes them. */
  current(): { readonly accepting: Accepting; readonly targets: RelayTargets; readonly hostname: string };
  now(): number;
}

interface Outcome {
  readonly code: ResultCode;
  readonly text: string;
}

/** The query and the commands that submit a result with a relay: `submit_<word>` and `<word>_submit`. */
export class SubmitCommand {
  private readonly specs: ReturnType<typeof submitOptionSpecs>;

  constructor(private readonly parts: SubmitCommandParts) {
    this.specs = submitOptionSpecs(parts.protocol);
  }

  /** Registers the relay's own names. They stay as long as the module. */
  register(registry: RegistryScope): void {
    const word = wordOf(this.parts.protocol);
    this.add(registry, `submit_${word}`, []);
    this.add(registry, `${word}_submit`, []);
  }

  /**
   * Registers commands with stored arguments. Returns how to take them back.
   * @param handlers name → `submit_<word>` and arguments; the word may be missing, and so may the `command=` of a service
   * @throws GatewayError CONFIGURATION naming a handler that can't be read
   */
  registerHandlers(registry: RegistryScope, handlers: ReadonlyMap<string, string>, section: string): () => void {
    const stored = [...handlers].map(([name, line]) => [name, this.storedArguments(name, line, section)] as const);
    const undo = stored.flatMap(([name, args]) => this.add(registry, name, args));
    return () => {
      for (const unregister of undo) unregister();
    };
  }

  /** @throws GatewayError CONFIGURATION naming a handler that can't be read */
  checkHandlers(handlers: ReadonlyMap<string, string>, section: string): void {
    for (const [name, line] of handlers) this.storedArguments(name, line, section);
  }

  private add(registry: RegistryScope, name: string, stored: readonly string[]): (() => void)[] {
    const description = `Submits passive results with ${this.parts.protocol.name}`;
    const options = { description, parameters: this.parameters(), takesRecipient: true };
    return [
      registry.query(
        name,
        async (request, call, header) => {
          const { code, text } = await this.run(name, stored, request.arguments, call, header);
          return textResponse(request, code, text);
        },
        options,
      ),
      registry.command(name, async (request, call, header) => {
        // The recipient of a command is the module that is to run it.
        const withoutRecipient = header === null ? null : { ...header, recipientId: "", destinationId: "" };
        const { code, text } = await this.run(name, stored, request.arguments, call, withoutRecipient);
        return ExecuteResponse.create({ result: code, message: text });
      }),
    ];
  }

  private storedArguments(name: string, line: string, section: string): string[] {
    const fail = (problem: string) => new GatewayError("CONFIGURATION", `[${section}] ${name}: ${problem}`);
    const parsed = parseCommandLine(line);
    if (parsed.problem !== undefined) throw fail(parsed.problem);
    const [first = "", ...rest] = parsed.words;
    const word = wordOf(this.parts.protocol);
    const isOwn = [`submit_${word}`, `${word}_submit`].includes(first.toLowerCase());
    const isService = !isOwn && first !== "" && !first.startsWith("-") && !first.includes("=");
    const args = isOwn ? rest : isService ? [`command=${first}`, ...rest] : parsed.words;
    try {
      // The service may come from the caller; everything else can be read now.
      readSubmitOptions(this.specs, args, ["command=x"]);
    } catch (thrown) {
      if (!(thrown instanceof ArgumentError)) throw thrown;
      throw fail(thrown.message);
    }
    return [...args];
  }

  private async run(
    name: string,
    stored: readonly string[],
    args: readonly string[],
    call: Call,
    header: Header | null,
  ): Promise<Outcome> {
    const usage = () => submitUsage(name, this.parts.protocol);
    if (args.some((word) => /^(--?)?help$/i.test(word))) return { code: ResultCode.OK, text: usage() };
    try {
      const options = readSubmitOptions(this.specs, stored, args);
      const { accepting, hostname } = this.parts.current();
      const destinations = this.destinations(options, call, header);
      const results = this.resultsOf(options, hostname);
      if (options.isDryRun) return { code: ResultCode.OK, text: dryRun(results, destinations) };
      return summary(results, await accepting.results(results, destinations, call));
    } catch (thrown) {
      if (thrown instanceof ArgumentError) return { code: ResultCode.UNKNOWN, text: `${thrown.message}\n${usage()}` };
      if (thrown instanceof GatewayError) return { code: ResultCode.UNKNOWN, text: thrown.message };
      throw thrown;
    }
  }

  private destinations(
    { target, targetOptions, callersOptions }: SubmitOptions,
    call: Call,
    header: Header | null,
  ): readonly Destination[] {
    const { protocol, paths } = this.parts;
    const { accepting, targets } = this.parts.current();
    const recipients = target || header?.recipientId || header?.destinationId || "";
    if (targetOptions.size === 0) return accepting.named(recipients, header, call);
    const [foreign] = call.remote ? callersOptions : [];
    if (foreign !== undefined && !call.principal.grants.allows("targets.override")) {
      throw new GatewayError(
        "PERMISSION_DENIED",
        `${call.principal.name} is not allowed to set ${foreign} of a target: the grant targets.override is missing`,
      );
    }
    const isElsewhere = targetOptions.has("address") || targetOptions.has("host");
    const standard = isElsewhere ? [] : targets.standard.map(({ name }) => name);
    const named = recipients === "" ? standard : splitNames(recipients);
    // What stands in the settings is trusted whoever calls it, until the caller has a say in it.
    const trust = { keepsSecrets: foreign === undefined, namesFiles: foreign === undefined };
    return (named.length === 0 ? ["default"] : named).map((each) => {
      if (recipients !== "" && targets.find(each) === undefined && each.toLowerCase() !== "default") {
        throw new GatewayError("NOT_FOUND", targets.unknownText(each));
      }
      const values = targets.valuesFor(each);
      const configured = adHocTarget({ protocol, name: each, values, options: targetOptions, paths, ...trust });
      return { configured, isAdHoc: true };
    });
  }

  private resultsOf({ results, sender }: SubmitOptions, hostname: string): PendingResult[] {
    const timeMs = this.parts.now();
    return results.map(({ host: named, service, code, text }) => {
      const host = named || sender || hostname;
      const result = passiveResult({ host, service, code, text });
      return { host, service, result, timeMs, executionMs: undefined, channel: this.parts.protocol.channel };
    });
  }

  private parameters(): PB.Registry.ParameterDetails {
    const { ParameterDetail, ParameterDetails } = PB.Registry;
    return ParameterDetails.create({
      parameter: [...this.specs].map(([name, { description, isFlag, isRepeatable }]) =>
        ParameterDetail.create({
          name: name.replaceAll(" ", "-"),
          repeatable: isRepeatable ?? false,
          contentType: isFlag ? PB.Common.DataType.BOOL : PB.Common.DataType.STRING,
          shortDescription: description,
          longDescription: description,
        }),
      ),
    });
  }
}

/** The receiver's words once when they are the same for all; otherwise a line for each result. */
function summary(results: readonly PendingResult[], acceptances: readonly Acceptance[]): Outcome {
  const code = acceptances.every(({ isAccepted }) => isAccepted) ? ResultCode.OK : ResultCode.UNKNOWN;
  const texts = acceptances.map(({ text, isAccepted, isQueued }) =>
    isAccepted && isQueued ? `${text} (queued)` : text,
  );
  if (new Set(texts).size === 1) return { code, text: texts[0] ?? "" };
  const rows = results.map((result, index) => `${subjectOf(result)}: ${texts[index] ?? ""}`);
  return { code, text: rows.join("\n") };
}

/** What would be sent: a line for each result and target, with the names before and after. */
function dryRun(results: readonly PendingResult[], destinations: readonly Destination[]): string {
  const rows = destinations.flatMap(({ configured: { name, target, mapping } }) =>
    results.map((result) => {
      const place = target.host === "" ? name : `${name} (${target.host}:${target.port})`;
      const state = codeName(result.result.result);
      const text = renderNagiosText(result.result).replaceAll("\n", "\\n");
      return `${place}: ${subjectOf(result)} -> ${subjectOf(mapping(result))} ${state} ${text}`;
    }),
  );
  return rows.join("\n");
}
