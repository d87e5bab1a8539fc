import { existsSync } from "node:fs";
import { relative } from "node:path";
import { openConfiguration } from "../gateway/configuration.js";
import { embeddedDefault, packageRoot } from "../gateway/embedded-default.js";
import { createDevelopmentCertificates } from "../security/certificate-files.js";
import type { CliIo } from "./context.js";
import { type DevelopmentPorts, findPorts, makeFirstLogin } from "./development-doors.js";
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
  const { ports, defines, notes } = await findPorts(settings);
  for (const note of notes) io.stdout(`${note}\n`);
  // Only the copy is ours to write to.
  const isOurs = store.settings === context && context.startsWith(dataPath);
  const password = isOurs && ports.web !== undefined ? await makeFirstLogin(settings) : undefined;
  return {
    store: { ...store, defines: [...store.defines, ...defines] },
    hints: hintText(store, context, {
      port: settings.getInt("/settings/GRPC/server", "port", 8444),
      ...{ ports, password, certificates },
      // A configuration of an older release, or one that was changed, may have another relay or none.
      received: settings.getString("/settings/writers/file", "channel") === sampleChannel ? `${dataPath}/received` : "",
    }),
  };
}

/** The channel of the relay in the embedded default. */
const sampleChannel = "results";

interface Surroundings {
  /** Of gRPC. */
  readonly port: number;
  readonly ports: DevelopmentPorts;
  /** The password of the web server's admin, when it was made just now: nobody can tell it later. */
  readonly password: string | undefined;
  readonly certificates: string;
  /** The folder that the sample relay waits for; empty: there is no sample relay. */
  readonly received: string;
}

function hintText(
  { settings }: StoreOptions,
  embedded: string,
  { port, ports, password, certificates, received }: Surroundings,
): string {
  const program = existsSync(`${packageRoot}/tools`) ? shown(`${packageRoot}/bin/nscp.js`, "./") : "npx nscp";
  const folder = shown(certificates, "");
  const poller = [
    ...[program, "client", "--address", `localhost:${port}`, "--ca", `${folder}/ca.pem`],
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
  if (ports.web !== undefined) {
    const user = password === undefined ? "admin" : `admin:${password}`;
    const secret = password === undefined ? "curl asks for the password of admin" : "the password is shown this once";
    rows.push([
      `the check over HTTP; ${secret}`,
      `curl --cacert ${folder}/ca.pem --user ${user} https://localhost:${ports.web}/api/v2/queries/check_sample/commands/execute`,
    ]);
  }
  if (ports.nrpe !== undefined) {
    rows.push(
      [
        "the check over NRPE, with the certificate looked at",
        `${program} nrpe --host localhost --port ${ports.nrpe} --ca ${folder}/ca.pem --verify-mode peer-cert --command check_sample`,
      ],
      ["the same for Nagios's own client", `check_nrpe -H localhost -p ${ports.nrpe} -c check_sample`],
    );
  }
  if (settings === embedded) {
    rows.push(["the same with a configured target", `${program} client --target development --query check_sample`]);
    if (received !== "") {
      const here = shown(received, "");
      rows.push(
        [
          "a passive result for a relay whose receiver, a file, has no folder: accepted means that it rests on disk",
          `${program} client --target development --submit --channel ${sampleChannel} --command disk --message full --result 2`,
        ],
        ["what waits, and why", `${program} queue list`],
        ["the receiver comes up: it is delivered, and the queue is empty", `mkdir -p ${here}`],
        ["what arrived", `cat ${here}/results.txt`],
      );
    }
    rows.push(["how the gateway is", `${program} status`], ["what is configured", `${program} settings --list`]);
  }
  const lines = rows.map(([what, command]) => `  # ${what}\n  ${command}\n`);
  return `\nThe gateway is running. Try in a second terminal:\n\n${lines.join("\n")}\n`;
}

/** A path as somebody in the working folder would write it. */
function shown(path: string, prefix: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : `${prefix}${near}`;
}
