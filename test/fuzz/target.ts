import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** One connection: what is sent, and how it goes on. */
export interface Attempt {
  /** What is sent, perhaps after what the server says first. */
  readonly bytes: Buffer | ((greeting: Buffer) => Buffer);
  /** How much the server says before; nothing unless given. */
  readonly greeting?: number;
  /** Whether the garbage is inside of TLS. */
  readonly isSecured?: boolean;
  /** Whether the client waits for the server to end the connection, where others say that nothing more comes. */
  readonly isPatient?: boolean;
}

/** Far beyond every deadline of the gateway under test: who is not answered or cut off by then hangs. */
const hangMs = 60_000;

/**
 * Sends bytes to a port and waits until the gateway has ended the connection.
 *
 * @returns what came back
 * @throws Error with what was sent, when nothing ends the connection, and when there is none to be had
 */
export function attempt(port: number, { bytes, greeting = 0, isSecured, isPatient }: Attempt): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = isSecured
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connect(port, "127.0.0.1");
    let received = Buffer.alloc(0);
    let sent: Buffer | undefined;
    const watch = setTimeout(() => {
      socket.destroy();
      reject(new Error(`Port ${port} neither answered nor ended the connection. Sent was: ${sent?.toString("hex")}`));
    }, hangMs);
    const send = () => {
      sent = typeof bytes === "function" ? bytes(received) : bytes;
      if (isPatient) socket.write(sent);
      else socket.end(sent);
    };
    socket.once(isSecured ? "secureConnect" : "connect", () => {
      if (greeting === 0) send();
    });
    socket.on("data", (data: Buffer) => {
      if (received.length < 1 << 20) received = Buffer.concat([received, data]);
      if (sent === undefined && received.length >= greeting) send();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNREFUSED") return;
      clearTimeout(watch);
      reject(new Error(`Nobody listens on port ${port} any more`));
    });
    socket.once("close", () => {
      clearTimeout(watch);
      resolve(received);
    });
  });
}

/** Runs all of them, so many at a time. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item, index: number) => Promise<unknown>,
): Promise<void> {
  const waiting = [...items].entries();
  const worker = async () => {
    for (const [index, item] of waiting) await work(item, index);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
