/** What `nscp web` does: it writes settings of the web server. Passwords of users are kept as hashes. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { allowedHostProblem } from "../security/allowed-hosts.js";
import { grantProblem } from "../security/roles.js";
import type { SettingsStore } from "../settings/store.js";
import { parseInteger, parseList } from "../settings/values.js";
import type { CliAction } from "./actions.js";
import type { CliIo } from "./context.js";
import { generatePassword, givenPassword, type PasswordOptions, passwordOptions } from "./password-input.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";
import { saveWebSettings } from "./web-save.js";
import { checkUserName, passwordState, setUser, userSection, warnOfRole } from "./web-users.js";

export const webActions: readonly CliAction[] = [
  {
    name: "install",
    usage: "[--port PORT] [--allowed-hosts LIST] [--password PASSWORD]",
    summary: "Switch the web server on, and make its user admin",
    run: install,
  },
  {
    name: "password",
    usage: "--set PASSWORD|--display [--only-web]",
    summary: "Set the password of admin and of other servers, or say what there is",
    run: password,
  },
  {
    name: "add-user",
    usage: "--user NAME [--password PASSWORD] [--role ROLE]",
    summary: "Add a user of the web server, or change one",
    run: addUser,
  },
  {
    name: "add-role",
    usage: "--role NAME --grant GRANT,…",
    summary: "Add a role, or change one",
    run: addRole,
  },
];

const helpCode = 1;
/** What a command answers that could not do its work: the state UNKNOWN. */
const failureCode = 3;

const serverSection = "/settings/WEB/server";
const sharedSection = "/settings/default";
const rolesSection = `${serverSection}/roles`;
const admin = "admin";
const defaultPort = "8443";

interface InstallOptions extends PasswordOptions {
  readonly allowedHosts?: string;
  readonly certificate?: string;
  readonly certificateKey?: string;
  readonly port?: string;
  readonly https?: true;
  readonly disableAdmin?: true;
}

async function install(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp web install", "Switch the web server on, and make its user admin", io)
    // NSClient++ has -h for the hosts.
    .helpOption("--help", "show this")
    .option("-h, --allowed-hosts <list>", "addresses, networks and names that may connect, here and to other servers")
    .option("--certificate <file>", "the certificate, as PEM")
    .option("--certificate-key <file>", "its key, as PEM")
    .option("--port <port>", `the port; ${defaultPort} unless another one is configured`)
    .option("--https", "refuse to serve without a certificate")
    .option("--disable-admin", "have no user admin");
  passwordOptions(command, "--password <password>");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<InstallOptions>();
  if (options.disableAdmin && (options.password !== undefined || options.passwordFile !== undefined)) {
    throw new GatewayError("INVALID_ARGUMENT", "--disable-admin and a password for admin exclude each other.");
  }
  const { store } = openConfiguration(storeOptions(command, io));
  const port = installedPort(store, options.port);
  setHosts(store, options.allowedHosts);
  setFile(store, "certificate", options.certificate, io);
  setFile(store, "certificate key", options.certificateKey, io);
  store.set("/modules", "WEBServer", "enabled");
  store.set(serverSection, "port", port);
  if (options.https) store.set(serverSection, "allow insecure", "false");
  const login = await setAdmin(store, options, io);
  await saveWebSettings(store, io);
  io.stdout(`The web server is switched on: https://localhost:${port}/\n${login.said}\n`);
  if (login.isGenerated) io.stderr(shownOnce);
  return 0;
}

const shownOnce = "This is the only time that the password is shown.\n";

function installedPort(store: SettingsStore, given: string | undefined): string {
  const text = given ?? store.getString(serverSection, "port", defaultPort);
  // Older files have 8443s for a port with TLS.
  const port = parseInteger(text.replace(/s$/i, ""));
  if (port === undefined || port < 1 || port > 65_535) {
    throw new GatewayError("INVALID_ARGUMENT", `"${text}" is not a port between 1 and 65535.`);
  }
  return String(port);
}

/** The hosts are those of all servers that have none of their own; a list of the web server's own would hide them. */
function setHosts(store: SettingsStore, text: string | undefined): void {
  if (text === undefined) return;
  const hosts = parseList(text);
  const problem = hosts.map(allowedHostProblem).find((found) => found !== undefined);
  if (hosts.length === 0 || problem !== undefined) {
    throw new GatewayError("INVALID_ARGUMENT", `--allowed-hosts: ${problem ?? "the list is empty"}.`);
  }
  const section = store.has(serverSection, "allowed hosts") ? serverSection : sharedSection;
  store.set(section, "allowed hosts", hosts.join(","));
}

function setFile(store: SettingsStore, key: string, file: string | undefined, io: CliIo): void {
  if (file === undefined) return;
  // The gateway may run in any folder.
  const path = /^[$%]/.test(file) ? file : resolve(file);
  if (!existsSync(store.paths.expand(path))) io.stderr(`The ${key} ${path} is not there yet.\n`);
  store.set(serverSection, key, path);
}

