import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { packageRoot } from "../support/gateway-process.js";

/** A test that can say why it does not run; vitest's context is one. */
interface Skippable {
  skip(note: string): never;
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

/** An interpreter that has grpcio and grpcio-reflection. */
export const pythonWithGrpc = pythonWith("Python with grpcio", "grpc, grpc_reflection");

/** An interpreter that runs protoc, as `-m grpc_tools.protoc`. */
export const pythonWithProtoc = pythonWith("Python with grpcio-tools", "grpc_tools.protoc");

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

function pythonWith(name: string, modules: string): Peer {
  return {
    name,
    install: "python3 -m venv var/peers/python && var/peers/python/bin/pip install -r test/peers/requirements.txt",
    find: () =>
      [join(ownFolder, "python", "bin", "python"), ...onPath("python3")].filter(isExecutable).find((python) => {
        try {
          execFileSync(python, ["-c", `import ${modules}`], { stdio: "ignore" });
          return true;
        } catch {
          return false;
        }
      }),
  };
}

/**
 * The peer's executable. Without it the test is skipped with a line that says what to install; with
 * NSCP_TEST_PEERS=required, as in CI, it fails.
 */
export function needPeer(peer: Peer, test: Skippable): string {
  const found = peer.find();
  if (found !== undefined) return found;
  const text = `${peer.name} is not installed; get it with: ${peer.install}`;
  if (process.env["NSCP_TEST_PEERS"] === "required") throw new Error(text);
  return test.skip(text);
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
