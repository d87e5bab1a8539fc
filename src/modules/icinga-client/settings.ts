import { clientTlsKeys } from "../../security/client-tls.js";
import type { ObjectSpec } from "../../settings/schema.js";

/** Keys of a target beside those that the targets of all relays have. */
export const targetKeys = {
  username: {
    type: "string",
    default: "",
    title: "User name",
    description: "The name of the ApiUser; not needed with a client certificate",
    sample: true,
  },
  password: {
    type: "password",
    default: "",
    title: "Password",
    description: "The password of the ApiUser",
    sample: true,
  },
  concurrency: {
    type: "int",
    default: 8,
    min: 1,
    max: 256,
    advanced: true,
    title: "Concurrency",
    description: "How many requests run side by side, each on a connection of its own",
  },
  ttl: {
    type: "time",
    title: "Time to live",
    description: "After this time Icinga expects the next result; the check interval of the object unless given",
  },
  checkSource: {
    type: "string",
    default: "",
    title: "Check source",
    description: "What Icinga shows as the source of the result; the gateway's host name unless given",
  },
  ensureObjects: {
    type: "bool",
    default: false,
    title: "Ensure objects",
    description: "Create hosts and services that Icinga does not know",
  },
  hostTemplate: {
    type: "string",
    default: "generic-host",
    title: "Host template",
    description: "The template of hosts that are created; empty: none",
  },
  serviceTemplate: {
    type: "string",
    default: "generic-service",
    title: "Service template",
    description: "The template of services that are created; empty: none",
  },
  checkCommand: {
    type: "string",
    default: "passive",
    title: "Check command",
    description:
      "The check command of services that are created. Icinga runs it when a result is overdue: passive makes the service UNKNOWN then, dummy makes it OK",
  },
  unknownObjectCache: {
    type: "time",
    default: "5m",
    advanced: true,
    title: "Unknown object cache",
    description:
      "For this time results for an object that Icinga does not know are refused without asking again; 0: ask always",
  },
  ...clientTlsKeys,
} as const satisfies ObjectSpec["keys"];
