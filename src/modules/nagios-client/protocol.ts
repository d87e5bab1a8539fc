import { GatewayError } from "../../kernel/errors.js";
import type { RelayProtocol, RelayTarget, Sender, SenderEnvironment } from "../../relay/relay.js";
import { FolderSender } from "./folder-sender.js";
import { PipeSender } from "./pipe-sender.js";
import { type TargetKeys, targetKeys } from "./settings.js";

/** Nagios Core on the same machine as a relay: by files of check results, or by its command file. */
export const nagiosProtocol: RelayProtocol<TargetKeys> = {
  name: "NagiosClient",
  summary: "Hands passive results to Nagios Core on this machine",
  defaultAlias: "nagios-client",
  section: "nagios",
  channel: "NAGIOS",
  word: "nagios",
  // Nagios answers neither way.
  grade: "written",
  defaultPort: undefined,
  targetKeys,
  batch: { count: 1000, bytes: 4 * 1024 * 1024 },
  connect,
  extend: ({ targets }) => ({
    detail: () => targets.map(({ name, settings }) => `${name} writes to ${placeOf(settings)}`),
  }),
};

function placeOf({ checkResultPath = "", commandFile = "" }: RelayTarget<TargetKeys>["settings"]): string {
  return commandFile === "" ? checkResultPath : commandFile;
}

function connect(target: RelayTarget<TargetKeys>, environment: SenderEnvironment): Sender {
  const { checkResultPath = "", commandFile = "", owner, mode, unreadLimit, timeout } = target.settings;
  if (checkResultPath !== "" && commandFile !== "") {
    throw new GatewayError(
      "CONFIGURATION",
      "command file: the target has a check result path as well; give one of them",
    );
  }
  if (commandFile !== "") return new PipeSender(commandFile, timeout, environment);
  if (checkResultPath === "") {
    throw new GatewayError(
      "CONFIGURATION",
      "check result path: it is missing, and so is a command file; give one of them",
    );
  }
  const [user, group] = owner.split(":").map(Number);
  return new FolderSender(
    {
      folder: checkResultPath,
      owner: user === undefined || group === undefined ? undefined : { user, group },
      mode: Number.parseInt(mode, 8),
      unreadLimitMs: unreadLimit,
    },
    environment,
  );
}
