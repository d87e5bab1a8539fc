import type { Clock } from "../kernel/clock.js";
import { errorText, GatewayError } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { TlsWatcher } from "../security/tls-watcher.js";
import type { ListenerTls, TcpListener } from "./tcp-listener.js";

/** What the settings of a front end say about its TLS. */
export interface TlsSettings {
  readonly useSsl: boolean;
  readonly certificate: string;
  readonly certificateKey: string;
  readonly ca: string;
  readonly verifyMode: ListenerTls["verifyMode"];
}

/**
 * The certificate of a front end, followed as its files change; undefined without TLS.
 * @throws GatewayError CONFIGURATION when it can't be used, with what to do when there is none
 */
export async function watchCertificate(
  { useSsl, certificate, certificateKey, ca, verifyMode }: TlsSettings,
  parts: { readonly clock: Clock; readonly log: Logger },
): Promise<TlsWatcher | undefined> {
  if (!useSsl) return undefined;
  const files = { certificate, privateKey: certificateKey, ...(verifyMode === "none" ? {} : { ca }) };
  try {
    return await TlsWatcher.start(files, parts);
  } catch (thrown) {
    const advice = /ENOENT/.test(errorText(thrown)) ? " `nscp certs init` makes certificates to begin with." : "";
    throw new GatewayError("CONFIGURATION", `${errorText(thrown)}.${advice}`, { cause: thrown });
  }
}

/** Gives a listener the certificate as it is, and each that follows. */
export function secureListener(
  listener: TcpListener,
  watcher: TlsWatcher | undefined,
  { verifyMode, strength }: Pick<ListenerTls, "verifyMode" | "strength">,
): void {
  listener.setTls(watcher === undefined ? undefined : { material: watcher.current(), verifyMode, strength });
  watcher?.onChange((material) => listener.setTls({ material, verifyMode, strength }));
}
