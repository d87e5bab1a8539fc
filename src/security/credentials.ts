import type { LoginMemory } from "./login-memory.js";

/** What a caller shows at the door. A front end fills in what its protocol has and leaves the rest out. */
export interface Credentials {
  /** Which door: `grpc`, `http`, `nrpe`, … */
  readonly frontEnd: string;
  /** Address of the peer without its port; `::ffff:` before an IPv4 address does not count. */
  readonly peer: string;
  /** Only a certificate that the TLS layer has verified against the CA. */
  readonly certificate?: ClientCertificate | undefined;
  /** The token of `authorization: Bearer …`, without the word. */
  readonly bearer?: string | undefined;
  /**
   * A token that came elsewhere: in a header or parameter of its own. An unknown one is refused and is no failed login, and a
   * good one gets in from blocked addresses too.
   */
  readonly token?: string | undefined;
  /** Whether a blocked address is refused before `bearer` is looked at, and a good one clears what the address did before. */
  readonly blocksBearer?: boolean;
  readonly basic?: { readonly user: string; readonly password: string } | undefined;
  /** Of the connection that the password came over, when it belongs to one peer alone. */
  readonly memory?: LoginMemory | undefined;
}

/** Who a verified client certificate says it is for. */
export interface ClientCertificate {
  /** Each with its kind, as RFC 5280 4.2.1.6 has them: `DNS:poller1.example.com`, `URI:spiffe://…`, `email:…`, `IP:…`. */
  readonly subjectAltNames: readonly string[];
  /** The subject's CN; empty without one. */
  readonly commonName: string;
  /** SHA-256 of the certificate as `X509Certificate.fingerprint256` writes it. */
  readonly fingerprint256: string;
}
