import { existsSync } from "node:fs";
import { relative } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { embeddedDefault, packageRoot } from "../gateway/embedded-default.js";
import { createDevelopmentCertificates } from "../security/certificate-files.js";
import type { CliIo } from "./context.js";
import type { StoreOptions } from "./store-options.js";

/** What `nscp service --run --development` runs with. */
export interface Development {
  readonly store: StoreOptions;
  /** What to try, printed when the gateway is ready. */
  readonly hints: string;
}

/**
 * The embedded default, whatever else this machine is configured for: a copy of the configuration and all state in the
 * data folder, and certificates that are made on the first start.
 */
export async function prepareDevelopment(given: StoreOptions, io: CliIo): Promise<Development> {
  const { context, dataPath } = embeddedDefault();
  const store: StoreOptions = {
    settings: given.settings ?? context,
    defines: given.defines,
    pathOverrides: new Map([["data-path", dataPath], ...given.pathOverrides]),
  };
  const { store: settings } = openConfiguration(store);
  const certificates = settings.paths.get("certificate-path");
  if (await createDevelopmentCertificates(certificates))
    io.stdout(`Made development certificates in ${certificates}\n`);
  return {
    store,
    hints: hintText(store, context, settings.getInt("/settings/GRPC/server", "port", 8444), certificates),
  };
}

function hintText({ settings }: StoreOptions, embedded: string, port: number, certificates: string): string {
  const program = existsSync(`${packageRoot}/tools`) ? shown(`${packageRoot}/bin/nscp.js`, "./") : "npx nscp";
  const folder = shown(certificates, "");
  const poller = [
    ...["client", "--address", `localhost:${port}`, "--ca", `${folder}/ca.pem`],
    ...["--cert", `${folder}/client.pem`, "--key", `${folder}/client-key.pem`],
  ].join(" ");
  const rows: [string, string][] = [
    ["a check in TypeScript, as a poller runs it over TLS", `${poller} --query check_sample`],
    ["one in Python", `${poller} --query check_python some words`],
    ["a command of a script", `${poller} --command hello_sample Anna`],
    [
      "a passive result for a script that listens",
      `${poller} --submit --channel filter --command disk --message full --result 2`,
    ],
  ];
  if (settings === embedded) {
    rows.push(
      ["the same with a configured target", "client --target development --query check_sample"],
      ["how the gateway is", "status"],
      ["what is configured", "settings --list"],
    );
  }
  const lines = rows.map(([what, command]) => `  # ${what}\n  ${program} ${command}\n`);
  return `\nThe gateway is running. Try in a second terminal:\n\n${lines.join("\n")}\n`;
}

/** A path as somebody in the working folder would write it. */
function shown(path: string, prefix: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : `${prefix}${near}`;
}
