import { clientTlsKeys } from "../../security/client-tls.js";
import type { ObjectSpec } from "../../settings/schema.js";

/** Keys of a target beside those of all relays. */
export const targetKeys = {
  ...clientTlsKeys,
  password: {
    type: "password",
    title: "Password",
    description: "The pre-shared key, as it stands in the server's authorize section",
    sample: true,
  },
  identity: {
    type: "string",
    default: "",
    title: "Identity",
    description: "The name of the server's authorize section; the gateway's host name unless given",
  },
  usePsk: {
    type: "bool",
    default: true,
    title: "Use PSK",
    description: "Prove by the password who both sides are; without it by certificates, as ca and certificate say",
    advanced: true,
  },
  insecure: {
    type: "bool",
    default: false,
    title: "Insecure",
    description:
      "Without PSK: take any certificate of the server; somebody in between can then read and change results",
    advanced: true,
  },
  allowedCiphers: {
    ...clientTlsKeys.allowedCiphers,
    description: "Ciphers to offer, as OpenSSL writes them; PSK unless given, or OpenSSL's default without PSK",
  },
  hostCheck: {
    type: "bool",
    default: false,
    title: "Host check",
    description: "Send every result as the state of its host",
    advanced: true,
  },
  maxOutputLength: {
    type: "size",
    default: "65536",
    title: "Max output length",
    description: "Bytes of a result's text, performance data included; what is longer is cut at a whole measurement",
    advanced: true,
  },
} as const satisfies ObjectSpec["keys"];

export type TargetKeys = typeof targetKeys;
