import {
  connectionLimitKeys,
  hostsProblem,
  httpKeys,
  intakeKeys,
  listenerKeys,
  listenerTlsKeys,
  sharedSection,
} from "../../front-end/listener-keys.js";
import { defineSettings, type SettingsOf } from "../../settings/schema.js";
import { parseList } from "../../settings/values.js";

export const settings = defineSettings({
  section: "/settings/NRDP/${alias}",
  title: "NRDP server",
  description: "Where senders of NRDP (send_nrdp, NSClient++, agents) deliver passive results over HTTP",
  keys: {
    port: {
      type: "int",
      default: 8445,
      min: 0,
      max: 65_535,
      sample: true,
      title: "Port",
      description: "The TCP port to listen on; 0 takes any that is free. Senders take 80 and 443 unless told otherwise",
    },
    ...listenerKeys,
    path: {
      type: "list",
      default: ["/nrdp/", "/nrdp/server/"],
      title: "Path",
      description: "The paths that are served, each with and without a slash at its end",
      check: (value: string) =>
        parseList(value).every((path) => /^\/[^?#\s]*$/.test(path))
          ? undefined
          : "a path begins with / and has neither ?, # nor a blank",
    },
    ...intakeKeys,
    allowOldResults: {
      type: "bool",
      default: true,
      title: "Allow old results",
      description:
        "Take the time of a result from its sender where it gives one; otherwise results are of their arrival",
    },
    allowSubmitcmd: {
      type: "bool",
      default: false,
      title: "Allow submitcmd",
      description:
        "Take results also as Nagios commands (PROCESS_SERVICE_CHECK_RESULT, PROCESS_HOST_CHECK_RESULT); no other command is ever carried out",
    },
    useSsl: {
      type: "bool",
      default: true,
      title: "Use SSL",
      description: "HTTPS with TLS 1.2 or newer; without it, tokens and results can be read on the way",
    },
    ...listenerTlsKeys,
    verifyMode: {
      type: "enum",
      choices: ["none", "peer-cert"],
      default: "none",
      title: "Verify mode",
      description:
        "none asks for no client certificate; peer-cert lets nobody in without one, who then still needs a token",
    },
    bodyLimit: {
      type: "size",
      default: "8M",
      advanced: true,
      title: "Body limit",
      description: "The largest body of a request; larger ones are refused with HTTP 413",
    },
    maxHeaderSize: {
      type: "size",
      default: "1M",
      advanced: true,
      title: "Max header size",
      description: "The largest head of a request: send_nrdp.py puts its whole document into the URL",
    },
    maxRequests: {
      type: "int",
      default: 100,
      min: 1,
      advanced: true,
      title: "Max requests",
      description:
        "How many requests may be under way at once; then a new one takes the place of one that arrives slowly, or is refused with HTTP 503",
    },
    ...connectionLimitKeys,
    handshakeTimeout: httpKeys.handshakeTimeout,
    timeout: {
      type: "time",
      default: "30s",
      fallback: sharedSection,
      title: "Timeout",
      description: "How long a request may take to arrive, and after that how long its results may take to be accepted",
    },
    connectionIdle: httpKeys.connectionIdle,
    drainTimeout: {
      type: "time",
      default: "15s",
      advanced: true,
      title: "Drain timeout",
      description: "How long a stop waits for requests that are under way",
    },
  },
  objects: {
    tokens: {
      section: "/settings/NRDP/${alias}/tokens",
      title: "Tokens",
      description: "The secrets of senders, each under a name that stands for the sender in logs and in the audit",
      oneLiner: "token",
      keys: {
        token: {
          type: "password",
          title: "Token",
          description: "What the sender shows",
        },
        role: {
          type: "string",
          default: "submitter",
          title: "Role",
          description: "The role that says to which channels the sender may submit",
        },
        allowedHosts: {
          type: "list",
          title: "Allowed hosts",
          description: "Where the token may come from; empty: from wherever the server lets connections in",
          check: hostsProblem,
        },
      },
    },
  },
});

export type ServerSettings = SettingsOf<typeof settings>;
