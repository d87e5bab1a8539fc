// `npm start`: runs the gateway on its embedded default. The first start makes development certificates; when it is
// ready, it prints commands to try.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nscp = join(root, "bin", "nscp.js");

if (!existsSync(join(root, "dist", "cli", "main.js"))) await import("./build.js");
const { embeddedDefault } = await import("../dist/gateway/embedded-default.js");
const { context, dataPath } = embeddedDefault();
const certificates = join(dataPath, "security");

// Where this machine has settings of its own, commands use those unless they are told otherwise.
const hasOther = ["boot.ini", "nscp.ini"].some((file) => existsSync(join("/etc/nscp-gateway", file)));
const store = hasOther ? ["--settings", context, "--path-override", `data-path=${dataPath}`] : [];

if (!existsSync(join(certificates, "certificate.pem"))) {
  const made = spawnSync(process.execPath, [nscp, "certs", "init", ...store], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (made.status !== 0) process.exit(made.status ?? 1);
}

const gateway = spawn(process.execPath, [nscp, "service", "--run", "--log", "console", ...store], {
  stdio: ["ignore", "pipe", "inherit"],
});
let output = "";
let isReady = false;
gateway.stdout.setEncoding("utf8").on("data", (text) => {
  process.stdout.write(text);
  if (isReady) return;
  output += text;
  if (!/\bis ready$/m.test(output)) return;
  isReady = true;
  process.stdout.write(hints());
});
process.stdout.on("error", () => {});

process.on("SIGTERM", () => gateway.kill("SIGTERM"));
// A terminal sends its interrupt to every process of the group; a second one would end the gateway at once.
process.on("SIGINT", () => {
  if (!process.stdin.isTTY) gateway.kill("SIGINT");
});
gateway.once("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});

/** Commands that work as they stand in the folder that npm was called in. */
function hints() {
  const show = (name) => shown(certificates, name);
  const client = ["--address", address(), "--ca", show("ca.pem"), "--cert", show("client.pem")];
  const commands = [
    ["client", "--target", "development", "--query", "check_sample"],
    ["client", ...client, "--key", show("client-key.pem"), "--query", "check_sample"],
    ["status"],
    ["reload"],
  ];
  const program = relative(callerFolder(), nscp);
  const called = program.startsWith("..") ? nscp : `./${program}`;
  const lines = commands.map(([word, ...args]) => `  ${[called, word, ...store, ...args].map(quoted).join(" ")}\n`);
  return `\nTo try in another terminal:\n\n${lines.join("")}\n`;
}

/** Where the development target of the settings is. */
function address() {
  const path = "/settings/GRPC/client/targets/development";
  const words = ["settings", "--path", path, "--key", "address", "--show", ...store];
  return spawnSync(process.execPath, [nscp, ...words], { encoding: "utf8" }).stdout;
}

function shown(folder, name) {
  const path = relative(callerFolder(), join(folder, name));
  return path.startsWith("..") ? join(folder, name) : path;
}

function callerFolder() {
  return process.env.INIT_CWD ?? process.cwd();
}

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
