import { describe, expect, test } from "vitest";
import type { Call } from "../../src/kernel/call.js";
import { type LoadableModule, type ModuleInstance, type ModuleRuntime, Modules } from "../../src/kernel/modules.js";
import { RegistryMessages } from "../../src/kernel/registry-messages.js";
import {
  Header,
  PB,
  RegistryRequestMessage,
  type RegistryResponseMessage,
  ResultCode,
  StatusCode,
  SubmitResponse,
} from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { incoming, kernel, poller, query, rows, submission } from "../support/kernel.js";

const { ItemType, Command, ParameterDetail, ParameterDetails, Information } = PB.Registry;
const { Request } = PB.Registry.RegistryRequestMessage;

/** Python with checks and subscriptions, Node without anything, Broken which never starts, Spare which is not loaded. */
async function setup() {
  const parts = kernel();
  const { registry, log } = parts;
  const parameters = ParameterDetails.create({ parameter: [ParameterDetail.create({ name: "path" })] });
  const known = new Map([
    registered("PythonScript", ({ registry: scope }) => {
      scope.query("Check_B", (request) => textResponse(request, ResultCode.OK, "b"), {
        description: "Looks at b",
        aliases: ["CheckB"],
        parameters,
      });
      scope.query("check_a", (request) => textResponse(request, ResultCode.OK, "a"));
      scope.alias("Other", (request) => textResponse(request, ResultCode.OK, "o"), { description: "Another" });
      scope.command(["Run"], () => undefined);
      scope.channel("Results,NSCA", () => []);
      scope.event("logfile:Errors", () => {});
      return {
        fallback: {
          query: (request) => textResponse(request, ResultCode.WARNING, "by fallback"),
          submission: () => [SubmitResponse.create({ result: PB.Common.Result.create({ message: "taken" }) })],
        },
      };
    }),
    registered("NodeScript", ({ registry: scope }) => {
      scope.channel("nsca", () => []);
      return {};
    }),
    registered("Broken", () => {
      throw new Error("broken");
    }),
    registered("Spare", () => ({})),
  ]);
  const modules = new Modules(registry, known, log);
  for (const [name, alias] of [
    ["PythonScript", "py"],
    ["NodeScript", ""],
    ["Broken", ""],
  ] as const) {
    await modules.load({ module: name, alias });
  }
  const enabled = new Map([["PythonScript", true]]);
  const messages = new RegistryMessages({
    ...{ registry, modules },
    isEnabled: (name) => enabled.get(name) ?? false,
    setEnabled: (name, value) => enabled.set(name, value),
    parametersOf: async (entry) => entry.options.parameters,
  });
  const run = (payload: Partial<PB.Registry.RegistryRequestMessage.Request>[], call: Call = incoming()) =>
    messages.run(RegistryRequestMessage.create({ payload: payload.map((one) => Request.create(one)) }), call);
  return { ...parts, modules, messages, run, enabled };
}

function registered(name: string, start: (instance: ModuleInstance) => ModuleRuntime): [string, LoadableModule] {
  const definition = { name, summary: `About ${name}`, defaultAlias: name.toLowerCase() };
  return [name.toLowerCase(), { ...definition, start: async (instance) => start(instance) }];
}

const inventory = (type: number[], more: Partial<PB.Registry.RegistryRequestMessage.Request.Inventory> = {}) => ({
  inventory: Request.Inventory.create({ type, ...more }),
});
const registration = (fields: Partial<PB.Registry.RegistryRequestMessage.Request.Registration>) => ({
  registration: Request.Registration.create(fields),
});
const control = (command: number, name: string, alias = "", type: number = ItemType.MODULE) => ({
  control: Request.Control.create({ type, command, name, alias }),
});

/** A row for the result of each payload, then one for each item. */
function text({ payload }: RegistryResponseMessage): string[] {
  return payload.flatMap(({ id, result, inventory: items, registration: made }) => [
    `${id} ${StatusCode[result?.code ?? -1]}${result?.message ? ` ${result.message}` : ""}${made ? ` item ${made.itemId}` : ""}`,
    ...items.map(({ type, name, id: item, info, parameters }) =>
      [
        `  ${ItemType[type]} ${name}${item ? ` (${item})` : ""} of ${info?.plugin.join("+")}: ${info?.title} - ${info?.description}`,
        ...(info?.metadata ?? []).map(({ key, value }) => `${key}=${value}`),
        ...(parameters?.parameter ?? []).map(({ name: parameter }) => `takes ${parameter}`),
      ].join(" "),
    ),
  ]);
}

