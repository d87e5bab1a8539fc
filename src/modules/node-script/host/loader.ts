import { createJiti } from "jiti";
import * as scriptApi from "../../../script.js";
import { rememberSourceMap } from "./source-maps.js";

/** What a script may export; each is optional. */
export interface ScriptExports {
  init?(pluginId: number, pluginAlias: string, scriptAlias: string): unknown;
  shutdown?(): unknown;
  main?(args: string[]): unknown;
}

/** Reads and runs a script, TypeScript or JavaScript, ES module or CommonJS. */
export async function loadScript(file: string): Promise<ScriptExports> {
  // A cache on disk could be edited, and what stands there would run.
  const fsCache = false;
  const { transform } = createJiti(file, { fsCache }).options;
  const jiti = createJiti(file, {
    fsCache,
    sourceMaps: true,
    virtualModules: { "nscp-gateway/script": scriptApi },
    ...(transform === undefined
      ? {}
      : {
          transform(options) {
            const result = transform(options);
            if (options.filename !== undefined) rememberSourceMap(options.filename, result.code);
            return result;
          },
        }),
  });
  const loaded = await jiti.import(file);
  return {
    ...exportedFunction(loaded, "init"),
    ...exportedFunction(loaded, "shutdown"),
    ...exportedFunction(loaded, "main"),
  };
}

function exportedFunction(loaded: unknown, name: keyof ScriptExports): ScriptExports {
  const found = memberOf(loaded, name) ?? memberOf(memberOf(loaded, "default"), name);
  return typeof found === "function" ? { [name]: found } : {};
}

function memberOf(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}
