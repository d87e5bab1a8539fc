import { ArgumentError } from "../../kernel/arguments.js";
import type { Call } from "../../kernel/call.js";
import { GatewayError } from "../../kernel/errors.js";
import type { RegistryScope } from "../../kernel/scope.js";
import { parseCommandLine } from "../../wire/command-line.js";
import { ExecuteResponse, type Header, PB, ResultCode } from "../../wire/messages.js";
import { worstCode } from "../../wire/result-code.js";
import type { Agent } from "./agent.js";
import { type Agents, checkGrants } from "./agents.js";
import {
  collectOptions,
  type GivenOptions,
  type QueryOptions,
  queryOptionSpecs,
  queryOptions,
  queryUsage,
} from "./query-options.js";
import {
  type Answer,
  checkResponse,
  failureAnswer,
  type Kind,
  ownAnswer,
  type Questions,
  recipientOf,
} from "./questions.js";

interface OwnQuery {
  readonly kind: Kind;
  readonly summary: string;
}

/** The queries of the module; each is a command for the command line as well. */
const ownQueries: Readonly<Record<string, OwnQuery>> = {
  check_nrpe: { kind: "check", summary: "Runs a check of an agent over NRPE" },
  nrpe_query: { kind: "check", summary: "Runs a check of an agent over NRPE" },
  exec_nrpe: { kind: "command", summary: "Runs a command of an agent over NRPE; equal ones never become one" },
  nrpe_exec: { kind: "command", summary: "Runs a command of an agent over NRPE; equal ones never become one" },
  submit_nrpe: { kind: "command", summary: "Runs a command of an agent over NRPE; OK unless that is UNKNOWN" },
  nrpe_submit: { kind: "command", summary: "Runs a command of an agent over NRPE; OK unless that is UNKNOWN" },
};

interface Stored {
  readonly own: string;
  readonly given: GivenOptions;
  /** What the settings say needs no grant of the caller's. */
  readonly isHandler: boolean;
}

const nothing: GivenOptions = { values: new Map(), words: [] };

/** `check_nrpe` and its siblings, and those that the settings name as handlers. */
export class Queries {
  constructor(
    private readonly questions: Questions,
    private readonly current: () => Agents,
  ) {}

  /** Registers the module's own names. They stay as long as the module. */
  register(registry: RegistryScope): void {
    for (const [name, { summary }] of Object.entries(ownQueries)) {
      this.add(registry, name, summary, { own: name, given: nothing, isHandler: false });
    }
    registry.query(
      "nrpe_forward",
      async (request, call, header) => {
        if (header?.command.toLowerCase() !== "nrpe_forward" || request.command.toLowerCase() === "nrpe_forward") {
          const text =
            "nrpe_forward passes the queries of a message on: name it as the command of the message's header";
          return checkResponse(request, [ownAnswer(ResultCode.UNKNOWN, text)]);
        }
        try {
          const agent = this.questions.recipient(header, call);
          const command = { command: request.command, args: request.arguments };
          return checkResponse(request, [await this.questions.ask(agent, command, call, "check")]);
        } catch (thrown) {
          return checkResponse(request, [failureAnswer(thrown)]);
        }
      },
      { description: "Passes the queries of a message on to an agent over NRPE", takesRecipient: true },
    );
  }

  /**
   * Registers queries with stored arguments. Returns how to take them back.
   * @throws GatewayError CONFIGURATION naming a handler that can't be read
   */
  registerHandlers(registry: RegistryScope, handlers: ReadonlyMap<string, string>, section: string): () => void {
    const read = [...handlers].map(([name, line]) => [name, storedArguments(name, line, section)] as const);
    const undo = read.flatMap(([name, stored]) => {
      const summary = `Runs ${stored.own} with the arguments that the settings give it`;
      return this.add(registry, name, summary, stored);
    });
    return () => {
      for (const unregister of undo) unregister();
    };
  }

  /** @throws GatewayError CONFIGURATION naming a handler that can't be read */
  static checkHandlers(handlers: ReadonlyMap<string, string>, section: string): void {
    for (const [name, line] of handlers) storedArguments(name, line, section);
  }

