// A check in a few lines. `nscp node add --script check_sample.ts` adds it, and `nscp client --query check_sample` runs it.
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_sample", checkSample, "Counts its arguments: check_sample [word ...]");
}

function checkSample(args: string[]): [number, string, string] {
  const code = args.length > 5 ? status.WARNING : status.OK;
  return [code, `I was given ${args.length} arguments`, `'arguments'=${args.length};5`];
}
