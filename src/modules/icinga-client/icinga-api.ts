import type { ClientTls } from "../../security/client-tls.js";
import { HttpReceiver } from "../http-receiver.js";
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

/** The REST API of one Icinga. */
export class IcingaApi {
  readonly #http: HttpReceiver;

  constructor(private readonly options: IcingaApiOptions) {
    const { origin, tls, credentials, userAgent, connections, timeoutMs } = options;
    this.#http = new HttpReceiver({
      ...{ origin, tls, credentials, connections, timeoutMs },
      // Without it Icinga answers 400 and a page of HTML.
      headers: { accept: "application/json", "user-agent": userAgent },
    });
  }

  /**
   * One request.
   *
   * @param path begins with `/v1/`
   * @throws Error that says what kept the request from being answered
   */
  request(method: "GET" | "POST" | "PUT", path: string, body: unknown, signal: AbortSignal): Promise<IcingaAnswer> {
    const json =
      body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return this.#http.request({ method, path: this.options.prefix + path, ...json }, signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
