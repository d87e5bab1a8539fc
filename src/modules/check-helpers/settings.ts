import { defineSettings } from "../../settings/schema.js";
import { parseAlias } from "./aliases.js";

export const settings = defineSettings({
  section: "/settings/${alias}",
  title: "Check helpers",
  description: "Checks that run other checks and change what comes of them",
  maps: {
    alias: {
      section: "/settings/${alias}/alias",
      title: "Aliases",
      description: "Names for commands with arguments: name = command arguments",
      value: {
        type: "string",
        title: "Command line",
        description: "A command and its arguments; $ARG1$, $ARG2$ and $ARGS$ stand for those of the caller",
        check: (line) => parseAlias(line).problem,
      },
    },
  },
});