async function setAdmin(
  store: SettingsStore,
  options: InstallOptions,
  io: CliIo,
): Promise<{ readonly said: string; readonly isGenerated?: true }> {
  if (options.disableAdmin) {
    store.set(serverSection, "disable admin user", "true");
    return { said: "There is no user admin; nscp web add-user makes others." };
  }
  const given = await givenPassword(options, io);
  if (given === undefined && store.getBool(serverSection, "disable admin user")) {
    return { said: "The user admin stays disabled; a password enables it." };
  }
  if (store.getBool(serverSection, "disable admin user")) store.set(serverSection, "disable admin user", "false");
  if (given === undefined && store.getString(userSection(admin), "password") !== "") {
    return { said: "Login as admin using the password that it has." };
  }
  const chosen = given ?? generatePassword();
  await setUser(store, admin, chosen, store.getString(userSection(admin), "role") || "full");
  if (given !== undefined) return { said: "Login as admin using the password that was given." };
  return { said: `Login using this password ${chosen}`, isGenerated: true };
}

async function password(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp web password", "Set the password of admin, or say what there is", io)
    .option("-d, --display", "say what there is; a hash can't be shown")
    .option("--only-web", "of the web server only, and not the one that it shares with other servers");
  passwordOptions(command, "-s, --set <password>");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{ set?: string; passwordFile?: string; display?: true; onlyWeb?: true }>();
  const { set, passwordFile } = options;
  const wanted = {
    ...(set === undefined ? {} : { password: set }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  };
  const isSet = set !== undefined || passwordFile !== undefined;
  if (isSet === (options.display === true)) {
    io.stdout(command.helpInformation());
    return failureCode;
  }
  const { store } = openConfiguration(storeOptions(command, io));
  const chosen = await givenPassword(wanted, io);
  if (chosen === undefined) return display(store, options.onlyWeb === true, io);
  await setUser(store, admin, chosen, store.getString(userSection(admin), "role") || "full");
  // It was what admin began with.
  if (store.has(serverSection, "password")) store.deleteKey(serverSection, "password");
  if (!options.onlyWeb) store.set(sharedSection, "password", chosen);
  await saveWebSettings(store, io);
  io.stdout("The password of admin is set.\n");
  if (!options.onlyWeb) {
    io.stdout(
      `The shared password in [${sharedSection}] is the same, in plain text: NSCA and others need it to encrypt.\n`,
    );
  }
  return 0;
}

function display(store: SettingsStore, onlyWeb: boolean, io: CliIo): number {
  const sections = [...(onlyWeb ? [] : [sharedSection]), serverSection, userSection(admin)];
  const found = sections.filter((section) => store.getString(section, "password") !== "");
  for (const section of found) io.stdout(`[${section}] ${passwordState(store.getString(section, "password"))}\n`);
  if (found.length > 0) return 0;
  io.stderr("There is no password; nscp web password --set - reads one from standard input.\n");
  return failureCode;
}

async function addUser(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp web add-user", "Add a user of the web server, or change one", io)
    .option("--user <name>", "who logs in; the case of letters counts")
    .option("--role <role>", "what they may do; client unless they have one");
  passwordOptions(command, "--password <password>");
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<PasswordOptions & { user?: string; role?: string }>();
  const name = options.user;
  if (name === undefined) {
    io.stderr("Say which user: --user NAME\n");
    return failureCode;
  }
  const { store } = openConfiguration(storeOptions(command, io));
  checkUserName(store, name);
  const given = await givenPassword(options, io);
  const section = userSection(name);
  const isKept = given === undefined && store.getString(section, "password") !== "";
  const chosen = isKept ? undefined : (given ?? generatePassword());
  const role = options.role?.trim() || store.getString(section, "role") || "client";
  warnOfRole(store, name, role, io);
  await setUser(store, name, chosen, role);
  await saveWebSettings(store, io);
  const how = isKept ? "the password that it has" : given === undefined ? chosen : "the password that was given";
  io.stdout(`User ${name} authenticated by ${how} as ${role}\n`);
  if (!isKept && given === undefined) io.stderr(shownOnce);
  return 0;
}

async function addRole(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp web add-role", "Add a role, or change one", io)
    .option("--role <name>", "what the role is called")
    .option("--grant <list>", "what it may do, such as queries.execute:check_*,metrics.get (repeat)", collect, []);
  if (!parseArguments(command, args)) return helpCode;
  const options = command.opts<{ role?: string; grant: string[] }>();
  const role = options.role?.trim() ?? "";
  const grants = [...new Set(options.grant.flatMap(parseList))];
  if (role === "" || grants.length === 0) {
    io.stderr("Say which role and what it may do: --role NAME --grant GRANT,…\n");
    return failureCode;
  }
  const problems = grants.map(grantProblem).filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new GatewayError("INVALID_ARGUMENT", `Role ${role}: ${problems.join("; ")}.`);
  const { store } = openConfiguration(storeOptions(command, io));
  const before = store.get(rolesSection, role);
  store.set(rolesSection, role, grants.join(","));
  await saveWebSettings(store, io);
  io.stdout(`Role ${role}: ${grants.join(",")}\n`);
  if (before !== undefined && before !== grants.join(",")) io.stderr(`It was: ${before}\n`);
  if (store.has("/settings/security/roles", role)) {
    io.stderr(`The role ${role} in [/settings/security/roles] counts, and not this one.\n`);
  }
  if (grants.includes("legacy")) io.stderr("The grant legacy runs every check, without queries.execute.\n");
  return 0;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