const queries = ["  COMMAND check_a of py: check_a - ", "  COMMAND check_b of py: Check_B - Looks at b"];
const aliases = ["  QUERY_ALIAS checkb of py: CheckB - Looks at b", "  QUERY_ALIAS other of py: Other - Another"];
const channels = ["  HANDLER nsca of py+nodescript: nsca - ", "  HANDLER results of py: results - "];
const events = ["  EVENT logfile:errors of py: logfile:errors - "];
const loaded = [
  "  MODULE PythonScript (py) of py: PythonScript - About PythonScript plugin_id=0 loaded=true alias=py enabled=true",
  "  MODULE NodeScript (nodescript) of nodescript: NodeScript - About NodeScript plugin_id=1 loaded=true alias=nodescript enabled=false",
  "  MODULE Broken (broken) of broken: Broken - About Broken plugin_id=2 loaded=false alias=broken enabled=false",
];
const spare = "  MODULE Spare (spare) of spare: Spare - About Spare loaded=false alias=spare enabled=false";

describe("inventory", () => {
  test.each<{ name: string; types: number[]; more?: object; items: string[] }>([
    { name: "queries", types: [ItemType.QUERY], items: queries },
    {
      name: "a query by name, which comes back as it was asked for",
      types: [ItemType.QUERY],
      more: { name: "CHECK_B" },
      items: ["  COMMAND CHECK_B of py: Check_B - Looks at b"],
    },
    { name: "a query that is unknown", types: [ItemType.QUERY], more: { name: "none" }, items: [] },
    {
      name: "queries with parameters",
      types: [ItemType.QUERY],
      more: { fetchAll: true },
      items: [queries[0] ?? "", `${queries[1]} takes path`],
    },
    { name: "aliases", types: [ItemType.QUERY_ALIAS], items: aliases },
    { name: "an alias by name", types: [ItemType.QUERY_ALIAS], more: { name: "Other" }, items: aliases.slice(1) },
    { name: "channels", types: [ItemType.HANDLER], items: channels },
    { name: "a channel by name", types: [ItemType.HANDLER], more: { name: "NSCA" }, items: channels.slice(0, 1) },
    { name: "events", types: [ItemType.EVENT], items: events },
    { name: "an event by name", types: [ItemType.EVENT], more: { name: "logfile:other" }, items: [] },
    { name: "command-line commands", types: [ItemType.COMMAND], items: ["  COMMAND run of py: run - "] },
    { name: "loaded modules", types: [ItemType.MODULE], items: loaded },
    { name: "all modules", types: [ItemType.MODULE], more: { fetchAll: true }, items: [...loaded, spare] },
    { name: "a module by name", types: [ItemType.MODULE], more: { name: "spare" }, items: [spare] },
    { name: "a module by alias", types: [ItemType.MODULE], more: { name: "PY" }, items: loaded.slice(0, 1) },
    {
      name: "several types, each once",
      types: [ItemType.EVENT, ItemType.QUERY, ItemType.EVENT],
      items: [...events, ...queries],
    },
    { name: "all types", types: [ItemType.ALL], items: [...queries, ...channels, ...aliases, ...loaded, ...events] },
    { name: "types that nobody lists", types: [ItemType.SCHEDULE, 77], items: [] },
    {
      name: "what belongs to a module",
      types: [ItemType.ALL],
      more: { plugin: "NodeScript" },
      items: [channels[0] ?? "", loaded[1] ?? ""],
    },
  ])("$name", async ({ types, more, items }) => {
    const { run } = await setup();
    expect(text(await run([{ id: 4, ...inventory(types, more) }]))).toEqual(["4 STATUS_OK", ...items]);
  });

  test("needs the grant of each type that is asked for; of all types those with a grant are listed", async () => {
    const { run } = await setup();
    const call = incoming({ principal: poller("queries.list", "events.list") });
    const asked = [
      inventory([ItemType.QUERY]),
      inventory([ItemType.EVENT, ItemType.MODULE]),
      inventory([ItemType.ALL]),
    ];
    expect(text(await run(asked, call))).toEqual([
      ...["0 STATUS_OK", ...queries],
      "0 STATUS_ERROR Permission denied: poller has no grant modules.list",
      ...["0 STATUS_OK", ...queries, ...events],
    ]);
  });
});

