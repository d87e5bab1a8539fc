import {
  acceptedKeys,
  connectionLimitKeys,
  hostsProblem,
  listenerKeys,
  listenerTlsKeys,
  sharedSection,
} from "../../front-end/listener-keys.js";
import { tlsStrengthKeys } from "../../front-end/tls-strength.js";
import { defineSettings, type SettingsOf } from "../../settings/schema.js";
import { parseSize } from "../../settings/values.js";
import { findCharset } from "../../wire/charset.js";
import { NRPE_PAYLOAD_LENGTH, NRPE_PORT } from "../../wire/nrpe/packet.js";
import { parseArgumentRule } from "./argument-rules.js";

/** Answers longer than this are no text for a person. */
const longestAnswer = 1 << 20;

export const settings = defineSettings({
  section: "/settings/NRPE/${alias}",
  title: "NRPE server",
  description: "Where check_nrpe and other clients of NRPE run checks",
  keys: {
    port: {
      type: "int",
      default: NRPE_PORT,
      min: 0,
      max: 65_535,
      sample: true,
      title: "Port",
      description: "The TCP port to listen on; 0 takes any that is free",
    },
    ...listenerKeys,
    allowArguments: {
      type: "bool",
      default: false,
      sample: true,
      title: "Allow arguments",
      description:
        "Whether clients may give arguments to every command; a row of the section arguments lets one have some",
    },
    allowNastyCharacters: {
      type: "bool",
      default: false,
      title: "Allow nasty characters",
      description: "Whether what clients send may hold control characters and |`&><'\"\\[]{}",
    },
    role: {
      type: "string",
      default: "poller",
      sample: true,
      title: "Role",
      description:
        "The role of clients without a certificate; it says which commands they may run, and nothing else of it can be used over NRPE",
    },
    performanceData: {
      type: "bool",
      default: true,
      title: "Performance data",
      description: "Whether answers have their performance data",
    },
    payloadLength: {
      type: "int",
      default: NRPE_PAYLOAD_LENGTH,
      min: 16,
      max: 65_535,
      title: "Payload length",
      description:
        "Bytes of text in packets of version 2 that clients were built for; other lengths are found out and answered in kind",
    },
    maxAnswerLength: {
      type: "size",
      default: "64K",
      advanced: true,
      title: "Max answer length",
      description: "Bytes of an answer in versions 3 and 4, its end included; C clients take no more than 64K",
      check: answerLengthProblem,
    },
    extendedResponse: {
      type: "bool",
      default: false,
      advanced: true,
      title: "Extended response",
      description:
        "Sends what a packet of version 2 has no room for in further packets, as only NSClient++'s client reads them; check_nrpe -2 fails on it",
    },
    encoding: {
      type: "string",
      default: "",
      title: "Encoding",
      description: "The encoding of queries and answers, such as windows-1252; empty for UTF-8",
      check: encodingProblem,
    },
    useSsl: {
      type: "bool",
      default: true,
      sample: true,
      title: "Use SSL",
      description: "TLS; without it everybody on the way reads and changes what is asked and answered",
    },
    ...listenerTlsKeys,
    ...tlsStrengthKeys,
    verifyMode: {
      type: "enum",
      choices: ["none", "peer", "peer-cert"],
      synonyms: {
        "fail-if-no-cert": "peer-cert",
        "fail-if-no-peer-cert": "peer-cert",
        "peer,fail-if-no-cert": "peer-cert",
        "peer,fail-if-no-peer-cert": "peer-cert",
      },
      default: "none",
      title: "Verify mode",
      description:
        "none asks for no client certificate; peer asks, and refuses those that are not trusted; peer-cert runs nothing without one",
    },
    clientIdentitySource: {
      type: "enum",
      choices: ["cn", "none"],
      default: "cn",
      title: "Client identity source",
      description:
        "cn: a client certificate says who calls, and /settings/security/certificates which role that is; none: all have the role",
    },
    legacyAnonymousTls: {
      type: "bool",
      default: false,
      advanced: true,
      title: "Legacy anonymous TLS",
      description:
        "Lets the legacy allowed hosts connect with TLS 1.0 and anonymous Diffie-Hellman, as NRPE 2 does: somebody on the way can read and change everything",
    },
    legacyAllowedHosts: {
      type: "list",
      default: [],
      advanced: true,
      title: "Legacy allowed hosts",
      description: "Who may connect with legacy anonymous TLS; empty is nobody",
      check: hostsProblem,
    },
    insecure: {
      type: "bool",
      default: false,
      advanced: true,
      title: "Insecure",
      description:
        "As NSClient++ has it: legacy anonymous TLS for all allowed hosts, and without a certificate if there is none",
    },
    timeout: {
      type: "time",
      default: "30s",
      fallback: sharedSection,
      title: "Timeout",
      description: "How long a command may take, and after that how long its answer may take to be read",
    },
    handshakeTimeout: {
      type: "time",
      default: "10s",
      advanced: true,
      title: "Handshake timeout",
      description:
        "How long a connection may take for TLS and the first byte, and after that for the rest of the query",
    },
    ...connectionLimitKeys,
    ...acceptedKeys,
    drainTimeout: {
      type: "time",
      default: "5s",
      advanced: true,
      title: "Drain timeout",
      description: "How long a stop waits for commands that run",
    },
  },
  maps: {
    argumentRules: {
      section: "/settings/NRPE/${alias}/arguments",
      title: "Arguments",
      description: "Command = the arguments that it may have, also where arguments are not allowed",
      value: {
        type: "string",
        title: "Arguments",
        description: "Types with blanks between them, such as: warning=percent path(/srv) [word...]",
        check: (value: string) => {
          const { problem } = parseArgumentRule(value);
          return problem === undefined ? undefined : `it is no rule for arguments: ${problem}`;
        },
      },
    },
  },
});

export type ServerSettings = SettingsOf<typeof settings>;

function encodingProblem(value: string): string | undefined {
  return value === "" || findCharset(value) !== undefined
    ? undefined
    : "there is no such encoding, or it is neither UTF-8 nor has one byte for each character";
}

function answerLengthProblem(value: string): string | undefined {
  const size = parseSize(value);
  return size === undefined || (size >= 1024 && size <= longestAnswer) ? undefined : "it has to be from 1K to 1M";
}
