import { describe, expect, test } from "vitest";
import { changeModules } from "../../src/gateway/module-changes.js";
import { type LoadableModule, type ModuleRuntime, Modules } from "../../src/kernel/modules.js";
import { kernel } from "../support/kernel.js";

/**
 * Four modules that run with the value they have in `settings` and refuse the value `bad`: Place takes a new one in place,
 * Restart has to be started anew, Scripts too and has a script host, Late is not loaded at first.
 */
async function setup() {
  const { registry, log } = kernel();
  const settings: Record<string, string> = { Place: "1", Restart: "1", Scripts: "1", Late: "1" };
  const running = new Map<string, string>();
  const diary: string[] = [];
  const take = (name: string, alias: string) => {
    const value = settings[name] ?? "";
    if (value === "bad") throw new Error("bad is refused");
    running.set(alias, value);
    diary.push(`${alias}=${value}`);
  };
  const runtimes: Record<string, (alias: string) => ModuleRuntime> = {
    Place: (alias) => ({
      async reload() {
        take("Place", alias);
        return true;
      },
    }),
    Scripts: () => ({ status: () => ({ hosts: [] }) }),
  };
  const known = new Map<string, LoadableModule>();
  for (const name of Object.keys(settings)) {
    known.set(name.toLowerCase(), {
      ...{ name, summary: name, defaultAlias: name.toLowerCase() },
      async start({ alias }) {
        take(name, alias);
        const stop = async () => {
          running.delete(alias);
          diary.push(`${alias} stops`);
        };
        return { ...runtimes[name]?.(alias), stop };
      },
    });
  }
  const modules = new Modules(registry, known, log);
  const change = (...wanted: string[]) =>
    changeModules(
      modules,
      wanted.map((text) => {
        const [module = "", alias = ""] = text.split(" as ");
        return { module, alias };
      }),
    );
  await change("Scripts", "Place", "Restart");
  diary.length = 0;
  const runs = () => Object.fromEntries([...running].sort());
  return { modules, settings, diary, change, runs };
}

describe("modules follow the settings", () => {
  test("those with scripts after the others, and what is not wanted any more goes last", async () => {
    const { settings, diary, change, runs } = await setup();
    Object.assign(settings, { Place: "2", Scripts: "2", Late: "2" });
    expect(await change("Scripts", "Late", "Place")).toMatchObject({ refusal: undefined, standing: [] });
    expect(runs()).toEqual({ late: "2", place: "2", scripts: "2" });
    expect(diary).toEqual(["place=2", "late=2", "scripts stops", "scripts=2", "restart stops"]);
  });

  test("one that gets another alias goes before it comes", async () => {
    const { diary, change } = await setup();
    await change("Scripts", "Place", "Restart as other");
    expect(diary.slice(0, 3)).toEqual(["restart stops", "place=1", "other=1"]);
  });

  test.each([
    ["Place", "Place (place): bad is refused"],
    ["Restart", "Restart (restart): bad is refused"],
    ["Scripts", "Scripts (scripts): bad is refused"],
    ["Late", "Late (late): bad is refused"],
  ])("until %s refuses, and then all can have back what they had", async (name, refusal) => {
    const { modules, settings, change, runs } = await setup();
    const before = { ...settings };
    Object.assign(settings, { Place: "2", Restart: "2", Scripts: "2", Late: "2", [name]: "bad" });
    const changes = await change("Scripts", "Late", "Place", "Restart as other", "Restart");
    expect(changes.refusal).toBe(refusal);
    Object.assign(settings, before);
    expect(await changes.undo()).toEqual([]);
    expect(runs()).toEqual({ place: "1", restart: "1", scripts: "1" });
    expect(modules.list().map(({ alias, state }) => `${alias} ${state}`)).toEqual([
      "scripts running",
      "place running",
      "restart running",
    ]);
  });

  test("and what can't be given back is named", async () => {
    const { settings, change } = await setup();
    Object.assign(settings, { Place: "2", Late: "bad" });
    const changes = await change("Scripts", "Place", "Restart", "Late");
    Object.assign(settings, { Place: "1", Restart: "bad" });
    expect(await changes.undo()).toEqual(["Restart (restart): bad is refused"]);
  });

  test("one that did not run before keeps nobody from what is new", async () => {
    const { settings, change, runs } = await setup();
    settings["Restart"] = "bad";
    await change("Scripts", "Place", "Restart");
    settings["Place"] = "2";
    const changes = await change("Scripts", "Place", "Restart");
    expect([changes.refusal, changes.standing]).toEqual([undefined, ["Restart (restart): bad is refused"]]);
    expect(runs()).toEqual({ place: "2", scripts: "1" });
    Object.assign(settings, { Restart: "2", Late: "bad" });
    const refused = await change("Scripts", "Place", "Restart", "Late");
    settings["Restart"] = "bad";
    expect([refused.refusal, await refused.undo()]).toEqual(["Late (late): bad is refused", []]);
    expect(runs()).toEqual({ place: "2", scripts: "1" });
  });
});