describe("registration", () => {
  const local = () => incoming({ remote: false });

  test("queries and aliases are answered by the module, and can be taken back", async () => {
    const { run, core } = await setup();
    const info = Information.create({ description: "Made by message" });
    const query1 = { pluginId: 0, type: ItemType.QUERY, name: "Check_New", alias: ["new"], info };
    const alias1 = { pluginId: 0, type: ItemType.QUERY_ALIAS, name: "n1", alias: ["n2"], info };
    expect(
      text(
        await run(
          [
            { id: 1, ...registration(query1) },
            { id: 2, ...registration(alias1) },
          ],
          local(),
        ),
      ),
    ).toEqual(["1 STATUS_OK item 0", "2 STATUS_OK item 0"]);
    const asked = query(["check_new", "NEW", "n1", "n2"]);
    expect(rows(await core.query(asked, incoming()))).toEqual([
      "0 check_new WARNING by fallback",
      "0 NEW WARNING by fallback",
      "0 n1 WARNING by fallback",
      "0 n2 WARNING by fallback",
    ]);
    expect(text(await run([inventory([ItemType.QUERY], { name: "check_new" })]))[1]).toBe(
      "  COMMAND check_new of py: Check_New - Made by message",
    );
    await run([registration({ ...query1, unregister: true }), registration({ ...alias1, unregister: true })], local());
    expect(rows(await core.query(asked, incoming()))).toEqual([
      "0 check_new UNKNOWN Unknown command(s): check_new",
      "0 NEW UNKNOWN Unknown command(s): new",
      "0 n1 UNKNOWN Unknown command(s): n1",
      "0 n2 UNKNOWN Unknown command(s): n2",
    ]);
  });

  test("channels and events, once however often they are registered, until they are taken back", async () => {
    const { run, core } = await setup();
    const channel = { pluginId: 0, type: ItemType.HANDLER, name: "Made,also" };
    const event = { pluginId: 1, type: ItemType.EVENT, name: "made:event" };
    await run([channel, channel, event].map(registration), local());
    const listed = async () =>
      text(await run([inventory([ItemType.HANDLER, ItemType.EVENT])])).filter((row) => /made|also/.test(row));
    expect(await listed()).toEqual([
      "  HANDLER also of py: also - ",
      "  HANDLER made of py: made - ",
      "  EVENT made:event of nodescript: made:event - ",
    ]);
    const { message } = await core.submit("made", submission([{ command: "a" }]), incoming());
    expect(message.payload[0]?.result?.message).toBe("taken");
    await run(
      [channel, event].map((one) => registration({ ...one, unregister: true })),
      local(),
    );
    expect(await listed()).toEqual([]);
  });

  test("what the module answers already keeps its handler and gets the description and the names", async () => {
    const { run, core } = await setup();
    await run(
      [
        registration({
          ...{ pluginId: 0, type: ItemType.QUERY, name: "check_b", alias: ["looks"] },
          info: Information.create({ description: "Looks at b again" }),
        }),
        registration({ pluginId: 0, type: ItemType.QUERY, name: "CHECK_A", alias: ["first"] }),
        registration({ pluginId: 1, type: ItemType.HANDLER, name: "NSCA,made" }),
      ],
      local(),
    );
    expect(rows(await core.query(query(["check_b", "CheckB", "looks", "check_a", "first"]), incoming()))).toEqual([
      "0 check_b OK b",
      "0 CheckB OK b",
      "0 looks OK b",
      "0 check_a OK a",
      "0 first OK a",
    ]);
    expect(text(await run([inventory([ItemType.QUERY], { name: "check_b" })]))[1]).toBe(
      "  COMMAND check_b of py: Check_B - Looks at b again",
    );
    const { message } = await core.submit("nsca", submission([{ command: "a" }]), incoming());
    expect(message.payload[0]?.result?.message).toBe("No answer from nsca");
  });

  test("a module without an answer of its own says so", async () => {
    const { run, core } = await setup();
    await run(
      [
        registration({ pluginId: 1, type: ItemType.QUERY, name: "orphan" }),
        registration({ pluginId: 1, type: ItemType.HANDLER, name: "made" }),
      ],
      local(),
    );
    expect(rows(await core.query(query(["orphan"]), incoming()))).toEqual([
      "0 orphan UNKNOWN nodescript has no handler for orphan",
    ]);
    const { message } = await core.submit("made", submission([{ command: "a" }]), incoming());
    expect(message.payload[0]?.result?.message).toBe("No answer from made");
  });

  test("a clone is another id of the module", async () => {
    const { run, core } = await setup();
    expect(text(await run([registration({ pluginId: 0, type: ItemType.MODULE })], local()))).toEqual([
      "0 STATUS_OK item 3",
    ]);
    await run([registration({ pluginId: 3, type: ItemType.QUERY, name: "by_clone" })], local());
    expect(rows(await core.query(query(["by_clone"]), incoming()))).toEqual(["0 by_clone WARNING by fallback"]);
  });

  test.each([
    { fields: { pluginId: 9, type: ItemType.QUERY, name: "x" }, problem: "Failed to find plugin: 9" },
    {
      fields: { pluginId: 0, type: ItemType.SCHEDULE, name: "x" },
      problem: "Unsupported type of registration: SCHEDULE",
    },
    { fields: { pluginId: 0, type: 77, name: "x" }, problem: "Unsupported type of registration: 77" },
  ])("$problem", async ({ fields, problem }) => {
    const { run } = await setup();
    expect(text(await run([{ id: 5, ...registration(fields) }], local()))).toEqual([`5 STATUS_ERROR ${problem}`]);
  });

  test("nothing is registered over a network, and what belongs to another is not taken back", async () => {
    const { run, core } = await setup();
    const call = incoming({ principal: poller("*") });
    expect(text(await run([registration({ pluginId: 0, type: ItemType.QUERY, name: "evil" })], call))).toEqual([
      "0 STATUS_ERROR Permission denied: nothing can be registered over a network",
    ]);
    await run([registration({ pluginId: 1, type: ItemType.QUERY, name: "check_a", unregister: true })], local());
    expect(rows(await core.query(query(["evil", "check_a"]), incoming()))).toEqual([
      "0 evil UNKNOWN Unknown command(s): evil",
      "0 check_a OK a",
    ]);
  });
});

