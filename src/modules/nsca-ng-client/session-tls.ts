import { type ConnectionOptions, createSecureContext } from "node:tls";
import { GatewayError } from "../../kernel/errors.js";
import type { RelayTarget } from "../../relay/relay.js";
import { ClientTls } from "../../security/client-tls.js";
import type { TargetKeys } from "./settings.js";

/** TLS of a target: by the password, which both sides must know, or by certificates. */
export class SessionTls {
  private readonly tls: ClientTls;

  /** @throws GatewayError CONFIGURATION naming the key that is wrong */
  constructor(
    private readonly target: RelayTarget<TargetKeys>,
    private readonly identity: string,
  ) {
    const { path, settings } = target;
    if (settings.usePsk && (settings.password ?? "") === "") {
      throw new GatewayError(
        "CONFIGURATION",
        "password: it is missing, and NSCA-ng's servers know their clients by it",
      );
    }
    const unknown = unknownCipher(settings.allowedCiphers ?? "");
    if (unknown !== undefined) {
      throw new GatewayError("CONFIGURATION", `allowed ciphers: there is no cipher ${unknown}`);
    }
    this.tls = new ClientTls(settings.usePsk ? withoutCertificates(settings) : withInsecure(settings), path);
  }

  /** What is to be said about it in the log; undefined when the server has to prove who it is. */
  get warning(): string | undefined {
    const { path, settings } = this.target;
    return settings.insecure && !settings.usePsk
      ? `[${path}] takes any certificate of its server (insecure = true): somebody in between can read and change what is sent`
      : this.tls.warning;
  }

  /**
   * The options of `tls.connect` for a session. Files are read for each, so that they can be replaced.
   *
   * @throws GatewayError CONFIGURATION when a file can't be read, naming its key
   */
  options(): ConnectionOptions {
    const options = this.tls.options();
    if (!this.target.settings.usePsk) return options;
    const psk = Buffer.from(this.target.settings.password ?? "");
    return {
      ...options,
      pskCallback: () => ({ psk, identity: this.identity }),
      // With TLS 1.3 a server can answer with a certificate instead of the key, and any authority's would do then.
      ca: [],
      checkServerIdentity: (_name, certificate) =>
        certificate === undefined || Object.keys(certificate).length === 0
          ? undefined
          : new Error("it shows a certificate and does not use the password"),
    };
  }
}

type Settings = RelayTarget<TargetKeys>["settings"];

function withoutCertificates(settings: Settings): Settings {
  const allowedCiphers = settings.allowedCiphers === "" ? "PSK" : (settings.allowedCiphers ?? "PSK");
  return { ...settings, allowedCiphers, ca: "", certificate: "", certificateKey: "", verifyMode: "peer" };
}

function withInsecure(settings: Settings): Settings {
  return settings.insecure ? { ...settings, verifyMode: "none" } : settings;
}

/** OpenSSL ignores names that it does not know as long as one is left, so each is asked for by itself. */
function unknownCipher(list: string): string | undefined {
  const names = list.split(/[:,; ]+/).filter((name) => name !== "");
  // What is taken away (!, -), moved (+) or a command (@) need not be there.
  return names.filter((name) => !/^[!@+-]/.test(name)).find((name) => !isCipher(name));
}

function isCipher(name: string): boolean {
  try {
    createSecureContext({ ciphers: `${name}:@SECLEVEL=0` });
    return true;
  } catch {
    return false;
  }
}
