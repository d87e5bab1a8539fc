import { normalisePath, trimBlanks } from "../settings/names.js";

/** What is known about a key, as the registry of settings describes it. */
export interface DescribedKey {
  readonly type: string;
  readonly sensitive: boolean;
}

/**
 * Parts of section names that decide what is executed, who may do what, or where secrets are sent. A section with one of
 * them anywhere in its path belongs to whoever can edit the file. They are parts and not whole names, because aliases
 * and versions vary: `external scripts`, `scripts`, `wrapped scripts`, `python/scripts/extra`.
 */
const closedSections = [
  ...["script", "wrap", "alias", "schedul", "handler", "command", "module", "plugin", "include", "attachment"],
  ...["path", "interpreter", "target", "server"],
  ...["security", "permission", "polic", "user", "role", "grant", "token", "certificate", "credential"],
];

/** Words of key names that do the same in sections that are otherwise open. */
const closedWords = new Set([
  ...["script", "scripts", "command", "commands", "cmd", "exec", "execute", "executable", "shell", "interpreter"],
  ...[
    "argument",
    "arguments",
    "args",
    "options",
    "env",
    "environment",
    "isolation",
    "alias",
    "parent",
    "template",
    "syntax",
  ],
  ...["python", "node", "lib", "library", "libraries", "module", "modules", "include", "includes", "import", "cache"],
  ...["path", "paths", "file", "files", "folder", "folders", "directory", "directories", "dir", "root"],
  ...["allow", "allowed", "insecure", "ssl", "tls", "verify", "ca", "dh", "cipher", "ciphers"],
  ...["bind", "host", "hosts", "socket", "sockets"],
  ...[
    "certificate",
    "certificates",
    "password",
    "passphrase",
    "secret",
    "token",
    "tokens",
    "credential",
    "credentials",
  ],
  ...["user", "users", "role", "roles", "grant", "grants", "target", "targets", "address", "url", "proxy"],
]);

/**
 * Why a setting can't be written or deleted over a network, or undefined when it can. The rule is the same for every
 * principal, `full` included: who may change what is executed is who may edit the files of this machine.
 *
 * Open is a key with a plain name, directly named, in a section below `/settings` whose path is written plainly; closed
 * are those whose names speak of programs, files, identity, networks or secrets, whatever module they belong to, and those
 * that are described as paths or secrets. What is open by this rule: values for scripts, time-outs, levels, limits.
 *
 * @param path the section; without a key the whole section, which may hold anything and is always closed
 * @param described what is known about the key, if anything is
 */
export function refuseRemoteWrite(path: string, key: string, described?: DescribedKey): string | undefined {
  // Blanks and slashes as the store reads them, and the same idea of upper and lower case.
  const section = normalisePath(path).toLowerCase();
  const name = trimBlanks(key).toLowerCase();
  const shown = `${section}.${name}`;
  if (name === "") return "whole sections can't be written over a network; name a key";
  if (!/^\/settings(\/[\p{L}\p{N}_.-]+( [\p{L}\p{N}_.-]+)*)+$/u.test(section) || /\/\.+(\/|$)/.test(section)) {
    return `only plain sections below /settings can be written over a network, not ${JSON.stringify(path)}`;
  }
  if (!/^[\p{L}\p{N}_.-]+( [\p{L}\p{N}_.-]+)*$/u.test(name)) {
    return `only keys with plain names can be written over a network, not ${JSON.stringify(key)}`;
  }
  // Whoever could set its port would open a door that asks nobody who he is.
  const isDoor = section === "/settings/metrics";
  const words = name.split(/[ _.-]+/);
  const isClosed =
    isDoor || closedSections.some((part) => section.includes(part)) || words.some((word) => closedWords.has(word));
  if (isClosed || described?.sensitive || described?.type === "path" || described?.type === "password") {
    return `${shown} decides what is executed or who may do what; it can't be written over a network`;
  }
  return undefined;
}
