import { describe, expect, it } from "vitest";
import { Grants } from "../../src/kernel/principal.js";
import { grantProblem, Roles } from "../../src/security/roles.js";

/** What the endpoints and calls of the gateway ask for. */
const names = [
  ...["public", "login.get", "info.get", "info.get.version", "queries.list", "queries.get", "queries.execute"],
  ...["aliases.list", "modules.list", "modules.get", "modules", "modules.load", "modules.unload", "modules.enable"],
  ...["modules.disable", "modules.reload", "modules.put", "modules.post", "scripts.list.runtimes", "scripts"],
  ...["scripts.lists.PythonScript", "scripts.get.PythonScript", "scripts.add.PythonScript"],
  ...["scripts.delete.PythonScript", "logs.list", "logs.put", "logs.delete", "settings.get", "settings.put"],
  ...[
    "settings.delete",
    "metrics.get",
    "metrics.list",
    "openmetrics.list",
    "events.list",
    "events.delete",
    "metadata.list",
  ],
  ...["metadata.get.counters", "metadata.get.channels", "tags.get", "legacy", "console.exec", "commands.execute"],
  ...["submit", "channels.subscribe", "channels.list", "targets.use", "targets.override", "admin.reload"],
  ...["admin.status", "queue.list", "queue.show", "queue.retry", "queue.drop"],
];

function granted(role: string, roles = new Roles()): string[] {
  return names.filter((name) => roles.get(role)?.allows(name));
}

describe("the roles that are there without being written down", () => {
  it("full grants everything", () => {
    expect(granted("full")).toEqual(names);
  });

  it.each([
    [
      "client",
      ["public", "login.get", "info.get", "info.get.version", "queries.list", "queries.get", "queries.execute"],
      ["aliases.list", "modules.list", "modules"],
    ],
    [
      "monitoring",
      ["public", "login.get", "queries.execute", "aliases.list"],
      ["metrics.get", "metrics.list", "openmetrics.list"],
    ],
    [
      "poller",
      ["public", "info.get.version", "queries.list", "queries.execute", "aliases.list"],
      ["metrics.get", "metrics.list", "openmetrics.list", "admin.status"],
    ],
    ["submitter", ["public"], ["submit"]],
    [
      "operator",
      [
        ...["public", "login.get", "info.get", "info.get.version", "queries.list", "queries.get", "queries.execute"],
        ...["aliases.list", "modules.list", "modules.get", "modules", "modules.load", "modules.unload"],
        ...[
          "modules.reload",
          "logs.list",
          "settings.get",
          "metrics.get",
          "metrics.list",
          "openmetrics.list",
          "events.list",
        ],
      ],
      [
        ...["metadata.list", "metadata.get.counters", "metadata.get.channels", "tags.get", "submit"],
        ...[
          "channels.subscribe",
          "channels.list",
          "admin.reload",
          "admin.status",
          "queue.list",
          "queue.show",
          "queue.retry",
        ],
        "queue.drop",
      ],
    ],
  ])("%s grants what it is for and nothing else", (role, some, more) => {
    expect(granted(role)).toEqual([...some, ...more]);
  });
});

describe("a grant", () => {
  it.each([
    ["*", names],
    ["modules.*", names.filter((name) => name.startsWith("modules"))],
    ["modules.load", ["modules", "modules.load"]],
    ["modules", ["modules"]],
    ["info.get", ["info.get"]],
    ["scripts.add.PythonScript", ["scripts", "scripts.add.PythonScript"]],
    ["scripts.*", names.filter((name) => name.startsWith("scripts"))],
    ["metrics.get", ["metrics.get", "metrics.list", "openmetrics.list"]],
    ["metrics.*", ["metrics.get", "metrics.list", "openmetrics.list"]],
    ["metrics.list", ["metrics.get", "metrics.list"]],
    ["openmetrics.list", ["openmetrics.list"]],
    ["queries.execute:check_*", ["queries.execute"]],
    ["Queries.Execute", []],
    ["query", []],
    ["", []],
  ])("%s grants what it names", (grant, expected) => {
    expect(granted("own", new Roles(new Map([["own", [grant]]])))).toEqual(expected);
  });

  it("with objects grants those and no others, whatever their case", () => {
    const grants = new Roles(new Map([["own", ["queries.execute:check_*", " submit:NSCA "]]])).get("own");
    const asked = [
      ["queries.execute", "check_disk"],
      ["queries.execute", "CHECK_DISK"],
      ["queries.execute", "restart"],
      ["queries.execute", "my_check_disk"],
      ["submit", "nsca"],
      ["submit", "NSCA2"],
    ] as const;
    expect(asked.map(([name, object]) => grants?.allows(name, object))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it("without objects means all of them, also beside one with objects", () => {
    const grants = new Grants(["submit:NSCA", "submit"]);
    expect(grants.allows("submit", "anything")).toBe(true);
  });
});

describe("roles in the settings", () => {
  it("replace those that are built in, and the first table wins", () => {
    const roles = new Roles(
      new Map([["client", ["public"]]]),
      new Map([
        ["client", ["*"]],
        ["view", ["info.get"]],
      ]),
    );
    expect([granted("client", roles), granted("view", roles)]).toEqual([["public"], ["info.get"]]);
  });

  it("are found whatever their case; there is no role that nobody wrote", () => {
    const roles = new Roles(new Map([["Ops", ["public"]]]));
    expect([roles.get("ops") === roles.get("Ops"), roles.get("opz")]).toEqual([true, undefined]);
  });

  it.each([
    ["queries.execute", undefined],
    ["queries.*", undefined],
    ["modules", 'there is no grant "modules"'],
    ["modules.load", undefined],
    ["scripts.add.PythonScript", undefined],
    ["querys.execute", 'there is no grant "querys.execute" (did you mean "queries.execute"?)'],
    ["submit:", 'the grant "submit:" names no object behind its colon; without the colon it means all of them'],
  ])("%s is checked for being a grant at all", (grant, problem) => {
    expect(grantProblem(grant)).toBe(problem);
  });
});
