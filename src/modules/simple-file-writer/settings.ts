import type { ObjectSpec } from "../../settings/schema.js";
import { templateProblem } from "./line-template.js";

/** How results are written to a file. */
export const fileKeys = {
  file: {
    type: "path",
    default: "${data-path}/output.txt",
    title: "File",
    description: "The file to append to; it is made when it is not there, its folder is not",
    sample: true,
  },
  syntax: {
    type: "string",
    default: "${alias-or-command} ${result} ${message}",
    title: "Syntax",
    description: "The line of a result: ${host}, ${service}, ${result}, ${message} and others",
    check: templateProblem,
  },
  hostSyntax: {
    type: "string",
    key: "host-syntax",
    default: "",
    title: "Host syntax",
    description: "The line of the state of a host; as syntax unless given",
    check: templateProblem,
  },
  serviceSyntax: {
    type: "string",
    key: "service-syntax",
    default: "",
    title: "Service syntax",
    description: "The line of the state of a service; as syntax unless given",
    check: templateProblem,
  },
  timeSyntax: {
    type: "string",
    key: "time-syntax",
    default: "%Y-%m-%d %H:%M:%S",
    title: "Time syntax",
    description: "How ${time} is written, by strftime: %Y %y %m %d %H %M %S %f %z %F %T %s",
  },
} as const satisfies ObjectSpec["keys"];

/** The section of the module: what stands there counts for every file. */
const fallback = "/settings/writers/${alias}";

/** Keys of a target beside those that the targets of all relays have. */
export const targetKeys = {
  file: { ...fileKeys.file, fallback },
  syntax: { ...fileKeys.syntax, fallback },
  hostSyntax: { ...fileKeys.hostSyntax, fallback },
  serviceSyntax: { ...fileKeys.serviceSyntax, fallback },
  timeSyntax: { ...fileKeys.timeSyntax, fallback },
} as const satisfies ObjectSpec["keys"];

export type FileKeys = typeof targetKeys;
