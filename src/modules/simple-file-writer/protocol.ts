import type { RelayProtocol } from "../../relay/relay.js";
import { FileSender } from "./file-sender.js";
import { type FileKeys, targetKeys } from "./settings.js";

/** Results as lines of a file. */
export const fileProtocol: RelayProtocol<FileKeys> = {
  name: "SimpleFileWriter",
  summary: "Writes passive results to files",
  defaultAlias: "file-writer",
  section: "writers",
  defaultSection: "file",
  channel: "FILE",
  word: "file",
  grade: "confirmed",
  defaultPort: undefined,
  targetKeys,
  batch: { count: 1000, bytes: 4 << 20 },
  connect: (target) => new FileSender(target),
};
