import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import {
  type LoadableModule,
  type ModuleInstance,
  type ModuleRuntime,
  Modules,
  moduleKey,
} from "../../src/kernel/modules.js";
import { ResultCode } from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { deferred, kernel } from "../support/kernel.js";

type Start = (instance: ModuleInstance, times: number) => ModuleRuntime | Promise<ModuleRuntime>;

/** Modules by name; each writes to the diary what happens to it. */
function setup(starts: Record<string, Start> = {}) {
  const { registry, log } = kernel();
  const diary: string[] = [];
  const instances: ModuleInstance[] = [];
  const known = new Map<string, LoadableModule>();
  const all: Record<string, Start> = { Alpha: plain, Beta: plain, ...starts };
  for (const [name, start] of Object.entries(all)) {
    let times = 0;
    known.set(name.toLowerCase(), {
      name,
      summary: `About ${name}`,
      defaultAlias: name.toLowerCase(),
      async start(instance) {
        instances.push(instance);
        diary.push(`${instance.alias} starts as ${instance.id}`);
        instance.registry.query(`check_${instance.alias}`, (request) => textResponse(request, ResultCode.OK, ""));
        instance.registry.channel("shared", () => []);
        return start(instance, ++times);
      },
    });
  }
  function plain({ alias }: ModuleInstance): ModuleRuntime {
    return {
      serve: async () => {
        diary.push(`${alias} serves`);
      },
      stop: async () => {
        diary.push(`${alias} stops`);
      },
      status: () => ({ detail: [`of ${alias}`] }),
    };
  }
  const modules = new Modules(registry, known, log);
  const load = (module: string, alias = "") => modules.load({ module, alias });
  const registered = () => ({
    queries: registry.listQueries().map(({ name }) => name),
    channels: registry.listChannels().flatMap(({ owners }) => owners.map(({ alias }) => alias)),
  });
  const states = () => modules.list().map(({ id, alias, state }) => `${id} ${alias} ${state}`);
  return { modules, registry, log, diary, instances, load, registered, states, plain };
}

