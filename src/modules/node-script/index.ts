import { ScriptModule } from "../../script-host/script-module.js";
import { defineModule } from "../module.js";
import { nodeHostCommand, nodeLanguage } from "./host-command.js";
import { settings } from "./settings.js";

export default defineModule({
  name: "NodeScript",
  summary: "Runs TypeScript and JavaScript scripts",
  defaultAlias: "node",
  settings,
  async start({ settings: values, gateway, log, ...instance }) {
    const scripts = [...values.scripts.active.values()].map(({ id, values: script }) => ({
      name: id,
      script: script.script === undefined || script.script === "" ? id : script.script,
      timeoutMs: script.timeout,
      memoryLimit: script.memoryLimit,
    }));
    const module = new ScriptModule({
      instance,
      gateway,
      log,
      scripts,
      language: nodeLanguage,
      command: nodeHostCommand,
      isolation: values.isolation,
      memoryLimit: values.memoryLimit,
      callsInFlight: values.callsInFlight,
      startTimeoutMs: values.startTimeout,
      stopTimeoutMs: values.stopTimeout,
    });
    await module.start();
    return module;
  },
});
