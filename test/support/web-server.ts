import { createHash, pbkdf2Sync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Gateway } from "../../src/gateway/gateway.js";
import type { QueryHandler } from "../../src/kernel/registry.js";
import type { AuditEvent } from "../../src/security/audit.js";
import { createLogService } from "../../src/telemetry/log.js";
import { QueryResponse, type ResultCode } from "../../src/wire/messages.js";
import { parseNagiosText } from "../../src/wire/nagios-text.js";
import { settingsFolder } from "../settings/temporary-store.js";

/** The users of every test, each with the password `<name>-password` and the role of its name. */
const testUsers = ["admin", "client", "legacy", "nobody"] as const;

export type TestUser = (typeof testUsers)[number];

/** An answer, whole but for the headers that tell of time and connection. */
export interface WebAnswer {
  readonly status: number;
  /** By name in lower case; those that are there several times as a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

export interface WebRequestOptions {
  readonly method?: string;
  /** Sent as it is. */
  readonly path?: string;
  /** A list sends the header several times. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** Leaves the ETag, and what goes with it, in the answer. */
  readonly tags?: boolean;
  /** Shows name and password of this user. */
  readonly as?: TestUser;
  /** Shows a certificate of a client. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** What every answer of the server has. */
export const always = { "x-content-type-options": "nosniff" } as const;

/** Headers of an answer with a body: its type and length, and what every answer has. */
export function bodyHeaders(type: string, body: string) {
  return { "content-type": type, "content-length": String(Buffer.byteLength(body)), ...always };
}

/** The whole answer with JSON in it. */
export function jsonAnswer(value: unknown, status = 200): WebAnswer {
  const body = JSON.stringify(value);
  return { status, headers: bodyHeaders("application/json", body), body };
}

/** The whole answer with text in it. */
export function textAnswer(status: number, body: string): WebAnswer {
  return { status, headers: bodyHeaders("text/plain", body), body };
}

/** The whole answer to a method that the path does not take. */
export function notServed(method: string, allow: string): WebAnswer {
  const answer = textAnswer(405, `${method} is not served here.`);
  return { ...answer, headers: { allow, ...answer.headers } };
}

/** The answer to everybody who is not known, not allowed or blocked. */
export const refused = textAnswer(403, "403 You're not allowed");

export type WebGateway = Awaited<ReturnType<typeof startWebServer>>;

export interface WebServerOptions {
  /** Further lines of `[/settings/WEB/server]`. */
  readonly server?: string;
  /** Further sections. */
  readonly more?: string;
  /** Modules besides WEBServer, as `[/modules]` has them. */
  readonly modules?: readonly string[];
  /** The users that there are; all unless given. */
  readonly users?: readonly TestUser[];
  /** HTTPS with a certificate that is made at the start; without, plain HTTP. */
  readonly tls?: boolean;
  /** Files below the folder of the test: those of TLS lie in `security/`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files of `${web-path}`. */
  readonly pages?: Readonly<Record<string, string>>;
}

/** A whole gateway with WEBServer on a free port of the loopback interface. It ends with the test. */
export async function startWebServer(options: WebServerOptions = {}) {
  const { tls = false, modules = [], pages = {}, users = testUsers } = options;
  const ini = ({ server = "", more = "" }: Pick<WebServerOptions, "server" | "more">) => `
[/modules]
WEBServer = enabled
${modules.map((name) => `${name} = enabled`).join("\n")}
[/settings/core]
metrics interval = 1h
[/settings/security/audit]
file = none
[/settings/WEB/server]
port = 0
bind to = 127.0.0.1
allow insecure = ${!tls}
${server}
[/settings/WEB/server/roles]
legacy = legacy,login.get
nobody = nothing
${users.map(userSection).join("")}
${more}`;
  const webFiles = Object.entries(pages).map(([name, content]) => [`web/${name}`, content]);
  const files = settingsFolder({ "main.ini": ini(options), ...options.files, ...Object.fromEntries(webFiles) });
  const logLines: string[] = [];
  const log = createLogService({
    ...{ level: "debug", form: "console", fixed: ["level", "file"] },
    write: (line) => logLines.push(line.trimEnd()),
  });
  const pathOverrides = new Map([
    ["data-path", files.folder],
    ["certificate-path", join(files.folder, "security")],
    ["web-path", join(files.folder, "web")],
    ["log-path", files.folder],
  ]);
  const gateway = await Gateway.boot({ log, settings: files.file("main.ini"), pathOverrides });
  const audited: AuditEvent[] = [];
  Object.defineProperty(gateway.security, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= gateway.stop();
    return stopped;
  };
  onTestFinished(stop);
  await gateway.serve();
  const web = () => gateway.modules().find(({ name }) => name === "WEBServer");
  const port = () => Number(/port (\d+)/.exec(web()?.status.detail?.[0] ?? "")?.[1]);

  function send({
    method = "GET",
    path = "/",
    headers = {},
    body,
    as,
    tls: pair,
  }: WebRequestOptions): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const all: OutgoingHttpHeaders = { ...headers };
      if (as !== undefined) all["authorization"] ??= basic(as, `${as}-password`);
      if (body !== undefined) all["content-length"] = String(Buffer.byteLength(body));
      const target = { host: "127.0.0.1", port: port(), method, path, headers: all, agent: false as const };
      const request = tls
        ? httpsRequest({ ...target, ...pair, rejectUnauthorized: false }, resolve)
        : httpRequest(target, resolve);
      request.once("error", reject).end(body);
    });
  }

  return {
    ...{ gateway, logLines, audited, stop, log },
    folder: files.folder,
    get port() {
      return port();
    },
    /** What URLs in answers begin with. */
    get url() {
      return `${tls ? "https" : "http"}://127.0.0.1:${port()}`;
    },
    /** One request on a connection of its own, and the answer whole. */
    async request(wanted: WebRequestOptions): Promise<WebAnswer> {
      const answer = await send(wanted);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      return {
        status: answer.statusCode ?? 0,
        headers: wanted.tags === true ? headersOf(answer) : withoutTag(headersOf(answer)),
        body: Buffer.concat(chunks).toString("utf8"),
      };
    },
    /** One request, and its answer as it begins: for those without an end. */
    send,
    /** Bytes as they are over plain HTTP; everything that comes back until the connection ends. */
    raw(bytes: string): Promise<string> {
      return new Promise((resolve, reject) => {
        const socket = connect(port(), "127.0.0.1", () => socket.write(bytes));
        let text = "";
        socket.setEncoding("latin1").on("data", (data: string) => {
          text += data;
        });
        socket.once("error", reject).once("close", () => resolve(text));
      });
    },
    /** A check; a text is its result as plugins print it, with performance data behind a bar. */
    check(name: string, answer: string | QueryHandler, result: ResultCode = 0) {
      const owner = { id: 100, name: "LUAScript", alias: "lua" };
      const handler: QueryHandler =
        typeof answer === "string"
          ? () => QueryResponse.create({ command: name, result, lines: [parseNagiosText(answer)] })
          : answer;
      gateway.registry.addQuery(owner, name, handler);
    },
    /** A token as a login gives it. */
    async login(user: TestUser = "admin"): Promise<string> {
      const answer = await this.request({ path: "/api/v2/login", as: user });
      return String(JSON.parse(answer.body).key);
    },
    /** Writes other settings and has the whole gateway take them. */
    async reload(changed: Pick<WebServerOptions, "server" | "more">) {
      writeFileSync(files.file("main.ini"), ini(changed), { mode: 0o600 });
      return gateway.reload("service");
    },
  };
}

/** The value of `Authorization` for name and password. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/** One iteration: what a password costs is not what these tests are about. */
function userSection(name: TestUser): string {
  const salt = createHash("sha256").update(name).digest().subarray(0, 16);
  const hash = pbkdf2Sync(`${name}-password`, salt, 1, 32, "sha256");
  const role = name === "admin" ? "full" : name;
  return `[/settings/WEB/server/users/${name}]
role = ${role}
password = pbkdf2-sha256$1$${salt.toString("hex")}$${hash.toString("hex")}
`;
}

const unstable: ReadonlySet<string> = new Set(["date", "connection", "keep-alive"]);

/** An ETag says what the body says, and whether it is there is for tests of its own. */
function withoutTag(headers: WebAnswer["headers"]): WebAnswer["headers"] {
  if (headers["etag"] === undefined) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "etag" && name !== "cache-control"));
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (unstable.has(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
