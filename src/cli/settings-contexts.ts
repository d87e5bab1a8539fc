import { openConfiguration, roomSettings } from "../gateway/configuration.js";
import { moduleSchemas } from "../gateway/module-list.js";
import type { CliContext } from "./context.js";
import { runConfigCheck, runSettings, type SettingsCommandHost } from "./settings.js";

const host: SettingsCommandHost = {
  core: roomSettings,
  modules: moduleSchemas,
  open: (options) => openConfiguration(options).store,
};

export const settingsContext: Pick<CliContext, "run"> = {
  run: (args, io) => runSettings(args, io, host),
};

export const configContext: Pick<CliContext, "run"> = {
  async run([action, ...args], io) {
    if (action === "check") return runConfigCheck(args, io, host);
    if (action === "--help") return runConfigCheck(["--help"], io, host);
    io.stderr(`${action === undefined ? "" : `Unknown action: ${action}\n`}Usage: nscp config check [options]\n`);
    return 1;
  },
};
