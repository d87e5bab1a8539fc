import { once } from "node:events";
import { chmod, link, lstat, mkdtemp, rename, rm, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { makeFolder } from "../../settings/make-folder.js";
import { adminMethods } from "../../wire/services.js";

/** The address of a Unix socket has room for so many bytes (unix(7)). */
const longestPath = 107;

/** How long a gateway that may still be alive has to say so. */
const questionMs = 2000;

/**
 * The Unix socket for this machine's administrator. It is made in a folder that nobody else may enter, gets mode 0600
 * there and is then linked to its place, so that it is open to others at no time.
 *
 * It is also what keeps a second gateway from the same data: a link is made only where there is nothing, so of gateways
 * that start at the same instant one gets the place. What a dead one left behind is moved aside and looked at once more,
 * because by then it may be the socket of another that was faster; that one gets its place back.
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
      await makeFolder(folder, 0o700);
      const left = await requireVacant(this.path);
      const hidden = await mkdtemp(join(folder, ".c"));
      const born = join(hidden, "s");
      for (const path of [this.path, born]) requireShort(path);
      try {
        this.server.listen(born);
        await once(this.server, "listening");
        await chmod(born, 0o600);
        this.inode = (await lstat(born)).ino;
        if (left !== undefined) await takeAway(this.path, left, join(hidden, "left"));
        await this.place(born);
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

  private async place(born: string): Promise<void> {
    try {
      await link(born, this.path);
    } catch (thrown) {
      await requireVacant(this.path);
      throw thrown;
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

/** @returns the inode of the socket that a dead gateway left there, if there is one */
async function requireVacant(path: string): Promise<number | undefined> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return undefined;
  if (!there.isSocket()) {
    throw new GatewayError("CONFIGURATION", `Cannot make the control socket ${path}: there is something else.`);
  }
  const owner = await ownerOf(path);
  if (owner === undefined) return there.ino;
  const who =
    owner === process.pid ? "this gateway, for another module" : owner === 0 ? "a program" : `process ${owner}`;
  throw new GatewayError("CONFIGURATION", `The control socket ${path} belongs to ${who}, which is running.`);
}

/** Moves the socket with the inode out of the way; when another is there by now, it stays. */
async function takeAway(path: string, inode: number, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return;
    throw thrown;
  }
  if ((await lstat(aside)).ino !== inode) await link(aside, path);
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
