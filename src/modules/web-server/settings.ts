import {
  connectionLimitKeys,
  hostsProblem,
  httpKeys,
  listenerKeys,
  listenerTlsKeys,
  sharedSection,
} from "../../front-end/listener-keys.js";
import { loginLimitKeys, webAccessKeys } from "../../security/security-settings.js";
import { defineSettings, type SettingsOf } from "../../settings/schema.js";

const accepted = "Accepted so that existing files need no change; it has no effect here";

export const settings = defineSettings({
  section: "/settings/WEB/${alias}",
  title: "Web server",
  description: "Where pollers, scripts and browsers come in over HTTP: the REST interface and the web pages",
  keys: {
    port: {
      type: "string",
      default: "8443",
      sample: true,
      title: "Port",
      description: "The TCP port to listen on; 0 takes any that is free. An s at its end, as in 8443s, does not count",
      check: (value) => (portOf(value) === undefined ? `"${value}" is not a port` : undefined),
    },
    ...listenerKeys,
    threads: { type: "int", default: 10, min: 0, advanced: true, title: "Threads", description: accepted },
    certificate: {
      type: "path",
      default: listenerTlsKeys.certificate.default,
      title: listenerTlsKeys.certificate.title,
      description:
        "The certificate of this server as PEM, perhaps with its key in front; one named certificate.pem that is not there is made",
    },
    certificateKey: {
      type: "path",
      default: "",
      mustExist: "file",
      secretFile: true,
      title: "Certificate key",
      description:
        "The key of the certificate; empty takes the one in the file of the certificate, else certificate_key.pem beside it",
    },
    ca: listenerTlsKeys.ca,
    verifyMode: {
      type: "enum",
      choices: ["none", "peer", "peer-cert"],
      default: "none",
      title: "Verify mode",
      description:
        "none asks for no client certificate; peer asks for one and takes callers without; peer-cert lets nobody in without",
    },
    allowInsecure: {
      type: "bool",
      default: false,
      title: "Allow insecure",
      description: "Serve plain HTTP when the certificate is missing; port 8443 is 8080 then",
    },
    ...webAccessKeys,
    ...loginLimitKeys,
    legacyUserAgents: {
      key: "legacy query auth user agents",
      type: "list",
      default: ["Icinga/check_nscp_api"],
      title: "Legacy query auth user agents",
      description:
        "Programs, by a part of their User-Agent, that may show a token in the URL and log in at /auth/token; empty for none",
    },
    applicationName: {
      type: "string",
      default: "NSClient++",
      title: "Application name",
      description: "What /info answers as the name of the program; clients of NSClient++ look for that one",
    },
    methodOverride: {
      type: "bool",
      default: true,
      title: "Method override",
      description: "Whether the header X-HTTP-Method-Override replaces the method of a request",
    },
    publicUrl: {
      type: "string",
      default: "",
      title: "Public URL",
      description:
        "What URLs in answers begin with, such as https://gateway.example:8443; empty takes what was asked for",
      check: (value) => (value === "" || isPublicUrl(value) ? undefined : "it is not of the form https://host:port"),
    },
    trustedHosts: {
      type: "list",
      title: "Trusted hosts",
      description:
        "The names, each with its port unless that is 443 or 80, that may stand in URLs of answers; empty for all that are asked for",
    },
    trustedProxies: {
      type: "list",
      title: "Trusted proxies",
      description:
        "Addresses and networks of proxies whose Forwarded and X-Forwarded headers say who asks and for which URL; empty for none",
      check: hostsProblem,
    },
    consoleExec: {
      type: "bool",
      default: false,
      advanced: true,
      title: "Console exec",
      description: "Serve POST /console/exec, which runs a check and writes its result to the log",
    },
    bodyLimit: {
      type: "size",
      default: "4M",
      advanced: true,
      title: "Body limit",
      description: "The largest body of a request; larger ones are refused with HTTP 413",
    },
    maxHeaderSize: {
      type: "size",
      default: "64K",
      advanced: true,
      title: "Max header size",
      description: "The largest head of a request, its URL included",
    },
    maxRequests: {
      type: "int",
      default: 512,
      min: 1,
      advanced: true,
      title: "Max requests",
      description: "How many requests may be under way at once; further ones are refused with HTTP 503",
    },
    maxStreams: {
      type: "int",
      default: 100,
      min: 0,
      advanced: true,
      title: "Max streams",
      description: "How many answers without an end may be open at once; further ones are refused with HTTP 503",
    },
    ...connectionLimitKeys,
    handshakeTimeout: httpKeys.handshakeTimeout,
    timeout: {
      type: "time",
      default: "30s",
      fallback: sharedSection,
      title: "Timeout",
      description: "How long a request may take to arrive, and its answer to be taken",
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
  groups: {
    log: {
      section: "/settings/WEB/${alias}/log",
      title: "Log of the web server",
      description: "What older servers wrote of their HTTP library; [/settings/log] level says what is logged here",
      keys: {
        error: { type: "bool", default: true, advanced: true, title: "Error", description: accepted },
        info: { type: "bool", default: false, advanced: true, title: "Info", description: accepted },
        debug: { type: "bool", default: false, advanced: true, title: "Debug", description: accepted },
      },
    },
  },
});

export type ServerSettings = SettingsOf<typeof settings>;

/** The port to listen on. Without TLS, clients expect the one that such servers have instead of 8443. */
export function listeningPort(text: string, isSecure: boolean): number {
  const port = portOf(text) ?? 0;
  return !isSecure && port === 8443 ? 8080 : port;
}

/** The port that a text such as `8443s` means. */
function portOf(text: string): number | undefined {
  const digits = /^\s*(\d{1,5})s?\s*$/i.exec(text)?.[1];
  return digits === undefined || Number(digits) > 65_535 ? undefined : Number(digits);
}

function isPublicUrl(text: string): boolean {
  return /^https?:\/\/[a-z0-9._~[\]:-]+(\/[^\s?#]*)?$/i.test(text);
}