describe("loading", () => {
  test("ids ascend in load order and are not used again", async () => {
    const { modules, load, states } = setup();
    expect([await load("Alpha"), await load("alpha.dll", "Second"), await load(" BETA ")]).toEqual([true, true, true]);
    expect(states()).toEqual(["0 alpha running", "1 Second running", "2 beta running"]);
    await modules.unload("beta");
    await load("Beta");
    expect(states()).toEqual(["0 alpha running", "1 Second running", "3 beta running"]);
    expect(modules.list()[0]).toEqual({
      ...{ id: 0, name: "Alpha", alias: "alpha", state: "running", failure: "" },
      ...{ summary: "About Alpha", status: { detail: ["of alpha"] } },
    });
  });

  test("an unknown module is a record and false", async () => {
    const { load, log } = setup();
    expect(await load("Gamma")).toBe(false);
    expect(log.of("error")).toEqual(["Failed to load module: Gamma: there is no such module"]);
  });

  test("the same alias again means afresh, under the same id", async () => {
    const { load, diary, states, registered, instances } = setup();
    await load("Alpha", "x");
    expect(await load("alpha", "X")).toBe(true);
    expect(states()).toEqual(["0 x running"]);
    expect(diary).toEqual(["x starts as 0", "x stops", "x starts as 0"]);
    expect(registered()).toEqual({ queries: ["check_x"], channels: ["x"] });
    expect(instances.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  test("a start that fails leaves nothing, is listed with its reason, and can be tried again", async () => {
    const { load, states, registered, modules, log, instances } = setup({
      Broken: (_instance, times) => {
        if (times === 1) throw new Error("no such file: a.ts");
        return {};
      },
    });
    expect(await load("Broken")).toBe(false);
    expect(states()).toEqual(["0 broken failed"]);
    expect(modules.list()[0]?.failure).toBe("no such file: a.ts");
    expect(registered()).toEqual({ queries: [], channels: [] });
    expect(instances[0]?.signal.reason).toEqual(new GatewayError("UNAVAILABLE", "Broken failed to start."));
    expect(log.of("error")).toEqual(["Failed to load module: Broken (broken): no such file: a.ts"]);
    expect(await modules.reload("broken")).toBe(true);
    expect(states()).toEqual(["0 broken running"]);
    expect(registered()).toEqual({ queries: ["check_broken"], channels: ["broken"] });
  });

  test("a module that goes on after its end can't register anything", async () => {
    const { load, modules, instances, registered } = setup();
    await load("Alpha");
    await modules.unload("alpha");
    const registry = instances[0]?.registry;
    const refused = new GatewayError("FAILED_PRECONDITION", "alpha is unloaded and can't register anything.");
    expect(() => registry?.channel("late", () => [])).toThrow(refused);
    expect(() => registry?.query("late", (request) => textResponse(request, 0, ""))).toThrow(refused);
    expect(registry?.removeQuery("late")).toBe(false);
    expect(registered()).toEqual({ queries: [], channels: [] });
  });
});

describe("unloading", () => {
  test("goes by alias, then by name, and leaves nothing", async () => {
    const { load, modules, states, registered, diary, instances } = setup();
    await load("Alpha", "beta");
    await load("Beta", "x");
    await load("Alpha", "y");
    expect(await modules.unload("BETA")).toBe(true);
    expect(states()).toEqual(["1 x running", "2 y running"]);
    expect(await modules.unload("Beta")).toBe(true);
    expect(await modules.unload("alpha.dll")).toBe(true);
    expect(await modules.unload("alpha")).toBe(false);
    expect(modules.isLoaded("alpha")).toBe(false);
    expect(registered()).toEqual({ queries: [], channels: [] });
    expect(diary.slice(3)).toEqual(["beta stops", "x stops", "y stops"]);
    expect(instances.map(({ signal }) => (signal.reason as Error).message)).toEqual([
      "Alpha was unloaded.",
      "Beta was unloaded.",
      "Alpha was unloaded.",
    ]);
  });

  test("a stop that fails is a record, and the module is gone all the same", async () => {
    const { load, modules, log, registered, states } = setup({
      Stuck: () => ({ stop: () => Promise.reject(new Error("port is busy")) }),
    });
    await load("Stuck");
    expect(await modules.unload("stuck")).toBe(true);
    expect([states(), registered()]).toEqual([[], { queries: [], channels: [] }]);
    expect(log.of("error")).toEqual(["Stuck (stuck) failed to stop: port is busy"]);
  });

  test("all are stopped in the reverse of their order", async () => {
    const { load, modules, diary, states } = setup();
    for (const alias of ["a", "b", "c"]) await load("Alpha", alias);
    await modules.stopAll();
    expect(diary.slice(3)).toEqual(["c stops", "b stops", "a stops"]);
    expect(states()).toEqual([]);
  });

  test("what is loaded or reloaded while all are stopped is not, and nobody needs to know", async () => {
    const { load, modules, diary, states, log } = setup();
    for (const alias of ["a", "b"]) await load("Alpha", alias);
    const stopped = modules.stopAll();
    expect(await Promise.all([load("Beta"), load("Alpha", "a"), modules.reload("a"), load("Nobody")])).toEqual([
      false,
      false,
      false,
      false,
    ]);
    await stopped;
    expect(await modules.reload("a")).toBe(false);
    expect([diary.slice(2), states(), log.of("error")]).toEqual([["b stops", "a stops"], [], []]);
  });

  test("those that serve are stopped before all others, whose work their last calls need", async () => {
    const diary: string[] = [];
    const quiet: Start = ({ alias }) => ({ stop: async () => void diary.push(alias) });
    const serving: Start = (instance) => ({ ...quiet(instance, 1), serve: async () => {} });
    const { load, modules } = setup({ Quiet: quiet, Serving: serving });
    for (const [module, alias] of [
      ["Quiet", "a"],
      ["Serving", "b"],
      ["Serving", "c"],
      ["Quiet", "d"],
    ] as const) {
      await load(module, alias);
    }
    await modules.stopAll();
    expect(diary).toEqual(["c", "b", "d", "a"]);
  });
});

describe("reloading", () => {
  test("in place when the module can, otherwise it stops and starts", async () => {
    const diary: string[] = [];
    const answers = [true, false];
    const { load, modules, states } = setup({
      Gamma: (_instance, times) => ({
        reload: async () => answers.shift() ?? true,
        stop: async () => {
          diary.push(`stop ${times}`);
        },
      }),
    });
    await load("Gamma");
    expect(await modules.reload("GAMMA")).toBe(true);
    expect(diary).toEqual([]);
    expect(await modules.reload("gamma")).toBe(true);
    expect(diary).toEqual(["stop 1"]);
    expect(states()).toEqual(["0 gamma running"]);
  });

  test("settings that are refused in place reach the caller, and the module runs on", async () => {
    const refusal = new GatewayError("CONFIGURATION", "nscp.ini:3: wrong");
    const { load, modules, states, registered } = setup({ Gamma: () => ({ reload: () => Promise.reject(refusal) }) });
    await load("Gamma");
    await expect(modules.reload("gamma")).rejects.toBe(refusal);
    expect([states(), registered().queries]).toEqual([["0 gamma running"], ["check_gamma"]]);
  });

  test("a restart that fails is false", async () => {
    const { load, modules, states, registered } = setup({
      Gamma: (_instance, times) => {
        if (times === 2) throw new Error("wrong settings");
        return {};
      },
    });
    await load("Gamma");
    expect(await modules.reload("gamma")).toBe(false);
    expect([states(), registered().queries]).toEqual([["0 gamma failed"], []]);
  });

  test("of what is not loaded is false and a record", async () => {
    const { modules, log } = setup();
    expect(await modules.reload("alpha")).toBe(false);
    expect(log.of("error")).toEqual(["Failed to reload alpha: no module is loaded under that name"]);
  });
});

describe("serving", () => {
  test("opens those that are loaded, once, and those loaded or restarted later", async () => {
    const { load, modules, diary } = setup();
    await load("Alpha");
    await load("Beta");
    await modules.serve();
    await modules.serve();
    await load("Alpha", "late");
    await modules.reload("beta");
    expect(diary).toEqual([
      ...["alpha starts as 0", "beta starts as 1", "alpha serves", "beta serves"],
      ...["late starts as 2", "late serves", "beta stops", "beta starts as 1", "beta serves"],
    ]);
  });

  test("one whose start is still under way is opened once", async () => {
    const gate = deferred<void>();
    let served = 0;
    const { load, modules } = setup({
      Gamma: async () => {
        await gate.promise;
        return {
          serve: async () => {
            served++;
          },
        };
      },
    });
    const loading = load("Gamma");
    const serving = modules.serve();
    gate.resolve();
    await Promise.all([loading, serving]);
    expect(served).toBe(1);
  });

  test("a port that can't be opened fails the module, stops it and rejects", async () => {
    const diary: string[] = [];
    const busy = new Error("listen EADDRINUSE");
    const { load, modules, states, registered } = setup({
      Gamma: () => ({
        serve: () => Promise.reject(busy),
        stop: async () => {
          diary.push("stopped");
        },
      }),
    });
    await load("Gamma");
    await expect(modules.serve()).rejects.toBe(busy);
    expect([states(), registered().queries, diary]).toEqual([["0 gamma failed"], [], ["stopped"]]);
    expect(await load("Gamma", "late")).toBe(false);
  });
});

describe("operations at the same time", () => {
  test("on one instance run one after another", async () => {
    const { load, modules, diary, states } = setup();
    await load("Alpha");
    await Promise.all([modules.reload("alpha"), modules.reload("alpha"), modules.unload("alpha")]);
    expect(diary).toEqual([
      ...["alpha starts as 0", "alpha stops", "alpha starts as 0", "alpha stops", "alpha starts as 0", "alpha stops"],
    ]);
    expect(states()).toEqual([]);
  });

  test("a load that comes while the same alias is unloaded starts a new instance", async () => {
    const { load, modules, states, registered } = setup();
    await load("Alpha");
    const unloading = modules.unload("alpha");
    const loading = load("Alpha");
    const reloading = modules.reload("alpha");
    expect(await Promise.all([unloading, loading, reloading])).toEqual([true, true, false]);
    expect(states()).toEqual(["1 alpha running"]);
    expect(registered()).toEqual({ queries: ["check_alpha"], channels: ["alpha"] });
  });

  test("a start may load, reload and unload others", async () => {
    const parts = setup({
      Parent: async () => {
        await parts.load("Alpha", "child");
        await parts.modules.reload("other");
        await parts.modules.unload("gone");
        return {};
      },
    });
    await parts.load("Beta", "other");
    await parts.load("Beta", "gone");
    expect(await parts.load("Parent")).toBe(true);
    expect(parts.states()).toEqual(["0 other running", "2 parent running", "3 child running"]);
  });
});

test("a clone is another id of the same instance and goes with it", async () => {
  const { load, modules } = setup({
    Gamma: () => ({ fallback: { query: (request) => textResponse(request, ResultCode.OK, "fallback") } }),
  });
  await load("Gamma");
  expect(modules.clone(7)).toBeUndefined();
  expect(modules.clone(0)).toBe(1);
  expect([modules.ownerOf(0)?.alias, modules.ownerOf(1)?.id, modules.ownerOf(2)]).toEqual(["gamma", 0, undefined]);
  expect([0, 1, 2].map((id) => Object.keys(modules.fallbackOf(id)))).toEqual([["query"], ["query"], []]);
  await load("Alpha");
  expect(modules.list().map(({ id }) => id)).toEqual([0, 2]);
  await modules.unload("gamma");
  expect(modules.ownerOf(1)).toBeUndefined();
});

test("modules are known by their names without case and ending", () => {
  expect([" PythonScript.DLL ", "pythonscript"].map(moduleKey)).toEqual(["pythonscript", "pythonscript"]);
  expect(
    setup()
      .modules.listKnown()
      .map(({ name }) => name),
  ).toEqual(["Alpha", "Beta"]);
});
