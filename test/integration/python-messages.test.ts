import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import descriptor from "protobufjs/ext/descriptor.js";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type MessageType, PB } from "../../src/wire/messages.js";
import { needPeer, protobufReleases, pythonWithProtoc } from "../peers/peers.js";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";
import { messageArbitrary } from "../support/message-arbitrary.js";
import { MessageClasses, type Written } from "../support/message-classes.js";
import { protoFiles, readContract } from "../support/message-contract.js";

const hostFolder = join(packageRoot, "dist", "modules", "python-script", "host");

const protocArguments = ["-m", "grpc_tools.protoc", `--proto_path=${join(packageRoot, "proto")}`];

const contract = readContract();

/** The codec that the gateway reads and writes a message with. */
function codec(fullName: string): MessageType<unknown> {
  const found = fullName
    .split(".")
    .slice(1)
    .reduce<unknown>((node, name) => (node as Readonly<Record<string, unknown>>)[name], PB);
  return found as MessageType<unknown>;
}

function toJson(fullName: string, message: unknown): unknown {
  return codec(fullName).toObject(message, { longs: String, enums: String, bytes: String, json: true });
}

function fromPython(fullName: string, data: string): unknown {
  return toJson(fullName, codec(fullName).decode(Buffer.from(data, "base64")));
}

const folder = temporaryFolder("messages");
afterAll(() => folder.remove());

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder.path, name)), { recursive: true });
  writeFileSync(join(folder.path, name), text);
}

/** Runs a program of the given lines that finds our modules first, as scripts do. */
function python(lines: readonly string[], env: NodeJS.ProcessEnv, flags: readonly string[] = []) {
  const program = ["import sys", `sys.path.insert(0, ${JSON.stringify(hostFolder)})`, ...lines].join("\n");
  return run("python3", [...flags, "-c", program], { cwd: folder.path, env: { ...process.env, ...env } });
}

const silent = { code: 0, signal: null, stdout: "", stderr: "" };

const variants = protobufReleases.flatMap((release) => [
  { title: `protobuf ${release.version}`, release, implementation: {} },
  {
    title: `pure Python protobuf ${release.version}`,
    release,
    implementation: { PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: "python" },
  },
]);

