import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";
import type { QueryHandler } from "../../../src/kernel/registry.js";
import nrpeServer from "../../../src/modules/nrpe-server/index.js";
import {
  type CertificatePair,
  makeAuthority,
  makeClientPair,
  makeServerPair,
} from "../../../src/security/certificates.js";
import { type QueryRequest, type QueryResponse, ResultCode } from "../../../src/wire/messages.js";
import { parseNagiosText } from "../../../src/wire/nagios-text.js";
import { encodeNrpeQuery, type NrpeVersion } from "../../../src/wire/nrpe/packet.js";
import { NrpeReader } from "../../../src/wire/nrpe/reader.js";
import { textResponse } from "../../../src/wire/responses.js";
import { serveModule, TestClock } from "../../support/served-module.js";

const terms = { now: Date.now(), days: 365 };
export const authority: CertificatePair = await makeAuthority(terms);
const serverPair = await makeServerPair(authority, ["localhost", "127.0.0.1"], terms);

/** A client's certificate, of the authority that the server trusts unless another is given. */
export function clientPair(name: string, issuer: CertificatePair = authority): Promise<CertificatePair> {
  return makeClientPair(issuer, name, terms);
}

/** 1000 measurements, and more text behind them than a packet has room for. */
export const longText = `long|${Array.from({ length: 1000 }, (_, index) => `'item ${index}'=${index}ms`).join(" ")}\n${"ä€𝄞 line\n".repeat(3500).trimEnd()}`;

/**
 * A gateway with NRPEServer on a free port and checks to ask for. It ends with the test.
 *
 * @param server lines of `[/settings/NRPE/server]`
 * @param more further sections
 */
export async function startNrpeServer(server = "use ssl = false", more = "", clock: TestClock = new TestClock()) {
  const ini = (lines: string, sections: string) => `
[/settings/security/audit]
file = none
[/settings/security/roles]
narrow = queries.execute:check_ok
nothing = submit
[/settings/security/certificates]
CN:poller1 = poller
[/settings/NRPE/server]
port = 0
bind to = 127.0.0.1
${lines}
${sections}`;
  const files = {
    "certificate.pem": serverPair.certificate,
    "certificate_key.pem": serverPair.privateKey,
    "ca.pem": authority.certificate,
  };
  const served = await serveModule(nrpeServer, ini(server, more), files, clock);
  const asked: string[] = [];
  const waiting: ((response: QueryResponse) => void)[] = [];
  const owner = { id: 100, name: "Checks", alias: "checks" };
  const check = (name: string, handler: QueryHandler) =>
    served.registry.addQuery(owner, name, (request, call, header) => {
      asked.push([request.command, ...request.arguments].join("|"));
      return handler(request, call, header);
    });
  const states = [ResultCode.OK, ResultCode.WARNING, ResultCode.CRITICAL, ResultCode.UNKNOWN] as const;
  const answer = (code: ResultCode, text: string) => (request: QueryRequest) => {
    const response = textResponse(request, code, "");
    response.lines = text === "" ? [] : [parseNagiosText(text)];
    return response;
  };
  for (const code of states) check(`check_${code}`, answer(code, `state ${code}|'time taken'=1.5s;2;3;0;10 b=7`));
  check("check_ok", answer(ResultCode.OK, "OK: Größe 漢|a=1"));
  check("check_lines", answer(ResultCode.WARNING, "WARNING: two lines|a=1\nsecond\nthird|b=2"));
  check("check_nothing", answer(ResultCode.OK, ""));
  check("check_long", answer(ResultCode.CRITICAL, longText));
  check("check_args", (request) => textResponse(request, ResultCode.OK, `<${request.arguments.join("> <")}>`));
  check("check_throws", () => {
    throw new Error("it broke");
  });
  /** Aborted calls of the check that does not answer by itself. */
  const ended: string[] = [];
  check("check_slow", (request, call) => {
    call.onAbort(({ message }) => ended.push(message));
    return new Promise((resolve) => waiting.push(() => resolve(textResponse(request, ResultCode.OK, "at last"))));
  });
  check("check_1k", answer(ResultCode.OK, "x".repeat(1024)));
  check("check_60k", answer(ResultCode.OK, `${"0123456789abcdef".repeat(3750)}`));
  return {
    ...served,
    ...{ asked, ended, clock },
    get port() {
      return served.port;
    },
    /** Has every check that waits answer. */
    answerSlow() {
      for (const resolve of waiting.splice(0)) resolve(undefined as unknown as QueryResponse);
    },
    /** Resolves when so many checks were asked for. */
    async untilAsked(count: number) {
      while (asked.length < count) await new Promise(setImmediate);
    },
    client: (tls?: ConnectionOptions) => Client.connect(served.port, tls),
    reload: (lines: string, sections = "") => served.reload(ini(lines, sections)),
    /** Asks as a client of NRPE does: one query on a connection. `state text`, or how it ended. */
    async ask(
      text: string,
      { version = 4 as NrpeVersion, tls }: { version?: NrpeVersion; tls?: ConnectionOptions } = {},
    ) {
      const client = await Client.connect(served.port, tls);
      client.send(encodeNrpeQuery(text, { version }));
      return await client.answer();
    },
  };
}

/** The other side of a connection. */
export class Client {
  received = Buffer.alloc(0);
  readonly ended: Promise<void>;
  /** Resolves when both sides are closed, with whether that was an error such as a reset. */
  readonly closed: Promise<boolean>;

  private constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.ended = new Promise((resolve) => socket.once("end", () => resolve()));
    this.closed = new Promise((resolve) => socket.once("close", resolve));
    onTestFinished(() => void socket.destroy());
  }

  static async connect(port: number, tls?: ConnectionOptions): Promise<Client> {
    const to = { host: "127.0.0.1", port };
    // The peer's side may be closed while this one is open.
    const plain = connect({ ...to, allowHalfOpen: tls === undefined });
    const socket =
      tls === undefined
        ? plain
        : connectTls({ socket: plain, servername: "localhost", ca: authority.certificate, ...tls });
    const client = new Client(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? "connect" : "secureConnect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits until the server has closed. What it said, `version state text` for each packet, or `nothing`. */
  async answer(): Promise<string> {
    await Promise.race([this.ended, this.closed]);
    this.socket.end();
    const reader = new NrpeReader("response", { maxLength: 1 << 20 });
    reader.push(this.received);
    const texts: string[] = [];
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      texts.push(`v${packet.version}${packet.type === 3 ? "…" : ""} ${packet.result} ${packet.text}`);
    }
    if (reader.problem !== undefined) throw new Error(reader.problem.text);
    return texts.join("") || "nothing";
  }
}
