import type { CliContext } from "./context.js";
import { withRunning } from "./control-socket.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

export const reloadContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const command = contextCommand("nscp reload", "Make the running gateway read its settings again", io).argument(
      "[module]",
      "a module by its alias, or settings for only the settings; everything unless given",
    );
    if (!parseArguments(command, args)) return 1;
    const module = command.args[0] ?? "service";
    const { reloaded, problem } = await withRunning(storeOptions(command, io), (client) => client.reload({ module }));
    for (const text of problem) io.stderr(`${text}\n`);
    if (!reloaded) {
      io.stderr(`Nothing was reloaded; what runs stays as it is\n`);
      return 3;
    }
    io.stdout(module === "service" ? "Reloaded\n" : `Reloaded ${module}\n`);
    // As `nscp status` has it: a module does not run.
    return problem.length > 0 ? 1 : 0;
  },
};
