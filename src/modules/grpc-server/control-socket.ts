import { once } from "node:events";
import { chmod, lstat, mkdir, mkdtemp, rename, rm, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { adminMethods } from "../../wire/services.js";

/** The address of a Unix socket has room for so many bytes (unix(7)). */
const longestPath = 107;

/** How long a gateway that may still be alive has to say so. */
const questionMs = 2000;

/**
 * The Unix socket for this machine's administrator. It is made in a folder that nobody else may enter, gets mode 0600
 * there and is then moved to its place, so that it is open to others at no time.
 */
export class ControlSocket {
  private readonly server: Server;
  private inode: number | undefined;

  /** @param accept gets every connection */
  constructor(
    readonly path: string,
    accept: (socket: Socket) => void,
  ) {
    this.server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      accept(socket);
    });
  }

  /**
   * Takes the place of a socket that a dead gateway left behind.
   * @throws GatewayError CONFIGURATION when a living one has it, or the path can't be used
   */
  async listen(): Promise<void> {
    const folder = dirname(this.path);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await requireVacant(this.path);
      const hidden = await mkdtemp(join(folder, ".c"));
      const born = join(hidden, "s");
      for (const path of [this.path, born]) requireShort(path);
      try {
        this.server.listen(born);
        await once(this.server, "listening");
        await chmod(born, 0o600);
        this.inode = (await lstat(born)).ino;
        await rename(born, this.path);
      } finally {
        await rm(hidden, { recursive: true, force: true });
      }
    } catch (thrown) {
      this.server.close();
      if (thrown instanceof GatewayError) throw thrown;
      throw new GatewayError("CONFIGURATION", `Cannot make the control socket ${this.path}: ${errorText(thrown)}`, {
        cause: thrown,
      });
    }
  }

  /** Takes no more connections; those that are open stay so. */
  async close(): Promise<void> {
    this.server.close();
    const { inode } = this;
    this.inode = undefined;
    const there = await lstat(this.path).catch(() => undefined);
    if (inode !== undefined && there?.ino === inode) await unlink(this.path).catch(() => {});
  }
}

function requireShort(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= longestPath) return;
  throw new GatewayError(
    "CONFIGURATION",
    `The path of the control socket is too long by ${length - longestPath} bytes: ${path}; set a shorter "control socket".`,
  );
}

async function requireVacant(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new GatewayError("CONFIGURATION", `Cannot make the control socket ${path}: there is something else.`);
  }
  const owner = await ownerOf(path);
  if (owner === undefined) return;
  const who =
    owner === process.pid ? "this gateway, for another module" : owner === 0 ? "a program" : `process ${owner}`;
  throw new GatewayError("CONFIGURATION", `The control socket ${path} belongs to ${who}, which is running.`);
}

/** The process that answers on a socket; 0 when one listens that says nothing of itself, undefined when none does. */
function ownerOf(path: string): Promise<number | undefined> {
  const { status } = adminMethods;
  const client = new Client(`unix:${path}`, credentials.createInsecure(), {
    "grpc.enable_channelz": 0,
    "grpc.default_authority": "localhost",
  });
  return new Promise<number | undefined>((resolve) => {
    client.makeUnaryRequest(
      status.path,
      () => Buffer.alloc(0),
      status.response.decode,
      undefined,
      { deadline: Date.now() + questionMs },
      (error, answer) => {
        const dead = error !== null && /ECONNREFUSED|ENOENT/.test(error.details);
        resolve(dead ? undefined : (answer?.pid ?? 0));
      },
    );
  }).finally(() => client.close());
}
