import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { GatewayMetrics } from "./metrics.js";

export interface MetricsServerOptions {
  readonly port: number;
  readonly bindTo: string;
  readonly metrics: GatewayMetrics;
  /** Whether the gateway takes calls, for `/health/ready`. */
  isServing(): boolean;
  readonly log: Logger;
}

/** The server for Prometheus and for those who ask whether the gateway is well. */
export interface MetricsServer {
  /** `host:port` as it listens. */
  readonly address: string;
  close(): Promise<void>;
}

/** How long a scraper may take for its headers, and a connection may do nothing, in milliseconds. */
const timeout = 10_000;

const maxConnections = 64;

/**
 * Listens on plain HTTP: `GET /metrics`, `/health/live` (200 as long as the process answers) and `/health/ready` (503
 * unless every front end is open).
 *
 * @throws GatewayError FAILED_PRECONDITION when the address can't be listened on
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { port, bindTo, log } = options;
  const server = createServer(
    {
      headersTimeout: timeout,
      requestTimeout: timeout,
      keepAliveTimeout: timeout,
      connectionsCheckingInterval: timeout / 4,
      maxHeaderSize: 8192,
    },
    (request, response) => {
      request.resume();
      answer(request, response, options).catch((thrown: unknown) => {
        log.error("The metrics can't be read", { error: thrown });
        reply(response, 500, "The metrics can't be read; see the log\n");
      });
    },
  );
  server.maxConnections = maxConnections;
  // A connection that does nothing is no reason to keep the process.
  server.unref();
  await listen(server, port, bindTo);
  const address = addressText(server.address() as AddressInfo);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (thrown) => {
      const place = `${host}:${port}`;
      reject(
        new GatewayError("FAILED_PRECONDITION", `[/settings/metrics] can't listen on ${place}: ${thrown.message}`, {
          cause: thrown,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

const plain = "text/plain; charset=utf-8";

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: MetricsServerOptions,
): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0];
  const isKnown = path === "/metrics" || path === "/health/live" || path === "/health/ready";
  if (!isKnown) return reply(response, 404, "Not found; there are /metrics, /health/live and /health/ready\n");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return reply(response, 405, "Only GET and HEAD are allowed\n");
  }
  if (path === "/health/live") return reply(response, 200, "live\n");
  if (path === "/health/ready") {
    const isServing = options.isServing();
    return reply(response, isServing ? 200 : 503, isServing ? "ready\n" : "not ready\n");
  }
  reply(response, 200, await options.metrics.text(), options.metrics.contentType);
}

function reply(response: ServerResponse, status: number, body: string, type = plain): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function addressText({ address, family, port }: AddressInfo): string {
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}