describe.each(variants)("with $title", ({ release, implementation }) => {
  const environment = (packages: string) => ({ ...implementation, PYTHONPATH: packages });
  let classes: MessageClasses | undefined;
  const start = (packages: string) => {
    classes = new MessageClasses(hostFolder, { ...process.env, ...environment(packages) });
    return classes;
  };
  afterEach(() => classes?.end());

  it("every message and enum is there with the names and numbers of the contract", async (context) => {
    const described = await start(needPeer(release, context)).ask("describe");
    const messages = [...contract.messages].map(([fullName, { type, className }]) => [
      fullName,
      {
        class: className,
        fields: type.fieldsArray.map((field) => ({
          name: field.protoName ?? field.name,
          number: field.id,
          type: field.resolvedType?.fullName.slice(1) ?? field.type,
          repeated: field.repeated,
          oneof: field.partOf?.name ?? null,
        })),
      },
    ]);
    expect(described).toEqual({ messages: Object.fromEntries(messages), enums: contract.enums });
  });

  it("the gateway reads what a script writes into every field of every message", async (context) => {
    const peer = start(needPeer(release, context));
    for (const [fullName, { className }] of contract.messages) {
      const messages = (await peer.ask("fill", className)) as readonly Written[];
      expect(messages.map(({ data }) => fromPython(fullName, data))).toEqual(messages.map(({ fields }) => fields));
    }
  });

  it("a script reads and writes any message of the gateway without a loss", async (context) => {
    const peer = start(needPeer(release, context));
    const messages = [...contract.messages].map(([fullName, { type, className }]) =>
      messageArbitrary(type).map((fields) => ({ fullName, className, message: codec(fullName).fromObject(fields) })),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(...messages), async ({ fullName, className, message }) => {
        const data = Buffer.from(
          codec(fullName)
            .encode(message as never)
            .finish(),
        ).toString("base64");
        const echoed = (await peer.ask("echo", className, data)) as Written;
        const expected = toJson(fullName, message);
        expect(echoed.fields).toEqual(expected);
        expect(fromPython(fullName, echoed.data)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("messages can be copied, compared, pickled, put into an Any and read from a memoryview", async (context) => {
    const lines = [
      "import copy, pickle, plugin_pb2, common_pb2",
      "from google.protobuf import any_pb2",
      "request = plugin_pb2.QueryRequestMessage()",
      "request.header.command = 'check_a'",
      "payload = request.payload.add(command='check_a', arguments=['b'])",
      "for message in (request, payload, common_pb2.PerformanceData.FloatValue(value=3)):",
      "    assert copy.deepcopy(message) == message",
      "    assert pickle.loads(pickle.dumps(message)) == message",
      "    for data in (message.SerializeToString(), memoryview(message.SerializeToString())):",
      "        other = type(message)()",
      "        other.ParseFromString(data)",
      "        assert other == message",
      "    packed, unpacked = any_pb2.Any(), type(message)()",
      "    packed.Pack(message)",
      "    assert packed.Unpack(unpacked) and unpacked == message",
      "assert type(payload) is plugin_pb2.QueryRequestMessage.Request",
      "assert type(request.header) is common_pb2.Header",
    ];
    expect(await python(lines, environment(needPeer(release, context)))).toEqual(silent);
  });

  it("a package of the user may have files of the same names, before and after ours", async (context) => {
    const packages = needPeer(release, context);
    const own = [
      "from google.protobuf import descriptor_pb2, descriptor_pool",
      "def add(name, package):",
      "    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax='proto3')",
      "    file.message_type.add(name='Header').field.add(name='mine', number=1, label=1, type=9, json_name='mine')",
      "    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())",
    ];
    const lines = [
      ...own,
      "add('common.proto', 'PB.Common')",
      "import plugin_pb2",
      "add('plugin.proto', 'mine')",
      "header = descriptor_pool.Default().FindMessageTypeByName('PB.Common.Header')",
      "assert [field.name for field in header.fields] == ['mine']",
      "assert plugin_pb2.Header(command='theirs').command == 'theirs'",
    ];
    expect(await python(lines, environment(packages))).toEqual(silent);
  });
});

/** The newest release that is here: what follows is the same with all of them. */
function anyRelease(context: Parameters<typeof needPeer>[1]): NodeJS.ProcessEnv {
  const [first] = protobufReleases.toReversed();
  if (first === undefined) throw new Error("there are no releases to test with");
  return { PYTHONPATH: needPeer(first, context) };
}

it("plugin_pb2 has the messages of the other modules, and its own where they have the same name", async (context) => {
  const lines = [
    "import common_pb2, log_pb2, metrics_pb2, plugin_pb2, registry_pb2, settings_pb2, storage_pb2",
    "public = lambda module: {name for name in vars(module) if not name.startswith('_')}",
    "siblings = (registry_pb2, settings_pb2, metrics_pb2, log_pb2, common_pb2)",
    "names = set().union(*map(public, siblings))",
    "print(sorted(names - public(plugin_pb2)), plugin_pb2.DESCRIPTOR.name)",
    "taken = {name: [m.__name__ for m in siblings if hasattr(m, name)] for name in names - {'DESCRIPTOR', 'common__pb2'}}",
    "first = lambda name: getattr(sys.modules[taken[name][0]], name)",
    "print([name for name in taken if getattr(plugin_pb2, name) is not first(name)])",
    "print(sorted((name, *modules) for name, modules in taken.items() if len(modules) > 1))",
    "print(plugin_pb2.common__pb2 is common_pb2, plugin_pb2.registry__pb2 is registry_pb2)",
    "print(plugin_pb2.SettingsRequestMessage(), plugin_pb2.WARNING, plugin_pb2.ResultCode.Name(2), end='')",
  ];
  expect(await python(lines, anyRelease(context))).toEqual({
    ...silent,
    stdout: [
      "[] plugin.proto",
      "[]",
      "[('Command', 'registry_pb2', 'settings_pb2'), ('DUMMY', 'registry_pb2', 'settings_pb2', 'common_pb2'), ('Information', 'registry_pb2', 'settings_pb2'), ('LOAD', 'registry_pb2', 'settings_pb2'), ('RELOAD', 'registry_pb2', 'settings_pb2')]",
      "True True",
      " 1 CRITICAL",
    ].join("\n"),
  });
});

it("the classes that scripts use are where scripts look for them", async (context) => {
  const names = {
    plugin_pb2: [
      ...["QueryRequestMessage", "QueryResponseMessage", "ExecuteRequestMessage", "ExecuteResponseMessage"],
      ...["SubmitRequestMessage", "SubmitResponseMessage", "EventMessage"],
      ...["SettingsRequestMessage", "SettingsResponseMessage", "RegistryRequestMessage", "RegistryResponseMessage"],
    ],
    registry_pb2: ["RegistryRequestMessage", "RegistryResponseMessage"],
    settings_pb2: ["SettingsRequestMessage", "SettingsResponseMessage"],
    metrics_pb2: ["MetricsMessage", "MetricsQueryMessage"],
    log_pb2: ["LogEntry"],
    common_pb2: ["Header", "Host", "KeyValue", "PerformanceData", "Result", "ResultCode"],
    storage_pb2: ["StorageRequestMessage", "StorageResponseMessage"],
  };
  const imports = Object.entries(names).map(([module, classes]) => `from ${module} import ${classes.join(", ")}`);
  expect(await python(imports, anyRelease(context))).toEqual(silent);
});

describe("the messages that an NSClient++ installation has in lib", () => {
  const lib = "scripts/python/lib";
  const isOurs = (name: string) => `assert ${name}.__file__ == ${JSON.stringify(join(hostFolder, "plugin_pb2.py"))}`;
  const finder = [
    "from nscp_host.message_finder import find_messages_in",
    "find_messages_in(sys.path[0])",
    "sys.path.append('scripts/python')",
  ];

  it("are not used in the place of ours", async (context) => {
    write(`${lib}/plugin_pb2.py`, "raise Exception('the copy was imported')\n");
    const lines = [`sys.path.append('${lib}')`, "import plugin_pb2", isOurs("plugin_pb2")];
    expect(await python(lines, anyRelease(context))).toEqual(silent);
  });

  it("are ours for scripts that name them as part of lib, or put lib first", async (context) => {
    const protoc = needPeer(pythonWithProtoc, context);
    write(`${lib}/__init__.py`, "");
    execFileSync(protoc, [...protocArguments, `--python_out=${join(folder.path, lib)}`, ...protoFiles]);
    const lines = [
      ...finder,
      "import lib.plugin_pb2",
      "from lib import settings_pb2",
      `sys.path.insert(0, '${lib}')`,
      "import plugin_pb2, registry_pb2",
      isOurs("plugin_pb2"),
      "assert lib.plugin_pb2 is plugin_pb2 and plugin_pb2.__spec__.name == 'plugin_pb2'",
      "assert plugin_pb2.SettingsRequestMessage is settings_pb2.SettingsRequestMessage",
      "assert plugin_pb2.RegistryRequestMessage is registry_pb2.RegistryRequestMessage",
    ];
    expect(await python(lines, anyRelease(context))).toEqual(silent);
  });

  it("have nothing to do with modules of the same names in other packages", async (context) => {
    write("scripts/python/mine/__init__.py", "");
    write("scripts/python/mine/common_pb2.py", "here = 'mine'\n");
    const lines = [...finder, "import common_pb2", "from mine import common_pb2 as other", "print(other.here, end='')"];
    expect(await python(lines, anyRelease(context))).toEqual({ ...silent, stdout: "mine" });
  });
});

it("the descriptors are what protoc writes", async (context) => {
  const protoc = needPeer(pythonWithProtoc, context);
  const out = join(folder.path, "protoc.binpb");
  execFileSync(protoc, [...protocArguments, `--descriptor_set_out=${out}`, ...protoFiles]);
  const read = (file: string) => descriptor.FileDescriptorSet.decode(readFileSync(file)).toJSON();
  expect(read(join(hostFolder, "nscp_host", "messages.binpb"))).toEqual(read(out));
});

describe("without a protobuf that will do", () => {
  const program = [
    "try:",
    "    import plugin_pb2",
    "except ImportError as error:",
    "    print(error, '|', error.name, error.__cause__, error.__suppress_context__, sys.executable)",
  ];
  const sentence = (executable: string, lack: string) =>
    "The messages in plugin_pb2 and its siblings need the Python package protobuf, 3.20 or newer, and " +
    `${executable} ${lack}: "node ${join(packageRoot, "tools", "setup-python.js")}" makes a Python for the gateway that ` +
    "has it, or install it for this one, with the system's package python3-protobuf or with " +
    `"${executable} -m pip install protobuf" | google.protobuf None True ${executable}\n`;

  it("the import fails with a sentence that says how to get it", async () => {
    const executable = (await python(["print(sys.executable, end='')"], {}, ["-I", "-S"])).stdout;
    expect(await python(program, {}, ["-I", "-S"])).toEqual({
      ...silent,
      stdout: sentence(executable, "does not have it"),
    });
  });

  it("one that is too old is named", async () => {
    write("old/google/__init__.py", "");
    write("old/google/protobuf/__init__.py", "__version__ = '3.19.6'\n");
    const env = { PYTHONPATH: join(folder.path, "old") };
    const executable = (await python(["print(sys.executable, end='')"], env)).stdout;
    expect(await python(program, env, ["-S"])).toEqual({ ...silent, stdout: sentence(executable, "has 3.19.6") });
  });
});
