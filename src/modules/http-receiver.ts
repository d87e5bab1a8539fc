import { buildConnector, type Dispatcher, errors, Pool, ProxyAgent } from "undici";
import { errorText } from "../kernel/errors.js";
import type { ClientTls } from "../security/client-tls.js";

export interface HttpReceiverOptions {
  /** Such as `https://icinga.example:5665`. */
  readonly origin: string;
  /** Undefined for plain HTTP. */
  readonly tls: ClientTls | undefined;
  /** For basic authentication (RFC 7617). */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** The URL of a proxy, perhaps with user and password. */
  readonly proxy?: string | undefined;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  /** Milliseconds for connecting with the handshake, for the head of an answer, and for each pause within its body. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * A connection stays open for this long without a request. Icinga ends connections that are idle for 10 seconds, Apache after
 * 5; a request that crosses with that end is lost.
 */
const keepAliveMs = 4_000;

/** Larger than any answer that a receiver of results gives. */
const largestAnswer = 4 << 20;

/** A receiver that is reached over HTTP, through a pool of connections that stay open between requests. */
export class HttpReceiver {
  readonly #dispatcher: Dispatcher;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(private readonly options: HttpReceiverOptions) {
    const { origin, tls, credentials, proxy, connections, timeoutMs } = options;
    this.#headers = {
      ...options.headers,
      ...(credentials === undefined ? {} : { authorization: basic(credentials.username, credentials.password) }),
    };
    const limits = {
      connections,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: largestAnswer,
    };
    if (proxy === undefined) {
      this.#dispatcher = new Pool(origin, { ...limits, connect: connector(tls, timeoutMs) });
      return;
    }
    this.#dispatcher = new ProxyAgent({
      ...limits,
      uri: proxy,
      // Proxies let CONNECT through to the ports of TLS only.
      proxyTunnel: tls !== undefined,
      proxyTls: { timeout: timeoutMs },
      requestTls: { ...tls?.options(), timeout: timeoutMs },
      clientFactory: (url, made) => new Pool(url, { ...made, ...limits }),
      factory: (url, made) => new Pool(url, { ...made, ...limits }),
    });
  }

  /**
   * One request. A connection that ended while it was idle is not a failure: the request is made once more.
   *
   * @throws Error that says what kept the request from being answered
   */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#once(request, signal);
    } catch (error) {
      if (!isLostConnection(error) || signal.aborted) throw this.#explained(error, signal);
    }
    try {
      return await this.#once(request, signal);
    } catch (error) {
      throw this.#explained(error, signal);
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  async #once({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const response = await this.#dispatcher.request({
      ...{ origin: this.options.origin, method, path, signal },
      headers: { ...this.#headers, ...headers },
      body: body ?? null,
    });
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
  }

  #explained(error: unknown, signal: AbortSignal): Error {
    const { origin, timeoutMs } = this.options;
    const seconds = `${timeoutMs / 1000} s`;
    if (signal.aborted) return new Error(`The request to ${origin} was given up: ${errorText(signal.reason)}`);
    if (error instanceof errors.ConnectTimeoutError) return new Error(`No connection to ${origin} within ${seconds}`);
    if (error instanceof errors.HeadersTimeoutError) return new Error(`No answer from ${origin} within ${seconds}`);
    if (error instanceof errors.BodyTimeoutError) return new Error(`The answer from ${origin} stopped for ${seconds}`);
    return new Error(`Cannot talk to ${origin}: ${errorText(error)}`, { cause: error });
  }
}

/** Makes connections with the certificates as their files are then. */
function connector(tls: ClientTls | undefined, timeout: number): buildConnector.connector {
  return (target, done) => {
    try {
      buildConnector({ ...tls?.options(), timeout })(target, done);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), null);
    }
  };
}

function isLostConnection(error: unknown): boolean {
  if (error instanceof errors.SocketError) return true;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
