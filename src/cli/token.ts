import type { Command } from "commander";
import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { hashPassword } from "../security/passwords.js";
import { Roles } from "../security/roles.js";
import { securitySettings } from "../security/security-settings.js";
import { readTokenFile, updateTokenFile } from "../security/token-file.js";
import { makeToken, type TokenRecord } from "../security/tokens.js";
import { closest } from "../settings/did-you-mean.js";
import { readSettings } from "../settings/read.js";
import { parseTime } from "../settings/values.js";
import { type CliAction, runAction } from "./actions.js";
import type { CliContext, CliIo } from "./context.js";
import { readPassword } from "./password-input.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";
import { table } from "./table.js";

const actions: readonly CliAction[] = [
  { name: "add", usage: "NAME --role ROLE [--expires 30d]", summary: "Make a token; it is shown once", run: add },
  { name: "list", usage: "", summary: "List the tokens, without their texts", run: list },
  { name: "revoke", usage: "NAME|ID", summary: "Make a token worthless at once", run: revoke },
  { name: "hash-password", usage: "", summary: "Hash a password from standard input for a user's section", run: hash },
];

/** `nscp token`: tokens for pollers. A running gateway sees every change by itself. */
export const tokenContext: Pick<CliContext, "run"> = {
  run: (args, io) => runAction("token", actions, args, io),
};

const helpCode = 1;
const dayMs = 86_400_000;

async function add(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp token add", "Make a token", io)
    .argument("<name>", "what the token is called in lists and logs, such as the poller's name")
    .requiredOption("--role <role>", "what may be done with it")
    .option("--expires <time>", "for how long it is good, such as 12h, 30d or 52w; for ever unless given");
  if (!parseArguments(command, args)) return helpCode;
  const { role, expires } = command.opts<{ role: string; expires?: string }>();
  const name = tokenName(command.args[0] ?? "");
  const now = Date.now();
  const { file, roles } = securityOf(command, io);
  checkRole(roles, role);
  const { text, record } = makeToken({ name, role, expires: expiry(expires, now) }, now);
  await updateTokenFile(file, (tokens) => {
    const taken = tokens.find((token) => token.name.toLowerCase() === name.toLowerCase() || token.id === record.id);
    if (taken !== undefined) {
      throw new GatewayError("FAILED_PRECONDITION", `There is a token ${taken.name} already; revoke it first.`);
    }
    return { tokens: [...tokens, record], result: undefined };
  });
  io.stdout(`${text}\n`);
  io.stderr(`This is the only time that the token is shown. ${described(record, now)}\n`);
  return 0;
}

async function list(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp token list", "List the tokens", io);
  if (!parseArguments(command, args)) return helpCode;
  const { file } = securityOf(command, io);
  const now = Date.now();
  const rows = (await readTokenFile(file)).map(({ id, name, role, created, expires }) => [
    ...[id, name, role, day(created)],
    expires === undefined ? "never" : `${day(expires)}${expires <= now ? " (expired)" : ""}`,
  ]);
  if (rows.length === 0) io.stdout("There are no tokens.\n");
  else io.stdout(table([["ID", "NAME", "ROLE", "CREATED", "EXPIRES"], ...rows]));
  return 0;
}

async function revoke(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp token revoke", "Make a token worthless", io).argument(
    "<name|id>",
    "see nscp token list",
  );
  if (!parseArguments(command, args)) return helpCode;
  const wanted = command.args[0] ?? "";
  const { file } = securityOf(command, io);
  const revoked = await updateTokenFile(file, (tokens) => {
    const found =
      tokens.find((token) => token.id === wanted.toLowerCase()) ??
      tokens.find((token) => token.name.toLowerCase() === wanted.toLowerCase());
    if (found === undefined) {
      const meant = closest(
        wanted,
        tokens.map((token) => token.name),
      );
      const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
      throw new GatewayError("NOT_FOUND", `There is no token ${wanted}${hint}.`);
    }
    return { tokens: tokens.filter((token) => token !== found), result: found };
  });
  io.stdout(`Revoked token ${revoked.name} (${revoked.id}).\n`);
  return 0;
}

async function hash(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp token hash-password", "Hash a password from standard input", io);
  if (!parseArguments(command, args)) return helpCode;
  const password = await readPassword(io);
  io.stdout(`${await hashPassword(password)}\n`);
  return 0;
}

function securityOf(command: Command, io: CliIo): { file: string; roles: Roles } {
  const settings = readSettings(securitySettings, openConfiguration(storeOptions(command, io)).store, "");
  return { file: settings.tokenFile, roles: new Roles(settings.roles, settings.webRoles) };
}

/** The name ends up in logs and lists; a name that looks like an id could be revoked by mistake. */
function tokenName(name: string): string {
  if (/^[a-z0-9][a-z0-9._@-]{0,63}$/i.test(name) && !/^[0-9a-f]{8}$/.test(name)) return name;
  const rule = "needs letters, digits and . _ - @, at most 64 of them, and must not look like an ID";
  throw new GatewayError("INVALID_ARGUMENT", `The token name "${name}" ${rule}.`);
}

function checkRole(roles: Roles, role: string): void {
  if (roles.get(role) !== undefined) return;
  const meant = closest(role, roles.names());
  const hint = meant === undefined ? `there are ${roles.names().sort().join(", ")}` : `did you mean "${meant}"?`;
  throw new GatewayError("INVALID_ARGUMENT", `There is no role "${role}" (${hint}).`);
}

function expiry(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(text);
  if (time === undefined || time <= 0 || time > 100 * 365 * dayMs) {
    throw new GatewayError("INVALID_ARGUMENT", `"${text}" is not a time such as 12h, 30d or 52w.`);
  }
  return now + time;
}

function described({ id, name, role, expires }: TokenRecord, now: number): string {
  const end = expires === undefined ? "does not expire" : `expires on ${new Date(expires).toISOString().slice(0, 16)}Z`;
  const days = expires === undefined ? "" : ` (in ${Math.floor((expires - now) / dayMs)} days)`;
  return `Token ${name} (${id}) has the role ${role} and ${end}${days}.`;
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
