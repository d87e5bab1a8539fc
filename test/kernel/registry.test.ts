import { describe, expect, test } from "vitest";
import { type QueryHandler, Registry, splitNames } from "../../src/kernel/registry.js";
import { ResultCode } from "../../src/wire/messages.js";
import { textResponse } from "../../src/wire/responses.js";
import { owner } from "../support/kernel.js";
import { RecordingLog } from "../support/recording-log.js";

const alpha = owner(0, "Alpha");
const beta = owner(1, "Beta");
const answer: QueryHandler = (request) => textResponse(request, ResultCode.OK, "");

function registry() {
  const log = new RecordingLog();
  return { log, table: new Registry(log) };
}

/** Everything that a registry lists, to see what is left behind. */
function contents(table: Registry) {
  return {
    queries: table.listQueries().map(({ name, spelling, owner: { alias } }) => `${name} ${spelling} ${alias}`),
    aliases: table.listAliases().map(({ name, spelling, entry }) => `${name} ${spelling} ${entry.owner.alias}`),
    commands: table.listCommands().map(({ name, owner: { alias } }) => `${name} ${alias}`),
    channels: table.listChannels().map(({ name, owners }) => `${name} ${owners.map(({ alias }) => alias)}`),
    events: table.listEvents().map(({ name, owners }) => `${name} ${owners.map(({ alias }) => alias)}`),
    targets: table.listTargets().map(({ name }) => name),
    sources: table.metricsSources().length,
    sinks: table.metricsSinks().length,
  };
}

const nothing = { queries: [], aliases: [], commands: [], channels: [], events: [], targets: [], sources: 0, sinks: 0 };

function fill(table: Registry, who = alpha, prefix = "a") {
  return [
    table.addQuery(who, `${prefix}_Query`, answer, { aliases: [`${prefix}_Other`] }),
    table.addAlias(who, `${prefix}_Alias`, answer),
    table.addCommand(who, [`${prefix}_Run`], () => undefined),
    table.addCommand(who, [], () => undefined),
    table.addChannel(who, `${prefix}, Shared`, () => []),
    table.addEvent(who, `${prefix}:e, shared:e`, () => {}),
    table.addMetricsSource(who, () => []),
    table.addMetricsSink(who, () => {}),
    table.addTarget({
      name: `${prefix}_Target`,
      owner: who,
      query: () => Promise.reject(new Error()),
      execute: () => Promise.reject(new Error()),
    }),
  ];
}

const ofBeta = {
  queries: ["b_query b_Query beta"],
  aliases: ["b_alias b_Alias beta", "b_other b_Other beta"],
  commands: ["b_run beta"],
  channels: ["b beta", "shared beta"],
  events: ["b:e beta", "shared:e beta"],
  targets: ["b_Target"],
  sources: 1,
  sinks: 1,
};

describe("what belongs to an owner", () => {
  test("disappears with it, and what others registered stays", () => {
    const { table } = registry();
    fill(table);
    fill(table, beta, "b");
    table.removeOwner(alpha);
    expect(contents(table)).toEqual(ofBeta);
    table.removeOwner(beta);
    expect(contents(table)).toEqual(nothing);
  });

  test("can be taken back one by one, and twice does no harm", () => {
    const { table } = registry();
    const taken = fill(table);
    fill(table, beta, "b");
    for (const unregister of [...taken, ...taken]) unregister();
    expect(contents(table)).toEqual(ofBeta);
  });

  test("is not another's to take back", () => {
    const { table } = registry();
    fill(table);
    const before = contents(table);
    expect(table.removeQuery(beta, "a_query")).toBe(false);
    expect(table.removeAlias(beta, "a_alias")).toBe(false);
    table.removeChannel(beta, "a, shared, none");
    table.removeEvent(beta, "a:e, shared:e, none");
    expect(contents(table)).toEqual(before);
    expect(table.removeQuery(alpha, "A_QUERY")).toBe(true);
    expect(table.removeAlias(alpha, "A_ALIAS")).toBe(true);
    table.removeChannel(alpha, "A,SHARED");
    table.removeEvent(alpha, "A:E,SHARED:E");
    expect(contents(table)).toEqual({
      ...nothing,
      commands: ["a_run alpha"],
      targets: ["a_Target"],
      sources: 1,
      sinks: 1,
    });
  });

  test("a registration taken back does not take its successor along", () => {
    const { table } = registry();
    const unregister = table.addQuery(alpha, "check", answer, { aliases: ["c"] });
    table.addQuery(beta, "Check", answer, { aliases: ["C"] });
    unregister();
    table.removeOwner(alpha);
    expect(contents(table)).toEqual({ ...nothing, queries: ["check Check beta"], aliases: ["c C beta"] });
  });
});

