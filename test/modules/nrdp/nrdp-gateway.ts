import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Call } from "../../../src/kernel/call.js";
import type { Clock } from "../../../src/kernel/clock.js";
import type { GatewayControl } from "../../../src/kernel/control.js";
import { Core } from "../../../src/kernel/core.js";
import { Modules } from "../../../src/kernel/modules.js";
import { Registry, type SubmissionHandler } from "../../../src/kernel/registry.js";
import nrdpServer from "../../../src/modules/nrdp-server/index.js";
import type { AuditEvent } from "../../../src/security/audit.js";
import { type CertificatePair, makeAuthority, makeServerPair } from "../../../src/security/certificates.js";
import { Security } from "../../../src/security/security.js";
import { readSettings } from "../../../src/settings/read.js";
import { createLogService } from "../../../src/telemetry/log.js";
import { PB, StatusCode, type SubmitRequestMessage, SubmitResponse } from "../../../src/wire/messages.js";
import { renderNagiosText } from "../../../src/wire/nagios-text.js";
import { checkTimesOf, hostOfResult, serviceOfResult } from "../../../src/wire/passive-result.js";
import { settingsFolder } from "../../settings/temporary-store.js";
import { openPolicy } from "../../support/kernel.js";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

const terms = { now: Date.now(), days: 365 };
export const authority: CertificatePair = await makeAuthority(terms);

const tokens = `
[/settings/NRDP/server/tokens]
web = secret
`;

/** A result as it came to the channel: `host;service;state;text @time`. */
function rowsOf(message: SubmitRequestMessage): string[] {
  const timeOf = checkTimesOf(message.header);
  return message.payload.map((payload, index) => {
    const time = timeOf(index);
    const row = [hostOfResult(payload, message), serviceOfResult(payload), payload.result, renderNagiosText(payload)];
    return row.join(";") + (time === undefined ? "" : ` @${time}`);
  });
}

export type NrdpGateway = Awaited<ReturnType<typeof startNrdpServer>>;

/**
 * A gateway with NRDPServer on a free port and a subscriber of `inbox`. It ends with the test.
 *
 * @param server lines of `[/settings/NRDP/server]`; without `use ssl` there is no TLS
 * @param more further sections instead of the token `secret` of the sender `web`
 */
export async function startNrdpServer(server = "", more = tokens) {
  const ini = (lines: string, sections: string) => `
[/settings/security/audit]
file = none
[/settings/security]
auth rate limit max failures = 3
[/settings/security/roles]
narrow = submit:elsewhere
[/settings/NRDP/server]
${/use ssl/.test(lines) ? "" : "use ssl = false"}
port = 0
bind to = 127.0.0.1
${lines}
${sections}`;
  const files = settingsFolder({ "main.ini": ini(server, more) });
  const file = (name: string, content: string) => writeFileSync(join(files.folder, name), content, { mode: 0o600 });
  const pair = await makeServerPair(authority, ["localhost", "127.0.0.1"], terms);
  file("certificate.pem", pair.certificate);
  file("certificate_key.pem", pair.privateKey);
  file("ca.pem", authority.certificate);
  const store = files.open({ paths: files.tokens({ "data-path": files.folder, "certificate-path": files.folder }) });
  const logLines: string[] = [];
  const log = createLogService({ level: "debug", form: "console", write: (line) => logLines.push(line.trimEnd()) });
  const audited: AuditEvent[] = [];
  const security = new Security({
    clock,
    log,
    openAuditFile: () => ({ write() {}, flush: async () => {}, close: async () => {} }),
  });
  await security.reload(store);
  Object.defineProperty(security, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  const registry = new Registry(log);
  const limits = { queryTimeoutMs: 60_000, timeoutOf: () => undefined };
  const core = new Core({ registry, clock, log, limits, policy: openPolicy });
  let traces = 0;
  const gateway: Partial<GatewayControl> = {
    ...{ core, registry, clock },
    call: (origin) => new Call({ ...origin, traceId: origin.traceId ?? `trace-${++traces}` }),
  };
  const modules = new Modules(
    registry,
    new Map([
      [
        "nrdpserver",
        {
          ...nrdpServer,
          start: async (instance) => {
            const read = () => readSettings(nrdpServer.settings, store, "server");
            const context = { ...instance, settings: read(), readSettings: read, store, gateway, security };
            const all = { ...context, log: log.child(instance.alias), logService: log };
            return (await nrdpServer.start(all as Parameters<typeof nrdpServer.start>[0])) ?? {};
          },
        },
      ],
    ]),
    log,
  );
  const submissions: string[][] = [];
  const state: { handler: SubmissionHandler | undefined } = { handler: undefined };
  registry.addChannel({ id: 100, name: "Relay", alias: "relay" }, "inbox", (submission, call) => {
    if (state.handler !== undefined) return state.handler(submission, call);
    submissions.push(rowsOf(submission));
    return [SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_OK, data: "queued" }) })];
  });
  const stop = () => modules.stopAll().then(() => security.close());
  if (!(await modules.load({ module: "NRDPServer", alias: "" }))) throw new Error(modules.list()[0]?.failure);
  onTestFinished(stop);
  await modules.serve();
  /** What `nscp status` says of the server. */
  const status = () => modules.list()[0]?.status.detail?.join() ?? "";
  const port = () => Number(/port (\d+)/.exec(modules.list()[0]?.status.detail?.[0] ?? "")?.[1]);
  return {
    ...{ logLines, audited, submissions, modules, status, stop, registry, folder: files.folder },
    get port() {
      return port();
    },
    /** What takes the submissions of `inbox` instead of the list. */
    takeWith(handler: SubmissionHandler) {
      state.handler = handler;
    },
    /** One request; the answer with what NRDP senders look at. */
    async request(path: string, init: RequestInit = {}) {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`, init);
      return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
    },
    /** Bytes as they are; everything that comes back until the connection ends. */
    raw(bytes: string): Promise<string> {
      return new Promise((resolve, reject) => {
        const socket: Socket = connect(port(), "127.0.0.1", () => socket.write(bytes));
        let text = "";
        socket.setEncoding("utf8").on("data", (data: string) => {
          text += data;
        });
        socket.once("error", reject).once("close", () => resolve(text));
      });
    },
    async reload(lines: string, sections = tokens) {
      file("main.ini", ini(lines, sections));
      store.reload();
      return modules.reload("NRDPServer");
    },
  };
}
