/** Of which types the arguments of each operation are. A host in a language without types sends what its script wrote. */
import type { HostOperation, HostOperations } from "./protocol.js";

interface Kinds {
  text: string;
  texts: string[];
  number: number;
  flag: boolean;
}

/** For every argument its name and, behind a colon, its kind. */
type Shape<Args extends readonly unknown[]> = {
  [Index in keyof Args]: `${string}:${KindOf<Args[Index]>}`;
};

type KindOf<Type> = { [Kind in keyof Kinds]: Kinds[Kind] extends Type ? Kind : never }[keyof Kinds];

const shapes: { readonly [Op in HostOperation]: Shape<HostOperations[Op]["args"]> } = {
  simpleQuery: ["command:text", "arguments:texts"],
  query: ["command:text"],
  simpleExec: ["target:text", "command:text", "arguments:texts"],
  exec: ["target:text"],
  simpleSubmit: ["channel:text", "command:text", "code:number", "message:text", "perf:text"],
  submit: ["channel:text"],
  emit: [],
  reload: ["module:text"],
  loadModule: ["module:text", "alias:text"],
  unloadModule: ["module:text"],
  knowsPlugin: ["id:number"],
  expandPath: ["path:text"],
  settingsSection: ["path:text"],
  settingsString: ["path:text", "key:text", "default:text"],
  settingsBool: ["path:text", "key:text", "default:flag"],
  settingsInt: ["path:text", "key:text", "default:number"],
  settingsSet: ["path:text", "key:text", "value:text"],
  settingsSave: [],
  registerPath: ["path:text", "title:text", "description:text"],
  registerKey: ["path:text", "key:text", "type:text", "title:text", "description:text", "default:text"],
  settingsQuery: [],
  registryQuery: [],
};

const kinds: { readonly [Kind in keyof Kinds]: { readonly name: string; is(value: unknown): boolean } } = {
  text: { name: "a text", is: (value) => typeof value === "string" },
  texts: {
    name: "a list of texts",
    is: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  },
  number: { name: "a number", is: (value) => typeof value === "number" },
  flag: { name: "true or false", is: (value) => typeof value === "boolean" },
};

/** What is wrong with the arguments of an operation; `undefined` when they are as they should be. */
export function argumentFault(op: HostOperation, args: readonly unknown[]): string | undefined {
  for (const [index, argument] of shapes[op].entries()) {
    const [name = "", kind = "text"] = argument.split(":") as [string, keyof Kinds];
    if (!kinds[kind].is(args[index]))
      return `${op}: ${name} is ${describe(args[index])} instead of ${kinds[kind].name}`;
  }
  return undefined;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "missing";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
