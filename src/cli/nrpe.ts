import { usageContext } from "./actions.js";
import type { CliContext } from "./context.js";
import { nrpeActions } from "./nrpe-install.js";

const actions = usageContext("nrpe", nrpeActions, ["install", "make-cert"]);

/**
 * `nscp nrpe`: asks an agent (`nscp nrpe --host …`), stands in for check_nrpe (`nscp nrpe -H …`), and sets the NRPE server up.
 * The first word decides: check_nrpe's command line begins with one of its letters.
 */
export const nrpeContext: Pick<CliContext, "run"> = {
  async run(args, io) {
    const first = args[0] ?? "";
    if (/^-[^-]/.test(first) && first !== "-h")
      return (await import("./check-nrpe.js")).checkNrpe(args, io, "nscp nrpe");
    const isQuery = first.startsWith("--") || first.includes("=");
    if (isQuery) return (await import("./nrpe-query.js")).nrpeQuery(args, io);
    return actions.run(args, io);
  },
};
