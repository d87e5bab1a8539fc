import type { ModuleDefinition } from "../modules/module.js";
import { nodeScript } from "../modules/node-script/module.js";
import { pythonScript } from "../modules/python-script/module.js";
import type { ScriptExtras } from "../modules/script-module.js";
import type { ScriptLanguage } from "../script-host/find-script.js";
import { nodeLanguage, pythonLanguage } from "../script-host/script-files.js";
import type { SettingsSchema } from "../settings/schema.js";

/** A language that scripts can be written in, as the command line knows it. */
export interface ScriptContext {
  /** The word after `nscp`. */
  readonly context: string;
  readonly module: string;
  /** The module's default alias, which names its section. */
  readonly alias: string;
  readonly language: ScriptLanguage;
  /** What a script calls its function for the command line. */
  readonly main: string;
  /** What `init` of a script that is run by hand gets for the module's alias, where it is another. */
  readonly pluginAliasByHand?: string;
  /** Other words for `execute`. */
  readonly executeWords: readonly string[];
  /** The words in the usage; all actions unless given. */
  readonly usageWords?: readonly string[];
  /** What the checks of a unit test are called: `<prefix>_unittest` and its like. */
  readonly unitPrefix: string;
  /** The module with a script besides those of the settings. */
  define(extras: ScriptExtras): ModuleDefinition<SettingsSchema>;
}

export const nodeScripts: ScriptContext = {
  context: "node",
  module: "NodeScript",
  alias: "node",
  language: nodeLanguage,
  main: "main",
  executeWords: ["exec", "node-script"],
  unitPrefix: "node",
  define: (extras) => erased(nodeScript(extras)),
};

export const pythonScripts: ScriptContext = {
  context: "py",
  module: "PythonScript",
  alias: "python",
  language: pythonLanguage,
  main: "__main__",
  pluginAliasByHand: "",
  executeWords: ["exec", "python-script"],
  usageWords: ["add", "execute", "list", "install", "delete"],
  unitPrefix: "py",
  define: (extras) => erased(pythonScript(extras)),
};

/** A module is started with the settings that were read by its own schema. */
function erased<Schema extends SettingsSchema>(definition: ModuleDefinition<Schema>): ModuleDefinition<SettingsSchema> {
  return definition as unknown as ModuleDefinition<SettingsSchema>;
}
