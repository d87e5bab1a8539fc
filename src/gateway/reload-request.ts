import { GatewayError } from "../kernel/errors.js";

/** `delayed,service` and `delay,service` happen in the background, `instant,service` at once as without the word. */
export function parseReload(what: string): { delayed: boolean; name: string } {
  const match = /^(delayed|delay|instant),(.*)$/i.exec(what.trim());
  const name = (match?.[2] ?? what).trim();
  if (name === "") throw new GatewayError("INVALID_ARGUMENT", "Name what to reload: service, settings or a module");
  const word = match?.[1]?.toLowerCase();
  const keyword = name.toLowerCase();
  return {
    delayed: word === "delayed" || word === "delay",
    name: keyword === "service" || keyword === "settings" ? keyword : name,
  };
}
