import type { Command } from "commander";
import { localPrincipal } from "../kernel/principal.js";
import { queryOptionSpecs } from "../modules/nrpe-client/query-options.js";
import { QueryRequest, QueryRequestMessage } from "../wire/messages.js";
import { renderNagiosText } from "../wire/nagios-text.js";
import { worstCode } from "../wire/result-code.js";
import type { CliIo } from "./context.js";
import { startLocalGateway } from "./gateway-run.js";
import { commandLog, logOptions } from "./logging.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

/** Options that are not for the query. */
const ownNames = new Set(["settings", "define", "pathOverride", "debug", "log", "logBackend", "stderr"]);

/** `nscp nrpe --host …`: asks an agent, prints what it says and exits with the state. */
export async function nrpeQuery(args: readonly string[], io: CliIo): Promise<number> {
  const dashes = args.indexOf("--");
  const [ours, verbatim] = dashes < 0 ? [args, []] : [args.slice(0, dashes), args.slice(dashes)];
  const command = nrpeCommand(io);
  if (!parseArguments(command, ours)) return 1;
  const words = [...optionWords(command), ...command.args, ...verbatim];
  const gateway = await startLocalGateway({
    store: storeOptions(command, io),
    log: commandLog(logOptions(command), "error", io),
    modules: { only: "NRPEClient" },
    serve: false,
  });
  try {
    const request = QueryRequest.create({ id: 1, command: "check_nrpe", arguments: words });
    const call = gateway.call({ principal: localPrincipal, frontEnd: "cli" });
    const { payload } = await gateway.core.query(QueryRequestMessage.create({ payload: [request] }), call);
    for (const answer of payload) io.stdout(`${renderNagiosText(answer)}\n`);
    return worstCode(payload.map(({ result }) => result));
  } finally {
    await gateway.stop();
  }
}

/** `nscp nrpe` with every option of a query. */
export function nrpeCommand(io: Pick<CliIo, "stdout" | "stderr">): Command {
  const command = contextCommand("nscp nrpe", "Asks an NRPE agent, prints what it says and exits with its state", io)
    .argument("[arguments...]", "arguments for the agent's command; behind -- also what looks like an option")
    .allowUnknownOption();
  for (const [name, { description, isFlag, isRepeatable }] of queryOptionSpecs) {
    const option = `--${name.replaceAll(" ", "-")}`;
    if (isRepeatable) command.option(`${option} <value>`, description, collect, []);
    else command.option(isFlag ? `${option} [true|false]` : `${option} <value>`, description);
  }
  command.addHelpText(
    "after",
    "\nnscp nrpe -H <host> … takes the options of check_nrpe; nscp nrpe install and make-cert set the NRPE server up.\n",
  );
  return command;
}

function optionWords(command: Command): string[] {
  const values = command.opts<Record<string, string | true | readonly string[] | undefined>>();
  return command.options
    .filter((option) => !ownNames.has(option.attributeName()))
    .flatMap((option) => {
      const value = values[option.attributeName()];
      const texts = value === undefined ? [] : typeof value === "object" ? value : [value];
      return texts.map((text) => `--${option.name()}=${text === true ? "true" : text}`);
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
