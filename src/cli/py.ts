import { pythonHostFolder } from "../modules/python-script/host-command.js";
import type { CliAction } from "./actions.js";
import { scriptContext } from "./script-context.js";
import { pythonScripts } from "./script-languages.js";
import { contextCommand, parseArguments } from "./store-options.js";

const stubs: CliAction = {
  name: "stubs",
  usage: "",
  summary: "Print the folder with NSCP.pyi, from which an editor knows the module NSCP",
  async run(args, io) {
    const command = contextCommand("nscp py stubs", "Print the folder with NSCP.pyi, for editors", io);
    if (!parseArguments(command, args)) return 1;
    io.stdout(`${pythonHostFolder}\n`);
    return 0;
  },
};

/** `nscp py`: scripts in Python. */
export const pythonContext = scriptContext(pythonScripts, [stubs]);
