import { buildConnector, errors, Pool } from "undici";
import { errorText } from "../../kernel/errors.js";
import type { ClientTls } from "../../security/client-tls.js";
import type { IcingaAnswer } from "./answer.js";

export interface IcingaApiOptions {
  /** Such as `https://icinga.example:5665`. */
  readonly origin: string;
  /** What stands before `/v1`, such as behind a proxy; empty for none. */
  readonly prefix: string;
  /** Undefined for plain HTTP. */
  readonly tls: ClientTls | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly userAgent: string;
  readonly connections: number;
  /** Milliseconds for connecting with the handshake, for the head of an answer, and for each pause within its body. */
  readonly timeoutMs: number;
}

/**
 * A connection stays open for this long without a request. Icinga ends connections that are idle for 10 seconds; a request
 * that crosses with that end is lost.
 */
const keepAliveMs = 4_000;

/** Larger than any answer about one object. */
const largestAnswer = 4 << 20;

/** The REST API of one Icinga, over a pool of connections that stay open between requests. */
export class IcingaApi {
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(private readonly options: IcingaApiOptions) {
    const { origin, tls, credentials, connections, timeoutMs } = options;
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: largestAnswer,
      connect: (target, done) => {
        try {
          buildConnector({ ...tls?.options(), timeout: timeoutMs })(target, done);
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)), null);
        }
      },
    });
    this.#headers = {
      // Without it Icinga answers 400 and a page of HTML.
      accept: "application/json",
      "user-agent": options.userAgent,
      ...(credentials === undefined ? {} : { authorization: basic(credentials.username, credentials.password) }),
    };
  }

  /**
   * One request. A connection that ended while it was idle is not a failure: the request is made once more.
   *
   * @param path begins with `/v1/`
   * @throws Error that says what kept the request from being answered
   */
  async request(
    method: "GET" | "POST" | "PUT",
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<IcingaAnswer> {
    try {
      return await this.#once(method, path, body, signal);
    } catch (error) {
      if (!isLostConnection(error) || signal.aborted) throw this.#explained(error, signal);
    }
    try {
      return await this.#once(method, path, body, signal);
    } catch (error) {
      throw this.#explained(error, signal);
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #once(method: "GET" | "POST" | "PUT", path: string, body: unknown, signal: AbortSignal): Promise<IcingaAnswer> {
    const hasBody = body !== undefined;
    const response = await this.#pool.request({
      method,
      path: this.options.prefix + path,
      headers: hasBody ? { ...this.#headers, "content-type": "application/json" } : this.#headers,
      body: hasBody ? JSON.stringify(body) : null,
      signal,
    });
    return { status: response.statusCode, text: await response.body.text() };
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

function isLostConnection(error: unknown): boolean {
  if (error instanceof errors.SocketError) return true;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE";
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
