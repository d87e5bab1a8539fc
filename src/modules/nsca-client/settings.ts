import { clientTlsKeys } from "../../security/client-tls.js";
import type { ObjectSpec } from "../../settings/schema.js";
import { findCharset } from "../../wire/charset.js";

/** Keys of a target beside those that the targets of all relays have. */
export const targetKeys = {
  encryption: {
    type: "string",
    default: "aes256",
    title: "Encryption",
    description: "The method by name or number, the same as in the receiver's configuration (decryption_method)",
    sample: true,
  },
  dialect: {
    type: "enum",
    choices: ["nsca", "nsclient"],
    synonyms: { "nsclient++": "nsclient", stock: "nsca", mcrypt: "nsca" },
    default: "nsca",
    advanced: true,
    title: "Dialect",
    description:
      "Whose numbers a bare number under encryption is: those of NSCA, or those of NSClient++, which means AES with 14, 15 and 16",
  },
  password: {
    type: "password",
    default: "",
    title: "Password",
    description: "The password, the same as in the receiver's configuration",
    sample: true,
  },
  payloadLength: {
    type: "int",
    min: 2,
    max: 65_535,
    title: "Payload length",
    description:
      "Bytes of the output that the receiver was made for: 4096 for NSCA since 2.9, 512 for older ones and for NSClient++; 4096 unless given",
    sample: true,
  },
  bufferLength: {
    type: "int",
    min: 2,
    max: 65_535,
    advanced: true,
    title: "Buffer length",
    description: "Older name of the payload length; counts when both are given",
  },
  resultsPerConnection: {
    type: "int",
    min: 0,
    default: 0,
    advanced: true,
    title: "Results per connection",
    description:
      "How many results go out on one connection; 0: a whole batch, but a single one with a payload length below 4096. NSClient++ takes a single one",
  },
  encoding: {
    type: "string",
    default: "utf-8",
    title: "Encoding",
    description: "The encoding of texts: utf-8, or one with one byte for each character, such as iso-8859-1",
    check: (value) => encodingProblem(value),
  },
  timezone: {
    type: "enum",
    choices: ["utc"],
    synonyms: { gmt: "utc", z: "utc" },
    default: "utc",
    advanced: true,
    title: "Time zone",
    description: "Only utc: a packet has the time of the receiver's own clock in seconds, which know no zone",
  },
  timeOffset: {
    type: "string",
    default: "0",
    advanced: true,
    title: "Time offset",
    description: "Added to the time in each packet, such as 30s or -1h",
  },
  useSsl: {
    type: "bool",
    default: false,
    title: "Use SSL",
    description: "Speak NSCA within TLS, which NSClient++ and TLS proxies understand and NSCA itself does not",
  },
  ...clientTlsKeys,
} as const satisfies ObjectSpec["keys"];

function encodingProblem(value: string): string | undefined {
  return findCharset(value) === undefined
    ? `"${value}" is neither utf-8 nor an encoding with one byte for each character, such as iso-8859-1 or windows-1252`
    : undefined;
}
