import type { ObjectSpec } from "../settings/schema.js";

/** Keys of every target that say how what waits for it is sent. */
export const deliveryKeys = {
  retries: {
    type: "int",
    default: 3,
    min: 0,
    title: "Retries",
    description:
      "How often a result is tried again that goes out without the spool, as from the command line; from the spool it is tried until it arrives",
  },
  batchSize: {
    type: "int",
    min: 1,
    title: "Batch size",
    description: "How many results go out on one connection at most; unless given as many as the protocol takes",
    advanced: true,
  },
  batchTimeout: {
    type: "time",
    default: "2m",
    title: "Batch timeout",
    description: "How long a batch may take as a whole; what has no answer then is sent again later",
    advanced: true,
  },
  replay: {
    type: "enum",
    default: "all-in-order",
    choices: ["all-in-order", "latest-per-service", "drop-older-than"],
    title: "Replay",
    description:
      "What becomes of results that wait: all are sent in order, only the latest of each service, or none that is older than the replay age",
  },
  replayAge: {
    type: "time",
    default: "1h",
    title: "Replay age",
    description: "What waited longer is dropped and counted, with replay = drop-older-than",
  },
  maximumAge: {
    type: "time",
    allowOff: true,
    default: "7d",
    title: "Maximum age",
    description: "What waited longer becomes a dead letter, which is kept and listed; never for no limit",
  },
  maximumCount: {
    type: "int",
    min: 1,
    title: "Maximum count",
    description: "How many results may wait for this target; further ones are refused",
    advanced: true,
  },
  maximumSize: {
    type: "size",
    title: "Maximum size",
    description: "How many bytes of results may wait for this target; further ones are refused",
    advanced: true,
  },
  retryDelay: {
    type: "time",
    default: "1s",
    title: "Retry delay",
    description: "The longest break after the first failure; it doubles with each one that follows",
    advanced: true,
  },
  maximumRetryDelay: {
    type: "time",
    default: "60s",
    title: "Maximum retry delay",
    description: "The break grows no longer than this",
    advanced: true,
  },
  breakerFailures: {
    type: "int",
    default: 5,
    min: 1,
    title: "Breaker failures",
    description: "After so many failures in a row only a single result is tried until one arrives",
    advanced: true,
  },
  failover: {
    type: "list",
    title: "Failover",
    description: "Targets of this module that take the results while this one can't be reached, the first that can",
  },
} as const satisfies ObjectSpec["keys"];
