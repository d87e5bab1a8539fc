import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import { makeServerPair } from "../../../src/security/certificates.js";
import { processedText, writeAnswer } from "../../../src/wire/nrdp/answer.js";
import { parseJsonDocument } from "../../../src/wire/nrdp/json-document.js";
import { parseXmlDocument } from "../../../src/wire/nrdp/xml-document.js";
import { authority } from "./nrdp-gateway.js";

/** What a receiver was asked. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly fields: Readonly<Record<string, string>>;
  /** `host;service;state;output @time` */
  readonly rows: readonly string[];
}

export type Answerer = (asked: Asked, response: ServerResponse) => void;

/** Something that answers as NRDP would, or worse; it ends with the test. */
export async function startReceiver(answer: Answerer = accept, isHttps = false) {
  const asked: Asked[] = [];
  const listener: RequestListener = async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const fields = Object.fromEntries(new URLSearchParams(text));
    const one = { path: request.url ?? "", headers: request.headers, fields, rows: rowsOf(fields) };
    asked.push(one);
    answer(one, response);
  };
  const pair = isHttps
    ? await makeServerPair(authority, ["localhost", "127.0.0.1"], { now: Date.now(), days: 10 })
    : undefined;
  const server =
    pair === undefined
      ? createServer(listener)
      : createHttpsServer({ cert: pair.certificate, key: pair.privateKey }, listener);
  return { asked, server, port: await listen(server) };
}

/** A proxy, for CONNECT and for whole URLs; `seen` says what it was asked for. */
export async function startProxy() {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(request.url ?? "", { method: "POST", body: Buffer.concat(chunks) });
    response.writeHead(answer.status).end(await answer.text());
  };
  const server = createServer(forward);
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
    const [, port = ""] = (request.url ?? "").split(":");
    const onward = connect(Number(port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on("error", () => {});
    }
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { seen, port: await listen(server) };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

/** Takes everything. */
export function accept({ rows }: Asked, response: ServerResponse): void {
  response.end(writeAnswer({ status: 0, message: "OK", output: processedText(rows.length) }, "xml"));
}

/** Answers the same to everybody. */
export function say(text: string, status = 200, headers: Record<string, string> = {}): Answerer {
  return (_asked, response) => response.writeHead(status, headers).end(text);
}

function rowsOf({ XMLDATA, JSONDATA }: Readonly<Record<string, string>>): string[] {
  const read =
    XMLDATA === undefined ? parseJsonDocument(Buffer.from(JSONDATA ?? "")) : parseXmlDocument(Buffer.from(XMLDATA));
  if ("problem" in read) return [read.problem];
  return read.results.map((one) => `${one.hostname};${one.servicename};${one.state};${one.output} @${one.time}`);
}
