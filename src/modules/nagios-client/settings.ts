import type { ObjectSpec } from "../../settings/schema.js";

/** Keys of a target beside those of all relays. A target has either a folder or a command file. */
export const targetKeys = {
  checkResultPath: {
    type: "path",
    title: "Check result path",
    description: "The folder that Nagios takes check results from, its check_result_path",
    sample: true,
  },
  commandFile: {
    type: "path",
    title: "Command file",
    description: "The named pipe that Nagios takes external commands from, its command_file",
  },
  owner: {
    type: "string",
    default: "",
    title: "Owner",
    description:
      "Who owns the files, as numbers user:group; the owner of the folder unless given, where that is allowed",
    check: ownerProblem,
    advanced: true,
  },
  mode: {
    type: "string",
    default: "0660",
    title: "Mode",
    description: "The permissions of the files, an octal number",
    check: modeProblem,
    advanced: true,
  },
  unreadLimit: {
    type: "time",
    default: "5m",
    allowOff: true,
    title: "Unread limit",
    description: "How long files may lie unread before results wait in the spool instead; off to write on and on",
    advanced: true,
  },
} as const satisfies ObjectSpec["keys"];

export type TargetKeys = typeof targetKeys;

function ownerProblem(value: string): string | undefined {
  return value === "" || OWNER.test(value) ? undefined : `must be two numbers such as 120:127, not ${value}`;
}

function modeProblem(value: string): string | undefined {
  return MODE.test(value) ? undefined : `must be an octal number such as 0660, not ${value}`;
}

const OWNER = /^\d{1,9}:\d{1,9}$/;
const MODE = /^0?[0-7]{3}$/;
