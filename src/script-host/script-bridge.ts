import type { CallbackKind, HostOperation, HostOperations, RegisterOptions } from "./protocol.js";

/** Where the thread of a script keeps its way to the gateway, for `nscp-gateway/script`. */
export const bridgeKey = Symbol.for("nscp-gateway.script");

/** What `nscp-gateway/script` needs of the thread that it runs in. */
export interface ScriptBridge {
  register(
    kind: CallbackKind,
    name: string,
    callback: (...args: never[]) => unknown,
    options?: Omit<RegisterOptions, "context">,
  ): void;
  /** Rejects with an Error that says why the gateway refused. */
  call<Op extends HostOperation>(op: Op, args: HostOperations[Op]["args"]): Promise<HostOperations[Op]["value"]>;
  /** Like `call` with a message each way; which ones is known by the operation. */
  callRaw<Op extends RawOperation>(
    op: Op,
    args: HostOperations[Op]["args"],
    message: object,
  ): Promise<{ value: HostOperations[Op]["value"]; message: unknown }>;
  log(level: "error" | "info" | "debug", message: unknown): void;
}

export type RawOperation = "query" | "exec" | "submit" | "emit" | "settingsQuery" | "registryQuery";
