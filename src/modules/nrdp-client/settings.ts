import { clientTlsKeys } from "../../security/client-tls.js";
import type { ObjectSpec } from "../../settings/schema.js";
import { parseList } from "../../settings/values.js";
import { noProxyProblem } from "./no-proxy.js";

/** Keys of a target beside those that the targets of all relays have. */
export const targetKeys = {
  token: {
    type: "password",
    default: "",
    title: "Token",
    description: "The token that the receiver knows this gateway by",
    sample: true,
  },
  key: { type: "password", default: "", title: "Key", description: "Another name for the token" },
  password: { type: "password", default: "", title: "Password", description: "Another name for the token" },
  path: {
    type: "string",
    default: "/nrdp/server/",
    title: "Path",
    description: "Where NRDP is on the receiver, when the address is no URL with a path",
  },
  format: {
    type: "enum",
    choices: ["xml", "json"],
    default: "xml",
    title: "Format",
    description: "How results are written: every NRDP reads XML, and those from 1.4 on JSON",
  },
  requireCount: {
    type: "bool",
    default: true,
    advanced: true,
    title: "Require count",
    description:
      "Results count as delivered only when the answer says how many were processed; for receivers that never do, false",
  },
  proxy: {
    type: "string",
    default: "",
    title: "Proxy",
    description: "The proxy to go through, such as http://user:password@proxy.example:3128",
    sensitive: true,
  },
  noProxy: {
    type: "list",
    title: "No proxy",
    description: "Receivers that are reached without the proxy: names, domains, addresses, networks, or *",
    check: (value: string) =>
      parseList(value)
        .map(noProxyProblem)
        .find((problem) => problem !== undefined),
  },
  ...clientTlsKeys,
} as const satisfies ObjectSpec["keys"];
