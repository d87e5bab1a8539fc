/** The thread that owns the store: nobody else in this process opens it. */
import { rmSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { errorText, GatewayError } from "../kernel/errors.js";
import { Ballast } from "./ballast.js";
import { mapSizeFor, openEnvironment } from "./environment.js";
import type { FromThread, Reply, ThreadOptions, ToThread } from "./messages.js";
import { dropFormer, prepareStore } from "./prepare-store.js";
import { Store, StoreFailed } from "./store.js";
import { storeFiles } from "./store-files.js";

const options: ThreadOptions = workerData;
const port = parentPort;
if (port === null) throw new Error("The store's thread was started as a program");

function tell(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

/** Says why, and ends: the spool starts another thread when the store is sound. */
function fail(error: unknown): void {
  const code = error instanceof GatewayError ? error.code : "UNAVAILABLE";
  tell({ kind: "failed", code, message: errorText(error), isDamaged: error instanceof StoreFailed && error.isDamaged });
  port?.close();
}

async function openStore(): Promise<Store> {
  const files = storeFiles(options.folder);
  const mapSize = mapSizeFor(options.maximumBytes);
  const notes = await prepareStore(files, { mapSize });
  const store = new Store({
    folder: options.folder,
    open: () => openEnvironment(files.store, mapSize),
    ballast: new Ballast(files.ballast, options.ballastBytes),
    nowMs: Date.now(),
  });
  dropFormer(files);
  if (options.ballastBytes === 0) rmSync(files.ballast, { force: true });
  tell({ kind: "ready", figures: store.figures(), refusing: store.isRefusing, notes });
  return store;
}

/** The payloads of a reply change the thread without being copied. */
function payloadsOf(reply: Reply): ArrayBuffer[] {
  return reply.outcomes.flatMap((outcome) =>
    "value" in outcome && outcome.value && "bytes" in outcome.value ? [outcome.value.bytes.buffer] : [],
  );
}

try {
  const store = await openStore();
  const end = async (error: unknown): Promise<void> => {
    await store.close().catch(() => undefined);
    fail(error);
  };
  let turn = Promise.resolve();
  port.on("message", (message: ToThread) => {
    turn = turn
      .then(async () => {
        if (message.kind === "close") {
          await store.close();
          tell({ kind: "closed" });
          port.close();
          return;
        }
        const reply = await store.execute(message.batch);
        tell({ kind: "reply", reply }, payloadsOf(reply));
      })
      .catch(end);
  });
} catch (error) {
  fail(error);
}
