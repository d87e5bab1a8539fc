import { defineSettings } from "../settings/schema.js";
import { parseSize } from "../settings/values.js";

/** A store has room for some results at least. */
const smallestSpool = 1024 * 1024;

/** Where passive results rest until their receivers have them. */
export const spoolSettings = defineSettings({
  section: "/settings/spool",
  title: "Spool",
  description: "Where passive results rest on disk until their receivers have them",
  keys: {
    path: {
      type: "path",
      default: "${data-path}/spool",
      title: "Path",
      description: "The folder of the spool; it belongs to one gateway alone",
    },
    maximumSize: {
      type: "size",
      default: "1G",
      title: "Maximum size",
      description:
        "How many bytes of results may rest, dead letters included; when it is reached submissions are refused",
      check: (value) => ((parseSize(value) ?? smallestSpool) < smallestSpool ? "is less than 1M" : undefined),
    },
    maximumCount: {
      type: "int",
      min: 1,
      title: "Maximum count",
      description: "How many results may rest, dead letters included; no limit unless given",
    },
    ballastSize: {
      type: "size",
      default: "16M",
      title: "Ballast size",
      description: "Room on the disk that is kept so that delivery goes on when the disk is full; 0 for none",
      advanced: true,
    },
    deadLetterAge: {
      type: "time",
      allowOff: true,
      default: "30d",
      title: "Dead letter age",
      description: "Dead letters that are older are dropped; never to keep them",
    },
  },
});
