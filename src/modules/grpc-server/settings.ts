import { listenerKeys, listenerTlsKeys } from "../../front-end/listener-keys.js";
import { defineSettings, type SettingsOf } from "../../settings/schema.js";

export const settings = defineSettings({
  section: "/settings/GRPC/${alias}",
  title: "gRPC server",
  description: "Where pollers, remote command lines and relays come in over gRPC",
  keys: {
    port: {
      type: "int",
      default: 8444,
      min: 0,
      max: 65_535,
      sample: true,
      title: "Port",
      description: "The TCP port to listen on; 0 takes any that is free",
    },
    ...listenerKeys,
    useSsl: {
      type: "bool",
      default: true,
      title: "Use SSL",
      description: "TLS 1.2 or newer; without it, everything including tokens can be read on the way",
    },
    ...listenerTlsKeys,
    verifyMode: {
      type: "enum",
      choices: ["none", "peer", "peer-cert"],
      default: "peer",
      title: "Verify mode",
      description:
        "none asks for no client certificate; peer asks for one and takes callers without; peer-cert lets nobody in without",
    },
    controlSocket: {
      type: "string",
      default: "${data-path}/control.sock",
      title: "Control socket",
      description:
        "The Unix socket for nscp status, reload and the like; nobody but the user of the gateway may use it; none for none",
    },
    reflection: {
      type: "bool",
      default: true,
      title: "Reflection",
      description: "Whether tools such as grpcurl may ask which services and messages there are",
    },
    maxMessageSize: {
      type: "size",
      default: "4M",
      advanced: true,
      title: "Max message size",
      description: "The largest message in and out; larger ones are refused with RESOURCE_EXHAUSTED",
    },
    maxConcurrentStreams: {
      type: "int",
      default: 1000,
      min: 1,
      advanced: true,
      title: "Max concurrent streams",
      description: "How many calls one connection may have open",
    },
    streamWindow: {
      type: "int",
      default: 256,
      min: 1,
      advanced: true,
      title: "Stream window",
      description: "How many messages of a QueryStream or SubmitStream may wait for their answer or for the reader",
    },
    subscriberLimit: {
      type: "int",
      default: 1000,
      min: 1,
      advanced: true,
      title: "Subscriber limit",
      description: "How many messages may wait for a reader of Subscribe or Logs before its stream is ended",
    },
    handshakeTimeout: {
      type: "time",
      default: "10s",
      advanced: true,
      title: "Handshake timeout",
      description: "How long a connection may take for TLS and the first bytes of HTTP/2",
    },
    connectionIdle: {
      type: "time",
      default: "30m",
      allowOff: true,
      advanced: true,
      title: "Connection idle",
      description: "How long a connection without a call stays open",
    },
    connectionAge: {
      type: "time",
      default: "2h",
      allowOff: true,
      advanced: true,
      title: "Connection age",
      description: "How old a connection gets before the client is asked to make a new one",
    },
    connectionAgeGrace: {
      type: "time",
      default: "5m",
      allowOff: true,
      advanced: true,
      title: "Connection age grace",
      description: "How long calls on such an old connection may still run",
    },
    keepalive: {
      type: "time",
      default: "2m",
      allowOff: true,
      advanced: true,
      title: "Keepalive",
      description: "How often a connection is asked whether the other side is still there; an answer has 20 s",
    },
    drainDelay: {
      type: "time",
      default: "500ms",
      advanced: true,
      title: "Drain delay",
      description: "How long calls are still taken after the health service has said NOT_SERVING",
    },
    drainTimeout: {
      type: "time",
      default: "15s",
      advanced: true,
      title: "Drain timeout",
      description: "How long a stop may take, the delay included; calls that are still running then are cut off",
    },
  },
});

export type ServerSettings = SettingsOf<typeof settings>;
