import type { ObjectSpec, ValuesOf } from "../settings/schema.js";

const letters = { type: "enum", default: "keep", choices: ["keep", "lower", "upper"], advanced: true } as const;

/** Keys of every target that say under which names its receiver knows hosts and services. */
export const nameKeys = {
  hostCase: { ...letters, title: "Host case", description: "keep, lower or upper: the letters of host names" },
  hostDomain: {
    type: "enum",
    default: "keep",
    choices: ["keep", "strip", "add"],
    title: "Host domain",
    description: "strip: only what is before the first dot; add: the domain behind names that have none; or keep",
    advanced: true,
  },
  domain: { type: "string", default: "", title: "Domain", description: "What host domain = add adds", advanced: true },
  serviceCase: { ...letters, title: "Service case", description: "keep, lower or upper: the letters of services" },
  hostNameTemplate: {
    type: "string",
    default: "",
    title: "Host name template",
    description: "The host as the receiver knows it, with ${host}, ${domain} and ${service}; empty: the host",
    advanced: true,
  },
  serviceNameTemplate: {
    type: "string",
    default: "",
    title: "Service name template",
    description: "The service as the receiver knows it, with ${host}, ${domain} and ${service}; empty: the service",
    advanced: true,
  },
  nameTable: {
    type: "path",
    mustExist: "file",
    title: "Name table",
    description: "A file of lines old = new and host;service = host;service; what is in it beats the other rules",
    advanced: true,
  },
} as const satisfies ObjectSpec["keys"];

export type NameSettings = ValuesOf<typeof nameKeys>;
