import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needPeer, protobufReleases } from "../peers/peers.js";
import { type Finished, packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

/** A package without anything but the set-up, whose only requirement is a wheel that a test makes itself. */
let folder: ReturnType<typeof temporaryFolder>;
/** The interpreter itself: a version manager's stand-in for it would need the search path. */
let interpreter: string;

beforeEach(async () => {
  folder = temporaryFolder("setup");
  interpreter = (await run("python3", ["-c", "import sys; print(sys.executable, end='')"])).stdout;
  mkdirSync(at("tools"));
  cpSync(join(packageRoot, "tools", "setup-python.js"), at("tools", "setup-python.js"));
  mkdirSync(at("path"));
});

afterEach(() => folder.remove());

const at = (...names: readonly string[]) => join(folder.path, ...names);
const again = () => `node ${at("tools", "setup-python.js")}`;
const said = (line: string, code: number): Finished => ({ code, signal: null, stdout: line, stderr: "" });
const silent = said("", 0);

interface Circumstances {
  /** Folders that programs are looked for in. */
  readonly path?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly optional?: boolean;
}

/** Runs the set-up without a network and without what the machine's configuration says about Python. */
function setUp({ path = [dirname(interpreter)], env = {}, optional = false }: Circumstances = {}) {
  const words = [at("tools", "setup-python.js"), ...(optional ? ["--optional"] : [])];
  const pip = { PIP_NO_INDEX: "1", PIP_FIND_LINKS: at("wheels"), PIP_CONFIG_FILE: "/dev/null" };
  return run(process.execPath, words, {
    cwd: folder.path,
    env: { HOME: folder.path, PATH: path.join(delimiter), ...pip, ...env },
  });
}

/** Makes a wheel of a package called protobuf and lets requirements.txt ask for it. */
async function requireWheel(version: string): Promise<void> {
  const name = `protobuf-${version}-py3-none-any.whl`;
  const info = `protobuf-${version}.dist-info`;
  const files = {
    "google/protobuf/__init__.py": `__version__ = '${version}'\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: protobuf\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: "",
  };
  mkdirSync(at("wheels"), { recursive: true });
  const program = [
    "import hashlib, json, sys, zipfile",
    "with zipfile.ZipFile(sys.argv[1], 'w') as wheel:",
    "    for name, text in json.load(sys.stdin).items():",
    "        wheel.writestr(name, text)",
    "print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest(), end='')",
  ].join("\n");
  const made = await run("python3", ["-c", program, at("wheels", name)], { stdin: JSON.stringify(files) });
  writeFileSync(at("requirements.txt"), `protobuf==${version} --hash=sha256:${made.stdout}\n`);
}

/** A program that stands in for an interpreter: it answers the set-up's question about it and can do nothing else. */
function fakeInterpreter(file: string, answer: object): void {
  const words = `[ "$1" = -c ] || { echo "Error: disk full" >&2; exit 1; }`;
  program(file, `${words}\necho '${JSON.stringify(answer)}'`);
}

/** An interpreter whose environments have a pip that unpacks the wheel and can do nothing else: the whole one takes seconds. */
function quickInterpreter(): void {
  const pip = [
    "import glob, os, sysconfig, zipfile",
    "(wheel,) = glob.glob(os.path.join(os.environ['PIP_FIND_LINKS'], '*.whl'))",
    "zipfile.ZipFile(wheel).extractall(sysconfig.get_path('purelib'))",
  ];
  mkdirSync(at("path", "pip"));
  writeFileSync(at("path", "pip", "__main__.py"), pip.join("\n"));
  program(
    at("path", "python3"),
    `[ "$3" = venv ] || exec ${interpreter} "$@"
shift 3
for folder; do :; done
${interpreter} -I -m venv --without-pip "$@" && exec cp -r ${at("path", "pip")} "$folder"/lib/python3*/site-packages/`,
  );
}

function program(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}

const environmentPython = () => at(".venv", "bin", "python");
const ownProtobuf = () => run(environmentPython(), ["-c", "import google.protobuf as p; print(p.__version__, end='')"]);
const unfinished = () => readdirSync(folder.path).filter((name) => name.startsWith(".venv."));

describe("with an interpreter and the packages", () => {
  beforeEach(() => requireWheel("9.0.1"));

  it("makes the environment, wherever pip is told to put packages, and leaves it alone from then on", async () => {
    const made = await setUp({ env: { PIP_USER: "1", PIP_TARGET: at("elsewhere") } });
    const line = /^Python scripts use (\S+): Python 3\.[\d.]+ with protobuf 9\.0\.1\n$/;
    expect(made).toEqual(said(expect.stringMatching(line), 0));
    expect(line.exec(made.stdout)?.[1]).toBe(at(".venv"));
    expect(await ownProtobuf()).toEqual(said("9.0.1", 0));
    expect(readdirSync(folder.path).sort()).toEqual([".venv", "path", "requirements.txt", "tools", "wheels"]);
    // Its programs know where they are, although they were made somewhere else.
    expect((await run(at(".venv", "bin", "pip"), ["--version"])).stdout).toContain(at(".venv", "lib"));
    for (const name of ["pyvenv.cfg", "bin/activate", "bin/pip"]) {
      expect(readFileSync(at(".venv", name), "utf8")).not.toMatch(/\.venv\.\d/);
    }

    const { ino } = statSync(at(".venv"));
    expect(await setUp()).toEqual(silent);
    expect(statSync(at(".venv")).ino).toBe(ino);
  });

  it.each<[string, () => void]>([
    [
      "another release is asked for",
      () => fakeInterpreter(environmentPython(), { version: [3, 11, 2], makesEnvironments: true, protobuf: "9.0.0" }),
    ],
    [
      "its interpreter is gone",
      () => {
        mkdirSync(at(".venv", "bin"), { recursive: true });
        symlinkSync("/nonexistent/python", environmentPython());
      },
    ],
  ])("makes it anew when %s", async (_, damage) => {
    damage();
    quickInterpreter();
    expect(await setUp({ path: [at("path"), "/usr/bin", "/bin"] })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("with protobuf 9.0.1"),
    });
    expect(await ownProtobuf()).toEqual(said("9.0.1", 0));
    expect(unfinished()).toEqual([]);
  });

  it("installs nothing whose sum is another", async () => {
    writeFileSync(at("requirements.txt"), `protobuf==9.0.1 --hash=sha256:${"0".repeat(64)}\n`);
    const refused = await setUp();
    expect(refused).toMatchObject({ code: 1, stderr: "" });
    expect(refused.stdout).toMatch(
      /^Python scripts can't import plugin_pb2: pip: THESE PACKAGES DO NOT MATCH THE HASHES.*\n$/,
    );
    expect(readdirSync(folder.path).sort()).toEqual(["path", "requirements.txt", "tools", "wheels"]);
  });

  it("does nothing when it is told so", async () => {
    expect(await setUp({ env: { NSCP_SKIP_PYTHON_SETUP: "1" } })).toEqual(silent);
    expect(existsSync(at(".venv"))).toBe(false);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    program(
      at("path", "python3"),
      `[ "$3" = venv ] || exec ${interpreter} "$@"
for folder; do :; done
mkdir "$folder"; kill -TERM $PPID; exec sleep 60`,
    );
    expect(await setUp({ path: [at("path"), "/usr/bin", "/bin"] })).toEqual(said("", 1));
    expect(unfinished()).toEqual([]);
  });
});

describe("without what it needs", () => {
  beforeEach(() => writeFileSync(at("requirements.txt"), `protobuf==9.0.1 --hash=sha256:${"0".repeat(64)}\n`));

  const noInterpreter = () =>
    `Python scripts can't run: there is no Python 3.9 or newer. Install the packages python3 and python3-venv and run "${again()}"\n`;

  it("says which packages bring an interpreter", async () => {
    expect(await setUp({ path: [at("path")] })).toEqual(said(noInterpreter(), 1));
  });

  it("never fails an installation", async () => {
    expect(await setUp({ path: [at("path")], optional: true })).toEqual(said(noInterpreter(), 0));
    writeFileSync(at("requirements.txt"), "");
    const reason = `${at("requirements.txt")} says nothing about protobuf`;
    expect(await setUp({ optional: true })).toEqual(
      said(`Python was not set up: ${reason}. Try again with: ${again()}\n`, 0),
    );
  });

  it("takes no interpreter that is too old", async () => {
    fakeInterpreter(at("path", "python3"), { version: [3, 8, 18], makesEnvironments: true, protobuf: "4.25.3" });
    expect(await setUp({ path: [at("path")] })).toEqual(said(noInterpreter(), 1));
    expect(await setUp({ path: [], env: { NSCP_PYTHON: at("path", "python3") } })).toEqual(
      said(noInterpreter().replace("there is no", `NSCP_PYTHON (${at("path", "python3")}) is no`), 1),
    );
  });

  it("says which packages bring what an interpreter lacks", async () => {
    fakeInterpreter(at("path", "python3"), { version: [3, 11, 2], makesEnvironments: false, protobuf: null });
    const line = `Python scripts can't import plugin_pb2: python3 can't make a virtual environment. Install the package python3-venv and run "${again()}", or install the package python3-protobuf\n`;
    expect(await setUp({ path: [at("path")] })).toEqual(said(line, 1));
  });

  it("takes the system's protobuf, unless that is too old", async () => {
    fakeInterpreter(at("path", "python3"), { version: [3, 11, 2], makesEnvironments: false, protobuf: "3.21.12" });
    expect(await setUp({ path: [at("path")] })).toEqual(
      said("Python scripts use the system's python3 with protobuf 3.21.12\n", 0),
    );
    fakeInterpreter(at("path", "python3"), { version: [3, 11, 2], makesEnvironments: false, protobuf: "3.12.4" });
    expect(await setUp({ path: [at("path")] })).toMatchObject({ code: 1 });
  });

  const failing = { version: [3, 11, 2], makesEnvironments: true, protobuf: null };
  const diskFull = "python3 -m venv: disk full";

  it("removes an environment that does not work and can't be made anew", async () => {
    fakeInterpreter(at("path", "python3"), failing);
    fakeInterpreter(environmentPython(), failing);
    expect(await setUp({ path: [at("path")] })).toEqual(
      said(
        `Python scripts can't import plugin_pb2: ${diskFull}. Try again with "${again()}", or install the package python3-protobuf\n`,
        1,
      ),
    );
    expect(readdirSync(folder.path).sort()).toEqual(["path", "requirements.txt", "tools"]);
  });

  it("goes on with the release it has when the new one can't be had", async () => {
    fakeInterpreter(at("path", "python3"), failing);
    fakeInterpreter(environmentPython(), { ...failing, protobuf: "5.29.6" });
    expect(await setUp({ path: [at("path")] })).toEqual(
      said(`Python scripts go on with protobuf 5.29.6, as 9.0.1 can't be had: ${diskFull}\n`, 0),
    );
    expect(existsSync(environmentPython())).toBe(true);
  });

  it("tries interpreters of other names when python3 can't do it", async () => {
    fakeInterpreter(at("path", "python3"), { ...failing, makesEnvironments: false });
    fakeInterpreter(at("path", "python3.12"), failing);
    expect(await setUp({ path: [at("path")] })).toMatchObject({
      stdout: expect.stringMatching(/^Python scripts can't import plugin_pb2: python3\.12 -m venv: /),
    });
  });
});

it("the release that is installed is one that the messages are tested with, and runs with Python 3.9", async (context) => {
  const pinned = /^protobuf==([\w.]+)/m.exec(readFileSync(join(packageRoot, "requirements.txt"), "utf8"))?.[1];
  const release = protobufReleases.find(({ version }) => version === pinned);
  if (release === undefined) throw new Error(`protobuf ${pinned} is not among the releases that are tested`);
  const metadata = readFileSync(join(needPeer(release, context), `protobuf-${pinned}.dist-info`, "METADATA"), "utf8");
  expect(/^Requires-Python: (.*)$/m.exec(metadata)?.[1]).toBe(">=3.9");
});
