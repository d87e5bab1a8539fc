import { scriptContext } from "./script-context.js";
import { nodeScripts } from "./script-languages.js";

/** `nscp node`: scripts in TypeScript and JavaScript. */
export const nodeContext = scriptContext(nodeScripts);
