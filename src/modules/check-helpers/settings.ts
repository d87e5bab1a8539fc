import { defineSettings } from "../../settings/schema.js";
import { parseCommandLine } from "../../wire/command-line.js";

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
        check: (line) => {
          const parsed = parseCommandLine(line);
          if (parsed.problem !== undefined) return `Not a command line: ${parsed.problem}`;
          return parsed.words.length === 0 ? "There is no command" : undefined;
        },
      },
    },
  },
});
