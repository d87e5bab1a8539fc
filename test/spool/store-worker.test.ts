import { describe, expect, test } from "vitest";
import type { GatewayError } from "../../src/kernel/errors.js";
import type { FromThread } from "../../src/spool/messages.js";
import { startStoreThread } from "../../src/spool/store-worker.js";

const options = { folder: "/nowhere", maximumBytes: 1, ballastBytes: 0 };
/** The memory of a batch goes over to the thread, so each needs its own. */
const batch = () => ({ operations: [], names: [], bytes: new Uint8Array(0) });
const ready: FromThread = { kind: "ready", figures: [], refusing: "", notes: [] };

/** A thread that says some words at its start and does something with the first message. */
function script(greeting: FromThread, action: string): URL {
  const code = `
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage(${JSON.stringify(greeting)});
    parentPort.once("message", () => { ${action} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

describe("the store's thread", () => {
  test("that fails at its start says why", async () => {
    const failed: FromThread = { kind: "failed", code: "FAILED_PRECONDITION", message: "too new", isDamaged: false };
    const code = `import { parentPort } from "node:worker_threads"; parentPort.postMessage(${JSON.stringify(failed)});`;
    const start = startStoreThread(
      options,
      () => undefined,
      new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    );
    await expect(start).rejects.toMatchObject({ code: "FAILED_PRECONDITION", message: "too new" });
  });

  test.each([
    { how: "throws", action: 'throw new Error("broken")', message: "The spool's thread failed: broken" },
    { how: "exits", action: "process.exit(3)", message: "The spool's thread ended" },
    {
      how: "gives up",
      action: 'parentPort.postMessage({ kind: "failed", code: "UNAVAILABLE", message: "damaged" }); parentPort.close()',
      message: "damaged",
    },
  ])("that $how rejects what is on its way, and all that follows", async ({ action, message }) => {
    const lost: GatewayError[] = [];
    const thread = await startStoreThread(options, (error) => lost.push(error), script(ready, action));
    await expect(thread.execute(batch())).rejects.toMatchObject({ code: "UNAVAILABLE", message });
    await expect.poll(() => lost.map((error) => error.message)).toEqual([message]);
    await expect(thread.execute(batch())).rejects.toMatchObject({ message });
  });

  test("that is closed is not lost", async () => {
    const lost: GatewayError[] = [];
    const close = 'parentPort.postMessage({ kind: "closed" }); parentPort.close()';
    const thread = await startStoreThread(options, (error) => lost.push(error), script(ready, close));
    await thread.close();
    expect(lost).toEqual([]);
  });
});
