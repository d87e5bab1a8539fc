/** The thread of one script: its channel to the gateway, and what it exports. */
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";
import { Channel } from "../../../script-host/channel.js";
import type { Init, Load, Main, Shutdown, ToGateway, ToScript } from "../../../script-host/protocol.js";
import { bridgeKey } from "../../../script-host/script-bridge.js";
import { loadScript, type ScriptExports } from "./loader.js";
import { captureOutput, OutputGate } from "./output.js";
import { ScriptRuntime } from "./runtime.js";
import { failure } from "./stack.js";

const { lane, allOutput } = workerData as { lane: number; allOutput: boolean };

process.setSourceMapsEnabled(true);

let exported: ScriptExports = {};
const channel = new Channel<ToScript, ToGateway>(new Socket({ fd: lane }), {
  onMessage: receive,
  // The gateway is done with the script.
  onClose: () => process.exit(0),
});
const gate = new OutputGate(channel, allOutput);
const runtime = new ScriptRuntime(channel, gate);
Object.defineProperty(globalThis, bridgeKey, { value: runtime });
captureOutput(gate);

// A mistake in a timer or a forgotten promise is told, and the script's other checks go on.
process.on("uncaughtException", (thrown) => report("Uncaught exception", thrown));
process.on("unhandledRejection", (thrown) => report("Unhandled rejection", thrown));
process.on("exit", () => channel.flush());

function report(what: string, thrown: unknown): void {
  const { error, stack } = failure(thrown);
  gate.log({ t: "log", level: "error", text: `${what} in ${workerData.name}: ${stack ?? error}` });
}

function receive(message: ToScript, raw: Uint8Array | undefined): void {
  if (message.t === "run") runtime.run(message, raw);
  else if (message.t === "ok" || message.t === "failed") runtime.answered(message, raw);
  else if (message.t === "cancel") runtime.cancel(message);
  else if (message.t === "ping") channel.send({ t: "ok", id: message.id });
  else if (message.t !== "where") void lifecycle(message);
}

async function lifecycle(message: Load | Init | Main | Shutdown): Promise<void> {
  const { id } = message;
  try {
    if (message.t === "load") exported = await loadScript(message.file);
    else if (message.t === "init") await exported.init?.(message.pluginId, message.pluginAlias, message.scriptAlias);
    else if (message.t === "main") await exported.main?.(message.args);
    else await exported.shutdown?.();
    channel.send({ t: "ok", id });
  } catch (thrown) {
    channel.send({ t: "failed", id, ...failure(thrown) });
  }
}
