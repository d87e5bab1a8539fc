// A command, and what a script does when it is run by hand:
//   nscp client --command hello_sample World
//   nscp node execute --script command_sample.ts install --root /tmp
import { log, Registry } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleCmdline("hello_sample", ([name = "you"]) => [0, `Hello ${name}`]);
}

export function main(args: string[]): void {
  log(`My arguments are: ${JSON.stringify(args)}`);
}