  private add(registry: RegistryScope, name: string, summary: string, stored: Stored): (() => void)[] {
    const run = (args: readonly string[], call: Call, header: Header | null) =>
      this.run(name, summary, stored, args, call, header);
    return [
      registry.query(
        name,
        async (request, call, header) => {
          const answers = await run(request.arguments, call, header);
          return checkResponse(request, answers, codeOf(stored.own, answers));
        },
        { description: summary, parameters, takesRecipient: true },
      ),
      registry.command(name, async (request, call) => {
        // The recipient of a command is the module that is to run it.
        const answers = await run(request.arguments, call, null);
        const message = answers.map(({ text }) => text).join("\n");
        return ExecuteResponse.create({ result: codeOf(stored.own, answers), message });
      }),
    ];
  }

  private async run(
    name: string,
    summary: string,
    { own, given: stored, isHandler }: Stored,
    args: readonly string[],
    call: Call,
    header: Header | null,
  ): Promise<readonly Answer[]> {
    if (args.length === 1 && /^(--?)?help$/i.test(args[0] ?? ""))
      return [ownAnswer(ResultCode.OK, queryUsage(name, summary))];
    try {
      const given = collectOptions(args);
      const options = queryOptions(stored, given);
      const agent = this.agent(options, given, isHandler, call, header);
      const { kind } = ownQueries[own] ?? { kind: "check" };
      return await Promise.all(options.commands.map((command) => this.questions.ask(agent, command, call, kind)));
    } catch (thrown) {
      if (thrown instanceof ArgumentError) {
        return [ownAnswer(ResultCode.UNKNOWN, `${thrown.message}\n${queryUsage(name, summary)}`)];
      }
      return [failureAnswer(thrown)];
    }
  }

  /** @throws GatewayError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT or CONFIGURATION */
  private agent(
    options: QueryOptions,
    given: GivenOptions,
    isHandler: boolean,
    call: Call,
    header: Header | null,
  ): Agent {
    const named = options.target;
    if (named === "" && recipientOf(header) !== "" && options.targetOptions.size === 0) {
      return this.questions.recipient(header, call);
    }
    const target = named || recipientOf(header);
    const own = [...given.values.keys()].filter((name) => options.targetOptions.has(name));
    const isElsewhere = own.some((name) => name === "address" || name === "host");
    const isTheirs = !isHandler || given.values.has("target") || (named === "" && target !== "");
    checkGrants(call, {
      target: isTheirs && !isElsewhere ? target || "default" : undefined,
      option: own[0],
    });
    return this.current().wanted({
      name: target,
      options: options.targetOptions,
      // What stands in the settings is trusted whoever calls it, until the caller has a say in it.
      isForeign: call.remote && own.length > 0,
    });
  }
}

/** A submission is done unless its command could not be run. */
function codeOf(own: string, answers: readonly Answer[]): ResultCode {
  const code = worstCode(answers.map((answer) => answer.code));
  return /submit/.test(own) && code !== ResultCode.UNKNOWN ? ResultCode.OK : code;
}

function storedArguments(name: string, line: string, section: string): Stored {
  const fail = (problem: string) => new GatewayError("CONFIGURATION", `[${section}] ${name}: ${problem}`);
  const parsed = parseCommandLine(line);
  if (parsed.problem !== undefined) throw fail(parsed.problem);
  const [first = "", ...rest] = parsed.words;
  const own = Object.hasOwn(ownQueries, first.toLowerCase()) ? first.toLowerCase() : undefined;
  try {
    const given = collectOptions(own === undefined ? parsed.words : rest);
    // Everything but what the caller adds can be read now.
    queryOptions(given, nothing);
    // Without a query in front the line begins with the agent's command.
    const [command, ...words] = given.words;
    const isCommand = own === undefined && command !== undefined && !given.values.has("command");
    const values = isCommand ? new Map([...given.values, ["command", [command]] as const]) : given.values;
    return { own: own ?? "check_nrpe", given: { values, words: isCommand ? words : given.words }, isHandler: true };
  } catch (thrown) {
    if (!(thrown instanceof ArgumentError)) throw thrown;
    throw fail(thrown.message);
  }
}

const parameters = PB.Registry.ParameterDetails.create({
  parameter: [...queryOptionSpecs].map(([name, { description, isFlag, isRepeatable }]) =>
    PB.Registry.ParameterDetail.create({
      name: name.replaceAll(" ", "-"),
      repeatable: isRepeatable ?? false,
      contentType: isFlag ? PB.Common.DataType.BOOL : PB.Common.DataType.STRING,
      shortDescription: description,
      longDescription: description,
    }),
  ),
});
