import {
  acceptedKeys,
  connectionLimitKeys,
  intakeKeys,
  listenerKeys,
  listenerTlsKeys,
  sharedSection,
} from "../../front-end/listener-keys.js";
import { tlsStrengthKeys } from "../../front-end/tls-strength.js";
import { defineSettings, type SettingsOf } from "../../settings/schema.js";
import { parseNscaMethod } from "../../wire/nsca/methods.js";

export const settings = defineSettings({
  section: "/settings/NSCA/${alias}",
  title: "NSCA server",
  description: "Where senders of NSCA (send_nsca, NSClient++, agents) deliver passive results",
  keys: {
    port: {
      type: "int",
      default: 5667,
      min: 0,
      max: 65_535,
      sample: true,
      title: "Port",
      description: "The TCP port to listen on; 0 takes any that is free",
    },
    ...listenerKeys,
    encryption: {
      type: "string",
      default: "aes256",
      sample: true,
      title: "Encryption",
      description: "The method of all senders, by name or number: aes256, 3des, xor, 14, …",
      check: (value: string) => parseNscaMethod(value).problem,
    },
    dialect: {
      type: "enum",
      choices: ["nsca", "nsclient"],
      default: "nsca",
      title: "Dialect",
      description:
        "Whose numbers 14, 15 and 16 in encryption are: those of NSCA (Rijndael) or of NSClient++ (AES with 16, 24 and 32 bytes)",
    },
    password: {
      type: "password",
      default: "",
      fallback: sharedSection,
      sample: true,
      title: "Password",
      description: "The secret of all senders that no row of the section passwords fits",
    },
    payloadLength: {
      type: "int",
      default: 512,
      min: 2,
      max: 65_535,
      title: "Payload length",
      description: "Bytes of output that senders put into a packet; 512 and 4096 are understood whatever this is",
    },
    maxPacketAge: {
      type: "time",
      default: "30s",
      allowOff: true,
      title: "Max packet age",
      description:
        "How far the time of a packet may be from when its connection began, and how long a packet that comes again is known; 0 or off checks neither",
    },
    ...intakeKeys,
    performanceData: {
      type: "bool",
      default: true,
      title: "Performance data",
      description: "Whether results keep their performance data",
    },
    role: {
      type: "string",
      default: "submitter",
      title: "Role",
      description: "The role of all senders; it says to which channels they may submit",
    },
    useSsl: {
      type: "bool",
      default: false,
      title: "Use SSL",
      description: "TLS around the protocol, as NSClient++ can have it; send_nsca can't",
    },
    ...listenerTlsKeys,
    ...tlsStrengthKeys,
    verifyMode: {
      type: "enum",
      choices: ["none", "peer-cert"],
      default: "none",
      title: "Verify mode",
      description: "none asks for no client certificate; peer-cert lets nobody in without one",
    },
    timeout: {
      type: "time",
      default: "30s",
      fallback: sharedSection,
      title: "Timeout",
      description:
        "How long the next packet of a connection may take, and after that how long its results may take to be accepted",
    },
    handshakeTimeout: {
      type: "time",
      default: "30s",
      advanced: true,
      title: "Handshake timeout",
      description:
        "How long a connection may take for TLS and the first byte; send_nsca connects before it has read what to send",
    },
    ...connectionLimitKeys,
    ...acceptedKeys,
    drainTimeout: {
      type: "time",
      default: "5s",
      advanced: true,
      title: "Drain timeout",
      description: "How long a stop waits for connections to send what they have",
    },
  },
  maps: {
    passwords: {
      section: "/settings/NSCA/${alias}/passwords",
      title: "Passwords",
      description: "Address, network or name of senders = their password. The narrowest row that fits counts",
      value: { type: "password", title: "Password", description: "The secret of the senders that the name fits" },
    },
  },
});

export type ServerSettings = SettingsOf<typeof settings>;
