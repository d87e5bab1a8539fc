import { usageContext } from "./actions.js";
import type { CliContext } from "./context.js";
import { webActions } from "./web-commands.js";

const failureCode = 3;

/** Commands of other servers, which unpack pages that come from elsewhere. */
const pageCommands = new Set(["install-ui", "uninstall-ui", "ui-status"]);

const actions = usageContext("web", webActions);

/** `nscp web`: sets the web server up. */
export const webContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const word = args[0] ?? "";
    if (!pageCommands.has(word)) return actions.run(args, io);
    io.stderr(`nscp web ${word} is not offered: the web server has no pages that could be installed.\n`);
    return failureCode;
  },
};
