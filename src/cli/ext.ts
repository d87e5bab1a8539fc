import { clientContext } from "./client.js";
import type { CliContext } from "./context.js";

const helpCode = 1;
/** Without anything to do the answer is UNKNOWN and the usage. */
const usageCode = 3;

const usage = "Usage: nscp ext --command NAME [arguments]\n";

/** `nscp ext --command NAME`: the other name that command lines have for `nscp client --command NAME`. */
export const extContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const ours = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
    if (ours.some((word) => word === "--command" || word.startsWith("--command="))) return clientContext.run(args, io);
    io.stdout(usage);
    if (ours.includes("--help") || ours.includes("-h")) return helpCode;
    if (ours.length > 0) {
      io.stderr(
        "There is no module CheckExternalScripts whose scripts could be managed; nscp py and nscp node manage those of the gateway.\n",
      );
    }
    return usageCode;
  },
};
