/** Names as the receiver of a target knows them. */
import { isIP } from "node:net";
import { GatewayError } from "../kernel/errors.js";
import type { NameSettings } from "./name-keys.js";
import { type NamePair, type NameTable, pairKey, readNameTable } from "./name-table.js";

/** Gives host and service other names; a service that is empty, the state of the host itself, stays so. */
export type NameMapping = (names: NamePair) => NamePair;

/**
 * The mapping that a target's settings describe. What stands in the table is final; for everything else the domain is
 * cut or added first, then the letters are changed, and the templates are filled with what came of it.
 *
 * @throws GatewayError CONFIGURATION naming the key that can't work
 */
export function nameMapping(settings: NameSettings): NameMapping {
  const { hostDomain, domain, hostCase, serviceCase, hostNameTemplate, serviceNameTemplate, nameTable } = settings;
  if (hostDomain === "add" && domain === "") {
    throw new GatewayError("CONFIGURATION", "domain: host domain = add needs the domain to add");
  }
  checkTemplate("host name template", hostNameTemplate);
  checkTemplate("service name template", serviceNameTemplate);
  const table: NameTable = nameTable ? readNameTable(nameTable) : { hosts: new Map(), services: new Map() };
  const addedDomain = domain.replace(/^\.+/, "");

  return ({ host, service }) => {
    const listed = service === "" ? undefined : table.services.get(pairKey({ host, service }));
    if (listed !== undefined) return listed;
    const renamed = changeCase(withDomain(host, hostDomain, addedDomain), hostCase);
    const values = {
      host: renamed,
      domain: domainOf(renamed) || domainOf(host) || addedDomain,
      service: changeCase(service, serviceCase),
    };
    return {
      host: table.hosts.get(host) ?? fill(hostNameTemplate, values, values.host),
      service: service === "" ? "" : fill(serviceNameTemplate, values, values.service),
    };
  };
}

type Values = Readonly<Record<"host" | "domain" | "service", string>>;

const variable = /\$\{([^{}]*)\}/g;
const variables: ReadonlySet<string> = new Set(["host", "domain", "service"]);

function checkTemplate(key: string, template: string): void {
  for (const [text, name = ""] of template.matchAll(variable)) {
    if (variables.has(name)) continue;
    const known = [...variables].map((each) => `\${${each}}`).join(", ");
    throw new GatewayError("CONFIGURATION", `${key}: there is no ${text}, only ${known}`);
  }
}

/** A name can't become nothing: that would be the state of another object. */
function fill(template: string, values: Values, otherwise: string): string {
  const text = template.replace(variable, (_text, name: keyof Values) => values[name]).trim();
  return text === "" ? otherwise : text;
}

function withDomain(host: string, rule: NameSettings["hostDomain"], domain: string): string {
  if (rule === "keep" || isIP(host) !== 0) return host;
  const dot = host.indexOf(".");
  if (rule === "strip") return dot <= 0 ? host : host.slice(0, dot);
  return dot < 0 ? `${host}.${domain}` : host;
}

function domainOf(host: string): string {
  const dot = host.indexOf(".");
  return dot < 0 || isIP(host) !== 0 ? "" : host.slice(dot + 1);
}

function changeCase(name: string, letters: NameSettings["hostCase"]): string {
  if (letters === "keep") return name;
  return letters === "lower" ? name.toLowerCase() : name.toUpperCase();
}
