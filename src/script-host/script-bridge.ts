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

/** Arguments as they travel. */
export function texts(args: readonly (string | number | bigint | boolean)[]): string[] {
  return args.map((argument) => {
    if (typeof argument === "string") return argument;
    if (typeof argument === "boolean") return argument ? "1" : "0";
    if (typeof argument === "number" || typeof argument === "bigint") return String(argument);
    throw new TypeError(
      `An argument is ${argument === null ? "null" : typeof argument} instead of a text or a number.`,
    );
  });
}

/** A text that may have come as its bytes in UTF-8. */
export function fromBytes(text: string | Uint8Array): string {
  return text instanceof Uint8Array ? new TextDecoder().decode(text) : text;
}

/** @throws Error outside of the gateway */
export function bridge(): ScriptBridge {
  const found: unknown = Reflect.get(globalThis, bridgeKey);
  if (found === undefined) {
    throw new Error(
      "nscp-gateway/script works inside the gateway only: add the script with `nscp node add --script <file>`, or run it with `nscp node execute --script <file>`.",
    );
  }
  return found as ScriptBridge;
}

/** Asks the gateway. */
export function call<Op extends keyof HostOperations>(
  op: Op,
  args: HostOperations[Op]["args"],
): Promise<HostOperations[Op]["value"]> {
  return bridge().call(op, args);
}

/** Asks the gateway with a message. */
export async function raw<Message, Op extends RawOperation>(
  op: Op,
  args: HostOperations[Op]["args"],
  request: object,
): Promise<{ value: HostOperations[Op]["value"]; message: Message }> {
  const { value, message } = await bridge().callRaw(op, args, request);
  return { value, message: message as Message };
}
