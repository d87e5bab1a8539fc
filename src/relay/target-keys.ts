import type { ObjectSpec } from "../settings/schema.js";

/** Keys that the targets of every relay have. */
export const commonTargetKeys = {
  address: {
    type: "string",
    default: "",
    title: "Address",
    description: "Where the receiver listens: host, host:port or a URL",
    sample: true,
  },
  host: { type: "string", default: "", title: "Host", description: "The host of the address, when it stands alone" },
  port: {
    type: "int",
    default: 0,
    min: 0,
    max: 65535,
    title: "Port",
    description: "The port of the address; 0: the protocol's",
  },
  timeout: {
    type: "time",
    default: "30s",
    title: "Timeout",
    description: "How long each phase may take: connecting, the handshake, each answer, closing",
  },
} as const satisfies ObjectSpec["keys"];

export type CommonTargetKeys = typeof commonTargetKeys;