describe("control", () => {
  test("loads, unloads and reloads modules", async () => {
    const { run, modules } = await setup();
    const done = await run([
      control(Command.LOAD, "Spare", "extra"),
      control(Command.RELOAD, "extra"),
      control(Command.UNLOAD, "NodeScript"),
      control(Command.UNLOAD, "", "extra"),
      control(Command.UNLOAD, "none"),
      control(Command.RELOAD, "none"),
      control(Command.LOAD, "Broken"),
      control(Command.LOAD, "none"),
    ]);
    expect(text(done)).toEqual([
      ...["0 STATUS_OK", "0 STATUS_OK", "0 STATUS_OK", "0 STATUS_OK"],
      "0 STATUS_ERROR Failed to unload module: none",
      "0 STATUS_ERROR Failed to reload module: none",
      "0 STATUS_ERROR Failed to load module: Broken",
      "0 STATUS_ERROR Failed to load module: none",
    ]);
    expect(modules.list().map(({ alias }) => alias)).toEqual(["py", "broken"]);
  });

  test("enables and disables by the name that the module has", async () => {
    const { run, enabled } = await setup();
    const done = await run([
      control(Command.ENABLE, "spare.dll"),
      control(Command.DISABLE, "PYTHONSCRIPT"),
      control(Command.ENABLE, "none"),
    ]);
    expect(text(done)).toEqual(["0 STATUS_OK", "0 STATUS_OK", "0 STATUS_ERROR Failed to enable module: none"]);
    expect([...enabled]).toEqual([
      ["PythonScript", false],
      ["Spare", true],
    ]);
  });

  test.each([
    { request: control(Command.LOAD, "Spare", "", ItemType.QUERY), problem: "Only modules can be controlled" },
    { request: control(Command.DUMMY_1, "Spare"), problem: "Unsupported command: DUMMY_1" },
    { request: control(77, "Spare"), problem: "Unsupported command: 77" },
    { request: {}, problem: "Unsupported action: give inventory, registration or control" },
  ])("$problem", async ({ request, problem }) => {
    const { run } = await setup();
    expect(text(await run([{ id: 6, ...request }]))).toEqual([`6 STATUS_ERROR ${problem}`]);
  });

  test("needs the grant for the module that it acts on", async () => {
    const { run, modules } = await setup();
    const call = incoming({ principal: poller("modules.unload:NodeScript", "modules.load:Spare") });
    const done = await run(
      [
        control(Command.UNLOAD, "NodeScript", "py"),
        control(Command.UNLOAD, "py"),
        control(Command.RELOAD, "NodeScript"),
        control(Command.LOAD, "PythonScript", "Spare"),
        control(Command.LOAD, "Spare", "any"),
        control(Command.UNLOAD, "NodeScript"),
      ],
      call,
    );
    expect(text(done)).toEqual([
      "0 STATUS_ERROR Permission denied: poller has no grant modules.unload for py",
      "0 STATUS_ERROR Permission denied: poller has no grant modules.unload for py",
      "0 STATUS_ERROR Permission denied: poller has no grant modules.reload for NodeScript",
      "0 STATUS_ERROR Permission denied: poller has no grant modules.load for PythonScript",
      "0 STATUS_OK",
      "0 STATUS_OK",
    ]);
    expect(modules.list().map(({ alias }) => alias)).toEqual(["py", "broken", "any"]);
  });
});

test("payloads are answered in order with their ids; an action beside others is the first of the table", async () => {
  const { messages } = await setup();
  const payload = [
    Request.create({ id: 3, ...control(Command.UNLOAD, "none"), ...inventory([ItemType.EVENT]) }),
    Request.create({ id: 1, ...control(Command.UNLOAD, "none") }),
  ];
  const message = RegistryRequestMessage.create({
    header: Header.create({ messageId: "m", recipientId: "r" }),
    payload,
  });
  const done = await messages.run(message, incoming());
  expect(text(done)).toEqual(["3 STATUS_OK", ...events, "1 STATUS_ERROR Failed to unload module: none"]);
  expect(done.header).toEqual(Header.create({ messageId: "m", recipientId: "r", sourceId: "r" }));
});
