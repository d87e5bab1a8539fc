import { nodeLanguage } from "../../script-host/script-files.js";
import { defineSettings } from "../../settings/schema.js";
import { scriptKeys, scriptsSection } from "../script-module.js";

export const settings = defineSettings({
  section: "/settings/${alias}",
  title: "TypeScript and JavaScript scripts",
  description: "Scripts that run inside the gateway's Node host and register checks, commands and subscriptions.",
  keys: scriptKeys,
  objects: {
    scripts: scriptsSection(nodeLanguage, "Heap of the script; with isolation = script all memory of its process."),
  },
});