describe("queries", () => {
  test("are found in any case; the last registration wins and is logged", () => {
    const { table, log } = registry();
    table.addQuery(alpha, "Check_Foo", answer);
    const figures = table.findQuery("check_foo")?.figures;
    table.addQuery(beta, "CHECK_FOO", answer);
    expect(["check_foo", "Check_Foo", "cHECK_fOO"].map((name) => table.findQuery(name)?.owner)).toEqual([
      beta,
      beta,
      beta,
    ]);
    expect(table.findQuery("check_foo")?.figures).toBe(figures);
    expect(table.findQuery("check_bar")).toBeUndefined();
    expect(log.records).toEqual(["info: Duplicate command check_foo: beta replaces alpha"]);
  });

  test("have a name behind all of their names, that of what an alias stands for", () => {
    const { table } = registry();
    table.addQuery(alpha, "Check_A", answer, { aliases: ["CheckA"] });
    table.addAlias(beta, "short", answer, { standsFor: "CHECKA" });
    table.addAlias(beta, "shorter", answer, { standsFor: "Short" });
    table.addAlias(beta, "by a macro", answer);
    table.addAlias(beta, "dangling", answer, { standsFor: "None" });
    table.addAlias(beta, "left", answer, { standsFor: "right" });
    table.addAlias(beta, "right", answer, { standsFor: "left" });
    expect(
      ["check_a", "CheckA", "SHORT", "shorter", "By a macro", "dangling", "Other", "left"].map((name) =>
        table.nameBehind(name),
      ),
    ).toEqual([...Array(4).fill("check_a"), "by a macro", "none", "other", "left"]);
  });

  test("win over aliases, whichever came first", () => {
    const { table, log } = registry();
    table.addAlias(alpha, "check_a", answer);
    table.addQuery(beta, "Check_A", answer);
    table.addAlias(alpha, "check_a", answer);
    expect(table.findQuery("CHECK_A")?.owner).toBe(beta);
    table.removeOwner(beta);
    expect(table.findQuery("CHECK_A")?.owner).toBe(alpha);
    expect(log.records).toEqual([]);
  });

  test("registered again by the same owner lose the aliases that are not given again", () => {
    const { table } = registry();
    table.addQuery(alpha, "check", answer, { aliases: ["old", "both"] });
    table.addQuery(alpha, "check", answer, { aliases: ["both", "new"] });
    expect(contents(table)).toEqual({
      ...nothing,
      queries: ["check check alpha"],
      aliases: ["both both alpha", "new new alpha"],
    });
  });

  test("replaced by another owner stay reachable by their aliases", () => {
    const { table } = registry();
    table.addQuery(alpha, "check", answer, { aliases: ["mine"] });
    table.addQuery(beta, "check", answer);
    expect([table.findQuery("check")?.owner, table.findQuery("MINE")?.owner]).toEqual([beta, alpha]);
  });
});

describe("subscriptions", () => {
  const whoHears = (table: Registry, channel: string) =>
    table.findChannel(channel).map(({ owner: { alias } }) => alias);

  test("are found in any case, in the order in which they were made, with those for everything last", () => {
    const { table } = registry();
    table.addChannel(beta, "*", () => []);
    table.addChannel(alpha, "NSCA,NRDP", () => []);
    table.addChannel(beta, "nsca", () => []);
    expect(["nsca", "Nrdp", "other", "*"].map((channel) => whoHears(table, channel))).toEqual([
      ["alpha", "beta", "beta"],
      ["alpha", "beta"],
      ["beta"],
      ["beta"],
    ]);
  });

  test("the same handler hears of a name once, however often it is given", () => {
    const { table } = registry();
    const handler = () => [];
    table.addChannel(alpha, "a,A, a", handler);
    table.addChannel(alpha, "a", handler);
    table.addChannel(alpha, "b,*", handler);
    expect([whoHears(table, "a"), whoHears(table, "b")]).toEqual([["alpha", "alpha"], ["alpha"]]);
    expect(table.listChannels()).toEqual([
      { name: "*", owners: [alpha] },
      { name: "a", owners: [alpha] },
    ]);
  });
});

test("commands are asked in load order, named or not", () => {
  const { table } = registry();
  table.addCommand(beta, ["run"], () => undefined);
  table.addCommand(alpha, [], () => undefined);
  table.addCommand(alpha, ["walk"], () => undefined);
  expect(table.findCommands("RUN").map(({ owner: { alias } }) => alias)).toEqual(["alpha", "beta"]);
});

test("lists in texts are split at commas, blanks trimmed, empty elements dropped", () => {
  expect(splitNames(" a, ,b c ,,d")).toEqual(["a", "b c", "d"]);
});
