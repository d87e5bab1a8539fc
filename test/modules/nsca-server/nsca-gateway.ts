import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { SubmissionHandler } from "../../../src/kernel/registry.js";
import nscaServer from "../../../src/modules/nsca-server/index.js";
import { type CertificatePair, makeAuthority, makeServerPair } from "../../../src/security/certificates.js";
import { PB, StatusCode, SubmitResponse } from "../../../src/wire/messages.js";
import { renderNagiosText } from "../../../src/wire/nagios-text.js";
import { decodeNscaInit, NSCA_INIT_SIZE, type NscaInit } from "../../../src/wire/nsca/init-packet.js";
import { parseNscaMethod } from "../../../src/wire/nsca/methods.js";
import type { NscaResult } from "../../../src/wire/nsca/packet.js";
import { NscaWriter } from "../../../src/wire/nsca/writer.js";
import { hostOfResult, serviceOfResult } from "../../../src/wire/passive-result.js";
import { serveModule, TestClock } from "../../support/served-module.js";

const terms = { now: Date.now(), days: 365 };
const authority: CertificatePair = await makeAuthority(terms);

export type NscaGateway = Awaited<ReturnType<typeof startNscaServer>>;

/**
 * A gateway with NSCAServer on a free port and a subscriber of `inbox`. It ends with the test.
 *
 * @param server lines of `[/settings/NSCA/server]`
 * @param more further sections
 */
export async function startNscaServer(server = "password = secret", more = "", clock: TestClock = new TestClock()) {
  const ini = (lines: string, sections: string) => `
[/settings/security/audit]
file = none
[/settings/security/roles]
narrow = submit:elsewhere
[/settings/NSCA/server]
port = 0
bind to = 127.0.0.1
${lines}
${sections}`;
  const files: Record<string, string> = {};
  if (/use ssl = true/.test(server + more)) {
    const pair = await makeServerPair(authority, ["localhost", "127.0.0.1"], terms);
    files["certificate.pem"] = pair.certificate;
    files["certificate_key.pem"] = pair.privateKey;
  }
  const served = await serveModule(nscaServer, ini(server, more), files, clock);
  const { logLines, audited, modules, stop, registry, metrics } = served;
  /** Results as they came to the channel, `host;service;state;text`, a list for each submission. */
  const submissions: string[][] = [];
  const waiting = new Set<() => void>();
  const state: { handler: SubmissionHandler } = {
    handler: () => [SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_OK }) })],
  };
  registry.addChannel({ id: 100, name: "Relay", alias: "relay" }, "inbox", (submission, call) => {
    submissions.push(
      submission.payload.map((payload) =>
        [hostOfResult(payload, submission), serviceOfResult(payload), payload.result, renderNagiosText(payload)].join(
          ";",
        ),
      ),
    );
    for (const look of [...waiting]) look();
    return state.handler(submission, call);
  });
  let openSenders = 0;
  /** Resolves when the server is done with every connection that its sender has closed. */
  const settled = async () => {
    while ((await metrics())["connections"] !== openSenders) await new Promise(setImmediate);
  };
  return {
    ...{ logLines, audited, submissions, modules, stop, registry, clock },
    get port() {
      return served.port;
    },
    /** Resolves when so many results have come. */
    results(count: number): Promise<string[]> {
      return new Promise((resolve) => {
        const look = () => {
          if (submissions.flat().length < count) return;
          waiting.delete(look);
          resolve(submissions.flat());
        };
        waiting.add(look);
        look();
      });
    },
    /** What is answered to submissions, after they were noted. */
    answerWith(handler: SubmissionHandler) {
      state.handler = handler;
    },
    metrics,
    /** A sender that has got the init packet. */
    async sender(options: { tls?: boolean } = {}): Promise<Sender> {
      const to = { host: "127.0.0.1", port: served.port };
      const socket = options.tls
        ? connectTls({ ...to, servername: "localhost", ca: authority.certificate })
        : connect(to);
      const sender = await Sender.begin(socket, settled);
      openSenders++;
      void sender.closed.then(() => openSenders--);
      return sender;
    },
    reload: (lines: string, sections = "") => served.reload(ini(lines, sections)),
  };
}

/** A sender as send_nsca is one. */
export class Sender {
  private constructor(
    readonly socket: Socket,
    readonly init: NscaInit,
    readonly closed: Promise<unknown>,
    private readonly settled: () => Promise<void>,
  ) {}

  static async begin(socket: Socket, settled: () => Promise<void>): Promise<Sender> {
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    let received = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      socket.on("data", (data: Buffer) => {
        received = Buffer.concat([received, data]);
        if (received.length >= NSCA_INIT_SIZE) resolve();
      });
      socket.once("close", () => reject(new Error("The server closed before it sent an init packet")));
    });
    return new Sender(socket, decodeNscaInit(received), closed, settled);
  }

  /** The packets for results, encrypted as a connection has them. */
  packets(
    results: readonly NscaResult[],
    { password = "secret", encryption = "aes256", payloadLength = 4096, timestamp = this.init.timestamp } = {},
  ): Buffer {
    const parsed = parseNscaMethod(encryption);
    if (parsed.problem !== undefined) throw new Error(parsed.problem);
    const writer = new NscaWriter({ ...this.init, timestamp }, { method: parsed.method, password, payloadLength });
    const packets = results.map((result) => {
      const packet = Buffer.alloc(writer.packetSize);
      writer.write(result, packet);
      return packet;
    });
    return Buffer.concat(packets);
  }

  /** Sends and closes; resolves when the server has done with it what it does. */
  async finish(bytes: Uint8Array): Promise<void> {
    this.socket.end(bytes);
    await this.closed;
    await this.settled();
  }
}
