import { pythonLanguage } from "../../script-host/script-files.js";
import { defineSettings } from "../../settings/schema.js";
import { scriptKeys, scriptsSection } from "../script-module.js";

export const settings = defineSettings({
  section: "/settings/${alias}",
  title: "Python scripts",
  description: "Scripts that run in a Python process and register checks, commands and subscriptions.",
  keys: {
    pythonExecutable: {
      type: "path",
      title: "Python executable",
      description:
        "The interpreter, 3.9 or newer, by path or by a name in the search path. Empty: the gateway's private virtual environment if the set-up made one, else python3.",
      default: "",
    },
    pythonCache: {
      type: "path",
      title: "Python cache",
      description: "Folder for compiled Python files. Empty: beside their sources.",
      default: "",
    },
    pythonLib: {
      type: "string",
      title: "Python lib",
      description: "Accepted for compatibility: no library is loaded into the gateway.",
      default: "",
      advanced: true,
    },
    ...scriptKeys,
  },
  objects: { scripts: scriptsSection(pythonLanguage, "With isolation = script the memory of its process.") },
});
