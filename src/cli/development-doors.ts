/** The front ends of the embedded default besides gRPC: which of them there are, on which ports, and a first login. */
import { once } from "node:events";
import { createServer } from "node:net";
import { GatewayError } from "../kernel/errors.js";
import { readModules } from "../settings/modules.js";
import type { DefinedValue } from "../settings/open.js";
import type { SettingsStore } from "../settings/store.js";
import { generatePassword } from "./password-input.js";
import { setUser, userSection } from "./web-users.js";

const doors = {
  web: { module: "WEBServer", section: "/settings/WEB/server", port: 8443 },
  nrpe: { module: "NRPEServer", section: "/settings/NRPE/server", port: 5666 },
} as const;

/** The target of `nscp client` and whatever else is printed to try name this port, so no other one is taken. */
const clientDoor = { module: "GRPCServer", section: "/settings/GRPC/server", port: 8444 } as const;

/** How many ports behind a taken one are tried. */
const portsTried = 50;

/** The ports that are going to be used; undefined for modules that are switched off. */
export interface DevelopmentPorts {
  readonly web: number | undefined;
  readonly nrpe: number | undefined;
}

export interface FoundPorts {
  readonly ports: DevelopmentPorts;
  /** Other ports for this run, where somebody has the usual one. */
  readonly defines: readonly DefinedValue[];
  /** What to say of them. */
  readonly notes: readonly string[];
}

/** An agent that this machine runs anyway may have the port of NRPE; a first try is not to end there. */
export async function findPorts(store: SettingsStore): Promise<FoundPorts> {
  const defines: DefinedValue[] = [];
  const notes: string[] = [];
  const enabled = new Set(
    readModules(store)
      .filter((entry) => entry.enabled)
      .map((entry) => entry.module.toLowerCase()),
  );
  const find = async ({ module, section, port: usual }: (typeof doors)[keyof typeof doors]) => {
    if (!enabled.has(module.toLowerCase())) return undefined;
    const wanted = store.getInt(section, "port", usual);
    if (await isFree(wanted)) return wanted;
    const port = await freeBehind(wanted);
    defines.push({ path: section, key: "port", value: String(port) });
    notes.push(`Another program has port ${wanted}; ${module} takes ${port} this time`);
    return port;
  };
  if (enabled.has(clientDoor.module.toLowerCase()))
    await requireFree(store.getInt(clientDoor.section, "port", clientDoor.port));
  return { ports: { web: await find(doors.web), nrpe: await find(doors.nrpe) }, defines, notes };
}

/**
 * Gives admin of the web server a password, where nobody has one yet.
 * @returns the password, which is kept as a hash only; undefined when there is one already
 */
export async function makeFirstLogin(store: SettingsStore): Promise<string | undefined> {
  const section = doors.web.section;
  const hasLogin = [section, "/settings/default", userSection("admin")].some(
    (place) => store.getString(place, "password") !== "",
  );
  if (hasLogin || store.getBool(section, "disable admin user")) return undefined;
  const password = generatePassword();
  await setUser(store, "admin", password, "full");
  await store.save();
  return password;
}

async function requireFree(port: number): Promise<void> {
  if (port === 0 || (await isFree(port))) return;
  throw new GatewayError(
    "CONFIGURATION",
    `Another program has port ${port}. When it is a gateway that was started before, use that one or stop it first; else set ` +
      `port in [${clientDoor.section}] of var/nscp.ini, and the address of the target development below it.`,
  );
}

async function freeBehind(taken: number): Promise<number> {
  for (let port = taken + 1; port <= taken + portsTried; port++) if (await isFree(port)) return port;
  return taken;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
