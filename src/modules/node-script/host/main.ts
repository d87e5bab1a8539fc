/**
 * The Node host: a process of the gateway's that runs scripts. This thread keeps the control channel and never runs code
 * of a script, so that it can always end one; each script is a worker thread with its own channel to the gateway.
 */
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { Channel } from "../../../script-host/channel.js";
import {
  type ControlToGateway,
  type ControlToHost,
  controlDescriptor,
  protocolVersion,
  type Start,
} from "../../../script-host/protocol.js";

const workers = new Map<number, Worker>();

const control = new Channel<ControlToHost, ControlToGateway>(new Socket({ fd: controlDescriptor }), {
  onMessage(message) {
    if (message.t === "hello") control.send({ t: "ready", protocol: protocolVersion, host: `node ${process.version}` });
    else if (message.t === "start") start(message);
    else if (message.t === "end") void workers.get(message.s)?.terminate();
  },
  // Without the gateway nobody needs the scripts, nor what they started.
  onClose: () => process.kill(-process.pid, "SIGKILL"),
});

// What a terminal sends to the whole group is the gateway's to act on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

function start({ s, lane, name, memoryLimit, allOutput }: Start): void {
  const megabytes = memoryLimit === undefined ? undefined : Math.max(16, Math.floor(memoryLimit / (1024 * 1024)));
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    name,
    workerData: { lane, name, allOutput: allOutput === true },
    // Not joined to this process's own, which stay blocking: what children print then waits instead of failing.
    stdout: true,
    stderr: true,
    ...(megabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: megabytes } }),
  });
  worker.stdout.resume();
  worker.stderr.resume();
  workers.set(s, worker);
  let reason: string | undefined;
  worker.on("error", (error: NodeJS.ErrnoException) => {
    reason = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "it ran out of memory" : `it failed: ${error.message}`;
  });
  worker.on("exit", (code) => {
    workers.delete(s);
    control.send({ t: "gone", s, reason: reason ?? `it called process.exit(${code})` });
  });
}
