import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { packageRoot } from "../support/gateway-process.js";

/** A test that can say why it does not run; vitest's context is one. */
interface Skippable {
  skip(note?: string): never;
}

/** A program or a package that we did not write and that our tests talk to. */
export interface Peer {
  readonly name: string;
  /** What to do so that it is there. */
  readonly install: string;
  /** Its executable, a package's folder, or nothing when it is not on this machine. */
  find(): string | undefined;
}

const ownFolder = join(packageRoot, "var", "peers");

export const grpcurl: Peer = {
  name: "grpcurl",
  install: "GOBIN=$PWD/var/peers/bin go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3",
  find: () => [join(ownFolder, "bin", "grpcurl"), ...onPath("grpcurl")].find(isExecutable),
};

/** The daemon of Icinga 2. */
export const icinga2: Peer = debianPeer("Icinga 2", "icinga2-bin", "icinga2");

/** The daemon of Nagios Core 4. */
export const nagios4: Peer = debianPeer("Nagios Core 4", "nagios4-core", "nagios4");

/** The server of NSCA-ng. */
export const nscaNgServer: Peer = debianPeer("the server of NSCA-ng", "nsca-ng-server", "nsca-ng");

/** The client that NSCA brings. */
export const sendNsca: Peer = debianPeer("send_nsca", "nsca-client", "send_nsca");

/** The daemon of NSCA. */
export const nscaDaemon: Peer = debianPeer("NSCA's daemon", "nsca", "nsca");

/** The client of NRPE. */
export const checkNrpe: Peer = debianPeer("check_nrpe", "nagios-nrpe-plugin", "check_nrpe", "/usr/lib/nagios/plugins");

/** Icinga's plugin that asks agents over HTTPS. */
export const checkNscpApi: Peer = debianPeer(
  "check_nscp_api",
  "icinga2-bin",
  "check_nscp_api",
  "/usr/lib/nagios/plugins",
);

/** The client of HTTP that examples use. */
export const curl: Peer = debianPeer("curl", "curl", "curl");

/** The daemon of NRPE. */
export const nrpeDaemon: Peer = debianPeer("NRPE's daemon", "nagios-nrpe-server", "nrpe");

/** Shows the system calls of a process. */
export const strace: Peer = debianPeer("strace", "strace", "strace");

/** Gives a process mounts of its own, so that a small file system can be made for it; ordinary users may need a permission. */
export const ownMounts: Peer = {
  name: "The permission to mount in a namespace",
  install:
    "apt-get install util-linux, and sysctl kernel.unprivileged_userns_clone=1 or a container that allows unshare",
  find: once(() =>
    onPath("unshare").find(
      (file) => isExecutable(file) && spawnSync(file, [...mountArguments, "true"], { stdio: "ignore" }).status === 0,
    ),
  ),
};

/** What {@link ownMounts} is called with before the program that it runs. */
export const mountArguments: readonly string[] = ["--map-root-user", "--mount"];

/** The interpreter that runs scripts unless the settings name another, and what is in the search path under its name. */
export const python: Peer = {
  name: "Python 3.9 or newer",
  install: "the package python3, such as apt-get install python3",
  find: once(() => onPath("python3").find((file) => runs(file, "import sys; assert sys.version_info >= (3, 9)"))),
};

/** What plugin_pb2 and its siblings need, in the interpreter that runs scripts. */
export const pythonProtobuf: Peer = {
  name: "Python's protobuf 3.20 or newer",
  install: "npm run setup:python, or the package python3-protobuf",
  find: once(() => {
    const own = join(packageRoot, ".venv", "bin", "python");
    const file = isExecutable(own) ? own : python.find();
    const isThere = "from google.protobuf import __version__ as v; assert tuple(map(int, v.split('.')[:2])) >= (3, 20)";
    return file !== undefined && runs(file, isThere) ? file : undefined;
  }),
};

/** An interpreter that has grpcio and grpcio-reflection. */
export const pythonWithGrpc = pythonWith("Python with grpcio", "grpc, grpc_reflection");

/** An interpreter that has Prometheus's own library. */
export const pythonWithPrometheus = pythonWith("Python with prometheus_client", "prometheus_client");

/** An interpreter that runs protoc, as `-m grpc_tools.protoc`. */
export const pythonWithProtoc = pythonWith("Python with grpcio-tools", "grpc_tools.protoc");

/** An interpreter that knows whether a document is one of OpenAPI. */
export const pythonWithOpenApi = pythonWith("Python with openapi-spec-validator", "openapi_spec_validator");

/** Releases of Python's protobuf that scripts may meet, oldest first: a folder each, for PYTHONPATH. */
export const protobufReleases: readonly (Peer & { readonly version: string })[] = readFileSync(
  join(packageRoot, "test", "peers", "protobuf-releases.txt"),
  "utf8",
)
  .split("\n")
  .filter((line) => /^protobuf==/.test(line))
  .map((pin) => {
    const version = pin.slice("protobuf==".length);
    const folder = join(ownFolder, `protobuf-${version}`);
    return {
      name: `Python's protobuf ${version}`,
      version,
      install: `python3 -m pip install --no-deps --only-binary :all: --target var/peers/protobuf-${version} ${pin}`,
      find: () => (existsSync(join(folder, "google", "protobuf", "__init__.py")) ? folder : undefined),
    };
  });

/** A program that a package of Debian brings, perhaps to a folder that is not in everybody's search path. */
function debianPeer(name: string, brings: string, program: string, folder = "/usr/sbin"): Peer {
  return {
    name,
    install: `apt-get install ${brings}`,
    find: () => [...onPath(program), join(folder, program)].find(isExecutable),
  };
}

function pythonWith(name: string, modules: string): Peer {
  return {
    name,
    install: "python3 -m venv var/peers/python && var/peers/python/bin/pip install -r test/peers/requirements.txt",
    find: once(() =>
      [join(ownFolder, "python", "bin", "python"), ...onPath("python3")].find((file) =>
        runs(file, `import ${modules}`),
      ),
    ),
  };
}

/**
 * The peer's executable. Without it the test is skipped with a line that says what to install; with
 * NSCP_TEST_PEERS=required, as in CI, it fails.
 */
export function needPeer(peer: Peer, test: Skippable): string {
  return peer.find() ?? test.skip(lackOf(peer));
}

/**
 * What is missing, and what brings it; nothing when the peer is there.
 *
 * @throws Error with that text, with NSCP_TEST_PEERS=required
 */
export function lackOf(peer: Peer): string | undefined {
  if (peer.find() !== undefined) return undefined;
  const text = `${peer.name} is not installed; get it with: ${peer.install}`;
  if (process.env["NSCP_TEST_PEERS"] === "required") throw new Error(text);
  return text;
}

/** Interpreters take their time, and what is installed stays so while tests run. */
function once(find: () => string | undefined): () => string | undefined {
  let found: { file: string | undefined } | undefined;
  return () => {
    found ??= { file: find() };
    return found.file;
  };
}

/** Whether the interpreter is there and the program ends well in it. */
function runs(file: string, program: string): boolean {
  return isExecutable(file) && spawnSync(file, ["-c", program], { stdio: "ignore" }).status === 0;
}

function onPath(program: string): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, program));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
