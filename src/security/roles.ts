import { Grants } from "../kernel/principal.js";
import { closest } from "../settings/did-you-mean.js";
import { CaseMap } from "../settings/names.js";

/** Roles that are there without being written down. A row of the same name in the settings replaces one of them. */
const builtInRoles: Readonly<Record<string, readonly string[]>> = {
  /** Everything. */
  full: ["*"],
  /** A person who looks at checks and runs them. */
  client: [
    "public",
    "info.get",
    "info.get.version",
    "queries.list",
    "queries.get",
    "queries.execute",
    "aliases.list",
    "login.get",
    "modules.list",
  ],
  /** A monitoring server that asks over HTTP. */
  monitoring: ["public", "queries.execute", "aliases.list", "login.get", "metrics.get"],
  /** A monitoring server: runs checks, and reads what there is to check and how the gateway fares. */
  poller: [
    "public",
    "info.get.version",
    "queries.list",
    "queries.execute",
    "aliases.list",
    "metrics.get",
    "admin.status",
  ],
  /** Somebody who sends passive results and does nothing else. */
  submitter: ["public", "submit"],
  /** The person on duty: looks at everything, reloads, works on the queue; changes no settings. */
  operator: [
    "public",
    "login.get",
    "info.*",
    "queries.*",
    "aliases.list",
    "modules.list",
    "modules.get",
    "modules.load",
    "modules.unload",
    "modules.reload",
    "channels.*",
    "events.list",
    "metadata.*",
    "tags.get",
    "metrics.get",
    "logs.list",
    "settings.get",
    "submit",
    "admin.reload",
    "admin.status",
    "queue.*",
  ],
};

/** The names that the gateway asks for, to tell a grant that can never match. */
const knownGrants: readonly string[] = [
  "public",
  "login.get",
  "legacy",
  "console.exec",
  "submit",
  ...["info.get", "info.get.version"],
  ...["queries.list", "queries.get", "queries.execute", "aliases.list", "commands.list", "commands.execute"],
  ...["channels.list", "channels.subscribe", "events.list", "events.delete", "targets.use", "targets.override"],
  ...["modules.list", "modules.get", "modules.put", "modules.post"],
  ...["modules.load", "modules.unload", "modules.enable", "modules.disable", "modules.reload"],
  ...["scripts.list.runtimes", "scripts.lists.any", "scripts.get.any", "scripts.add.any", "scripts.delete.any"],
  ...["settings.get", "settings.put", "settings.delete", "logs.list", "logs.put", "logs.delete"],
  ...["metrics.get", "metrics.list", "openmetrics.list", "tags.get"],
  ...["metadata.list", "metadata.get.counters", "metadata.get.channels"],
  ...["admin.reload", "admin.status", "queue.list", "queue.show", "queue.retry", "queue.drop"],
];

/** The grants of every role. */
export class Roles {
  readonly #grants = new CaseMap<Grants>();

  /** @param tables from the settings; a role in an earlier table hides the same role in a later one */
  constructor(...tables: readonly ReadonlyMap<string, readonly string[]>[]) {
    for (const table of [...tables, new Map(Object.entries(builtInRoles))]) {
      for (const [name, texts] of table) {
        if (this.#grants.get(name) === undefined) this.#grants.set(name, roleGrants(texts));
      }
    }
  }

  /** The grants of a role; undefined when there is no such role. */
  get(name: string): Grants | undefined {
    return this.#grants.get(name.trim());
  }

  names(): string[] {
    return [...this.#grants.names()];
  }
}

/** Grants nothing: somebody who is known, and may do nothing. */
export const noGrants = new Grants([]);

/**
 * Why a grant can never match anything that is asked for, or undefined when it can.
 * @param text as in a role, with or without objects
 */
export function grantProblem(text: string): string | undefined {
  const grant = text.trim();
  const name = grant.split(":", 1)[0]?.trim() ?? "";
  if (name.startsWith("scripts.")) return undefined;
  if (grant.includes(":") && grant.slice(grant.indexOf(":") + 1).trim() === "") {
    return `the grant "${grant}" names no object behind its colon; without the colon it means all of them`;
  }
  const grants = new Grants([name]);
  if (knownGrants.some((known) => grants.allows(known))) return undefined;
  const meant = closest(name, knownGrants);
  return `there is no grant "${grant}"${meant === undefined ? "" : ` (did you mean "${meant}"?)`}`;
}

/** `metrics.get` is what older roles say for both lists of metrics; `metrics.list` reads the same figures. */
function roleGrants(texts: readonly string[]): Grants {
  const written = new Grants(texts);
  if (written.allows("metrics.get")) return new Grants([...texts, "metrics.list", "openmetrics.list"]);
  return written.allows("metrics.list") ? new Grants([...texts, "metrics.get"]) : written;
}
