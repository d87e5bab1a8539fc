import { findScript } from "../../script-host/find-script.js";
import { defineSettings } from "../../settings/schema.js";
import { nodeLanguage } from "./host-command.js";

export const settings = defineSettings({
  section: "/settings/${alias}",
  title: "TypeScript and JavaScript scripts",
  description: "Scripts that run inside the gateway's Node host and register checks, commands and subscriptions.",
  keys: {
    isolation: {
      type: "enum",
      choices: ["module", "script"],
      title: "Isolation",
      description:
        "module: all scripts share one process and each has a thread of its own. script: each has a process of its own.",
      default: "module",
    },
    timeoutAction: {
      type: "enum",
      choices: ["restart", "report"],
      title: "Timeout action",
      description:
        "What happens to a script that hangs after a callback took too long. restart: it is ended and started again. report: the log and the status tell, and it is left alone.",
      default: "restart",
    },
    memoryLimit: {
      type: "size",
      title: "Memory limit",
      description: "A host process that uses more memory is ended and started again.",
      default: "1G",
    },
    callsInFlight: {
      type: "int",
      min: 1,
      title: "Calls in flight",
      description:
        "When so many calls of a script have no answer yet, further ones are refused with RESOURCE_EXHAUSTED.",
      default: 256,
    },
    startTimeout: {
      type: "time",
      title: "Start timeout",
      description: "How long reading a script may take, and its init.",
      default: "30s",
      advanced: true,
    },
    stopTimeout: {
      type: "time",
      title: "Stop timeout",
      description: "How long the scripts have to shut down before they are ended.",
      default: "5s",
      advanced: true,
    },
  },
  objects: {
    scripts: {
      section: "/settings/${alias}/scripts",
      title: "Scripts",
      description: "One script per key: alias = file. An empty value means that the alias is the name of the file.",
      oneLiner: "script",
      keys: {
        script: {
          type: "path",
          title: "Script",
          description: "The file, as a path or as a name that is looked for in ${scripts}/node.",
          check: (value, { paths }) =>
            value === "" || findScript(paths.expand(value), paths.get("scripts"), nodeLanguage) !== undefined
              ? undefined
              : `the script ${value} is not there, nor in ${paths.get("scripts")}/${nodeLanguage.folder}`,
        },
        timeout: {
          type: "time",
          title: "Timeout",
          description:
            "How long the queries of this script may take, unless there is a timeout for the command; also how long it may take for passive results and events.",
        },
        timeoutAction: {
          type: "enum",
          choices: ["restart", "report"],
          title: "Timeout action",
          description: "What happens to this script when it hangs, restart or report; empty: as for the others.",
        },
        memoryLimit: {
          type: "size",
          title: "Memory limit",
          description: "Heap of the script; with isolation = script all memory of its process.",
        },
      },
    },
  },
});
