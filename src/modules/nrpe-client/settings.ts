import { acceptedKeys } from "../../front-end/listener-keys.js";
import { commonTargetKeys } from "../../relay/target-keys.js";
import { clientTlsKeys } from "../../security/client-tls.js";
import { defineSettings, type ObjectSpec, type ValuesOf } from "../../settings/schema.js";
import { findCharset } from "../../wire/charset.js";
import { NRPE_PAYLOAD_LENGTH } from "../../wire/nrpe/packet.js";

/** Keys of an agent. What one does not say itself comes from its parent, and at last from `default`. */
export const targetKeys = {
  ...commonTargetKeys,
  address: { ...commonTargetKeys.address, description: "Where the agent listens: host or host:port" },
  timeout: {
    ...commonTargetKeys.timeout,
    description: "How long a query may take, from connecting to the last byte, with all its attempts",
  },
  retries: {
    type: "int",
    default: 3,
    min: 0,
    max: 100,
    title: "Retries",
    description: "How often a query is sent again after a connection that was refused or that ended without an answer",
  },
  version: {
    type: "enum",
    choices: ["auto", "2", "3", "4"],
    synonyms: { v2: "2", v3: "3", v4: "4" },
    default: "auto",
    title: "Version",
    description: "The version of packets; auto: 4, and 2 where the agent does not take that",
  },
  payloadLength: {
    type: "int",
    default: NRPE_PAYLOAD_LENGTH,
    min: 16,
    max: 65_536,
    title: "Payload length",
    description: "Bytes of text in packets of version 2, as the agent was built for",
  },
  encoding: {
    type: "string",
    default: "utf-8",
    title: "Encoding",
    advanced: true,
    description: "The encoding of texts: utf-8, or one with one byte for each character, such as iso-8859-1",
    check: (value) =>
      findCharset(value) === undefined
        ? `"${value}" is neither utf-8 nor an encoding with one byte for each character, such as iso-8859-1`
        : undefined,
  },
  useSsl: {
    type: "bool",
    default: true,
    title: "Use SSL",
    description: "Speak TLS, as agents do unless told otherwise",
  },
  insecure: {
    type: "bool",
    default: false,
    title: "Insecure",
    description:
      "For agents without a certificate that can be verified: any certificate or none at all, every cipher from anonymous Diffie-Hellman on, and TLS from 1.0 on; somebody in between can read and change what is sent",
  },
  ...clientTlsKeys,
  tlsVersion: withoutDefault(clientTlsKeys.tlsVersion, "; 1.2+ unless given, with insecure 1.0+"),
  verifyMode: {
    type: "enum",
    choices: ["peer", "ca", "none"],
    synonyms: { "peer-cert": "peer", verify: "peer" },
    title: "Verify mode",
    description:
      "peer: the certificate must come from one of the authorities under ca and be for the host; ca: for any host; none: any certificate; peer unless given, with insecure none",
  },
  certificateFormat: acceptedKeys.certificateFormat,
  dh: {
    type: "path",
    advanced: true,
    title: "DH",
    description: "Not needed: the agent names the parameters of a Diffie-Hellman exchange",
  },
  maxConnections: {
    type: "int",
    default: 8,
    min: 1,
    max: 10_000,
    title: "Max connections",
    description: "Connections to the agent at a time; further queries wait in line",
  },
  maxWaiting: {
    type: "int",
    default: 200,
    min: 0,
    max: 100_000,
    advanced: true,
    title: "Max waiting",
    description: "Queries that may wait in line for the agent; more are answered UNKNOWN at once",
  },
  cacheTime: {
    type: "time",
    default: "1s",
    title: "Cache time",
    description:
      "How long an answer serves for equal queries; equal queries at the same time become one. 0: every query is sent",
  },
  unreachableTime: {
    type: "time",
    default: "5s",
    advanced: true,
    title: "Unreachable time",
    description:
      "How long an agent that did not take a connection within the timeout is not tried again: queries have that answer at once. 0: always try",
  },
} as const satisfies ObjectSpec["keys"];

export type AgentValues = ValuesOf<typeof targetKeys>;

const section = "/settings/NRPE/${alias}";

export const settings = defineSettings({
  section,
  title: "NRPE client",
  description: "Agents that are polled over NRPE",
  keys: {
    channel: {
      type: "list",
      default: ["NRPE"],
      title: "Channel",
      description: "The channels whose results run a command at the agent: that of the result's service",
    },
    totalConnections: {
      type: "int",
      default: 2000,
      min: 1,
      max: 100_000,
      title: "Total connections",
      description: "Connections to all agents together at a time; further queries wait in line",
    },
    cacheSize: {
      type: "size",
      default: "32M",
      advanced: true,
      title: "Cache size",
      description: "Memory for answers that serve for equal queries",
    },
  },
  maps: {
    handlers: {
      section: `${section}/handlers`,
      title: "Handlers",
      description: "Further checks: name = check_nrpe and its arguments, such as target=web1 command=check_load",
    },
  },
  objects: {
    targets: {
      section: `${section}/targets`,
      title: "Targets",
      description: "The agents by the names that pollers and scripts use for them",
      oneLiner: "address",
      keys: targetKeys,
    },
  },
});

function withoutDefault<Spec extends { readonly default: unknown; readonly description: string }>(
  { default: _default, ...spec }: Spec,
  addition: string,
): Omit<Spec, "default"> {
  return { ...spec, description: `${spec.description}${addition}` };
}
