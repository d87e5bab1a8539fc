/** Users of the web server as `nscp web` sees them in the settings. */
import { GatewayError } from "../kernel/errors.js";
import { hashPassword } from "../security/passwords.js";
import { Roles } from "../security/roles.js";
import { securitySettings } from "../security/security-settings.js";
import { closest } from "../settings/did-you-mean.js";
import { readSettings } from "../settings/read.js";
import type { SettingsStore } from "../settings/store.js";
import type { CliIo } from "./context.js";

export const usersSection = "/settings/WEB/server/users";

/**
 * The name becomes a section and travels in front of a colon (RFC 7617 2).
 * @throws GatewayError INVALID_ARGUMENT, also for the name of a present user in other letters
 */
export function checkUserName(store: SettingsStore, name: string): void {
  if (!/^[^\s:/[\]\p{C}]([^:/[\]\p{C}]{0,126}[^\s:/[\]\p{C}])?$/u.test(name) || name.toLowerCase() === "default") {
    const rule = "can't have a colon, a slash or brackets, nor blanks around it, and can't be default";
    throw new GatewayError("INVALID_ARGUMENT", `The user name ${JSON.stringify(name)} ${rule}.`);
  }
  const present = [...store.sections(usersSection), ...store.keys(usersSection)];
  const other = present.find((user) => user.toLowerCase() === name.toLowerCase());
  if (other !== undefined && !present.includes(name)) {
    throw new GatewayError(
      "INVALID_ARGUMENT",
      `There is a user ${other} already; two names must differ in more than case.`,
    );
  }
}

/** Says when the role is not there, which only ever means that the user may do less, and when the user is hidden. */
export function warnOfRole(store: SettingsStore, name: string, role: string, io: Pick<CliIo, "stderr">): void {
  const { roles, webRoles } = readSettings(securitySettings, store, "");
  const known = new Roles(roles, webRoles);
  if (known.get(role) === undefined) {
    const meant = closest(role, known.names());
    const hint = meant === undefined ? "nscp web add-role makes it" : `did you mean "${meant}"?`;
    io.stderr(`There is no role "${role}" yet (${hint}).\n`);
  }
  if (store.hasSection(`/settings/security/users/${name}`)) {
    io.stderr(`The user ${name} in [/settings/security/users] counts, and not this one.\n`);
  }
}

/** A password as it stands in the settings, as far as it can be shown. */
export function passwordState(stored: string): string {
  const scheme = /^(scrypt|pbkdf2-sha256)\$/.exec(stored)?.[1];
  return scheme === undefined ? `password: ${stored}` : `password: kept as a hash (${scheme}), which can't be shown`;
}

export function userSection(name: string): string {
  return `${usersSection}/${name}`;
}

/** Writes a user, with the hash of the password; without a password the one that is there stays. */
export async function setUser(store: SettingsStore, name: string, password: string | undefined, role: string) {
  const section = userSection(name);
  if (password !== undefined) store.set(section, "password", await hashPassword(password));
  store.set(section, "role", role);
}
