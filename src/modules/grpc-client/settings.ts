import { errorText } from "../../kernel/errors.js";
import { defineSettings, type ObjectSpec } from "../../settings/schema.js";
import { parseAddress } from "./gateway-address.js";

/** Keys of another gateway as a target, beside those that all targets have. */
export const targetKeys = {
  address: {
    type: "string",
    default: "",
    title: "Address",
    description: "host:port of the gateway; with grpc:// in front without TLS; the port is 8444 unless given",
    sample: true,
    check: addressProblem,
  },
  ca: {
    type: "path",
    mustExist: "file",
    title: "CA",
    description:
      "The authorities that the gateway's certificate must come from, as PEM; those of the system unless given",
  },
  certificate: {
    type: "path",
    mustExist: "file",
    title: "Certificate",
    description: "The client certificate to show, as PEM",
  },
  certificateKey: {
    type: "path",
    mustExist: "file",
    secretFile: true,
    title: "Certificate key",
    description: "The key of the client certificate, as PEM",
  },
  token: {
    type: "password",
    title: "Token",
    description: "The token to show; a token file keeps it out of the settings",
  },
  tokenFile: {
    type: "path",
    mustExist: "file",
    secretFile: true,
    title: "Token file",
    description: "A file that holds the token",
  },
  insecure: {
    type: "bool",
    default: false,
    advanced: true,
    title: "Insecure",
    description: "Take any certificate of the gateway without checking it; somebody in between can then read the token",
  },
  serverName: {
    type: "string",
    title: "Server name",
    advanced: true,
    description: "The name that the gateway's certificate is for, when it is not the host of the address",
  },
  timeout: { type: "time", default: "30s", title: "Timeout", description: "How long a call may take" },
  remoteChannel: {
    type: "string",
    default: "",
    title: "Remote channel",
    description: "The channel over there that results are submitted to; the one they came in on here unless given",
  },
} as const satisfies ObjectSpec["keys"];

export type GatewayKeys = typeof targetKeys;

/** The targets as the command line reads them, without what counts for passive results only. */
export const targetSettings = defineSettings({
  section: "/settings/GRPC/${alias}",
  title: "gRPC client",
  description: "Other gateways",
  objects: {
    targets: {
      section: "/settings/GRPC/${alias}/targets",
      title: "Targets",
      description: "Gateways by the names that scripts and pollers use for them",
      oneLiner: "address",
      keys: targetKeys,
    },
  },
});

function addressProblem(value: string): string | undefined {
  if (value === "") return undefined;
  try {
    parseAddress(value);
    return undefined;
  } catch (thrown) {
    return errorText(thrown);
  }
}
