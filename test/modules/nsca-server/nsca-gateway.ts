import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";
import { Call } from "../../../src/kernel/call.js";
import type { Clock } from "../../../src/kernel/clock.js";
import type { GatewayControl } from "../../../src/kernel/control.js";
import { Core } from "../../../src/kernel/core.js";
import { Modules } from "../../../src/kernel/modules.js";
import { Registry, type SubmissionHandler } from "../../../src/kernel/registry.js";
import nscaServer from "../../../src/modules/nsca-server/index.js";
import type { AuditEvent } from "../../../src/security/audit.js";
import { type CertificatePair, makeAuthority, makeServerPair } from "../../../src/security/certificates.js";
import { Security } from "../../../src/security/security.js";
import { readSettings } from "../../../src/settings/read.js";
import { createLogService } from "../../../src/telemetry/log.js";
import { PB, StatusCode, SubmitResponse } from "../../../src/wire/messages.js";
import { renderNagiosText } from "../../../src/wire/nagios-text.js";
import { decodeNscaInit, NSCA_INIT_SIZE, type NscaInit } from "../../../src/wire/nsca/init-packet.js";
import { parseNscaMethod } from "../../../src/wire/nsca/methods.js";
import type { NscaResult } from "../../../src/wire/nsca/packet.js";
import { NscaWriter } from "../../../src/wire/nsca/writer.js";
import { hostOfResult, serviceOfResult } from "../../../src/wire/passive-result.js";
import { settingsFolder } from "../../settings/temporary-store.js";
import { openPolicy } from "../../support/kernel.js";

const terms = { now: Date.now(), days: 365 };
const authority: CertificatePair = await makeAuthority(terms);

export type NscaGateway = Awaited<ReturnType<typeof startNscaServer>>;

/** A clock that runs, or whose timers a test lets fire. */
export class TestClock implements Clock {
  private readonly timers = new Set<() => void>();

  constructor(private readonly stands = false) {}

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, fire: () => void): () => void {
    if (this.stands) {
      this.timers.add(fire);
      return () => this.timers.delete(fire);
    }
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Fires every timer of a clock that stands. */
  fireAll(): void {
    for (const fire of [...this.timers]) {
      this.timers.delete(fire);
      fire();
    }
  }
}

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
  const files = settingsFolder({ "main.ini": ini(server, more) });
  const file = (name: string, content: string) => writeFileSync(join(files.folder, name), content, { mode: 0o600 });
  if (/use ssl = true/.test(server + more)) {
    const pair = await makeServerPair(authority, ["localhost", "127.0.0.1"], terms);
    file("certificate.pem", pair.certificate);
    file("certificate_key.pem", pair.privateKey);
  }
  const store = files.open({ paths: files.tokens({ "data-path": files.folder, "certificate-path": files.folder }) });
  const logLines: string[] = [];
  const log = createLogService({ level: "debug", form: "console", write: (line) => logLines.push(line.trimEnd()) });
  const audited: AuditEvent[] = [];
  const openAuditFile = () => ({ write() {}, flush: async () => {}, close: async () => {} });
  const security = new Security({ clock, log, openAuditFile });
  await security.reload(store);
  Object.defineProperty(security, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  const registry = new Registry(log);
  const limits = { queryTimeoutMs: 60_000, timeoutOf: () => undefined };
  const core = new Core({ registry, clock, log, limits, policy: openPolicy });
  const gateway: Partial<GatewayControl> = {
    ...{ core, registry, clock },
    call: (origin) => new Call({ ...origin, traceId: "trace" }),
  };
  const modules = new Modules(
    registry,
    new Map([
      [
        "nscaserver",
        {
          ...nscaServer,
          start: async (instance) => {
            const read = () => readSettings(nscaServer.settings, store, "server");
            const context = { ...instance, settings: read(), readSettings: read, store, gateway, security };
            const all = { ...context, log: log.child(instance.alias), logService: log };
            return (await nscaServer.start(all as Parameters<typeof nscaServer.start>[0])) ?? {};
          },
        },
      ],
    ]),
    log,
  );
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
  const stop = () => modules.stopAll().then(() => security.close());
  if (!(await modules.load({ module: "NSCAServer", alias: "" }))) throw new Error(modules.list()[0]?.failure);
  onTestFinished(stop);
  await modules.serve();
  const port = () => Number(/port (\d+)/.exec(modules.list()[0]?.status.detail?.[0] ?? "")?.[1]);
  /** The metrics of the module, by name. */
  const metrics = async (): Promise<Record<string, number>> => {
    const bundles = (await Promise.all(registry.metricsSources().map(({ handler }) => handler()))).flat();
    return Object.fromEntries(
      bundles.flatMap(({ value }) => value.map(({ key, gaugeValue }) => [key, gaugeValue?.value ?? Number.NaN])),
    );
  };
  let openSenders = 0;
  /** Resolves when the server is done with every connection that its sender has closed. */
  const settled = async () => {
    while ((await metrics())["connections"] !== openSenders) await new Promise(setImmediate);
  };
  return {
    ...{ logLines, audited, submissions, modules, stop, registry, clock },
    get port() {
      return port();
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
      const to = { host: "127.0.0.1", port: port() };
      const socket = options.tls
        ? connectTls({ ...to, servername: "localhost", ca: authority.certificate })
        : connect(to);
      const sender = await Sender.begin(socket, settled);
      openSenders++;
      void sender.closed.then(() => openSenders--);
      return sender;
    },
    async reload(lines: string, sections = "") {
      file("main.ini", ini(lines, sections));
      store.reload();
      return await modules.reload("NSCAServer");
    },
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
