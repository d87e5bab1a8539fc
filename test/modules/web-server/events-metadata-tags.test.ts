import { describe, expect, test } from "vitest";
import { restDate } from "../../../src/modules/web-server/state/rest-date.js";
import { EventMessage, PB } from "../../../src/wire/messages.js";
import { jsonAnswer, refused, startWebServer, textAnswer, type WebGateway } from "../../support/web-server.js";

const versions = ["v1", "v2"] as const;
const owner = { id: 100, name: "LUAScript", alias: "lua" };

async function emit({ gateway }: WebGateway, ...events: [string, Record<string, string>][]): Promise<void> {
  const payload = events.map(([event, data]) =>
    PB.Commands.EventMessage.Request.create({
      event,
      data: Object.entries(data).map(([key, value]) => PB.Common.KeyValue.create({ key, value })),
    }),
  );
  await gateway.core.emit(EventMessage.create({ payload }), gateway.moduleCall(owner));
}

describe("events", () => {
  test.each(versions)("are listed from a number on, and taken out of the list: %s", async (version) => {
    const web = await startWebServer();
    const path = `/api/${version}/events`;
    expect(await web.request({ path, as: "admin" })).toEqual(jsonAnswer([]));
    const before = Date.now();
    await emit(web, ["system.cpu", { k: "v" }], ["logfile:errors", {}]);
    const possible = [restDate(before), restDate(Date.now())];
    const answer = await web.request({ path, as: "admin" });
    const [{ date }] = JSON.parse(answer.body);
    expect(possible).toContain(date);
    const first = { index: 0, event: "system.cpu", date, data: { k: "v" } };
    const second = { index: 1, event: "logfile:errors", date: JSON.parse(answer.body)[1].date, data: {} };
    expect(answer).toEqual(jsonAnswer([first, second]));
    expect(await web.request({ path: `${path}?since=0`, as: "admin" })).toEqual(jsonAnswer([second]));
    expect(await web.request({ path: `${path}?since=1`, as: "admin" })).toEqual(jsonAnswer([]));
    expect(await web.request({ path, as: "client" })).toEqual(refused);
    expect(await web.request({ path })).toEqual(refused);
    expect(await web.request({ method: "DELETE", path, as: "client" })).toEqual(refused);
    expect(await web.request({ method: "DELETE", path, as: "admin" })).toEqual(jsonAnswer([first, second]));
    expect(await web.request({ path, as: "admin" })).toEqual(jsonAnswer([]));
    await emit(web, ["later", {}]);
    const [later] = JSON.parse((await web.request({ path, as: "admin" })).body);
    expect(later.index).toBe(2);
  });

  test("are 1000 at most, the last ones", async () => {
    const web = await startWebServer();
    await emit(web, ...Array.from({ length: 1001 }, (_, index): [string, Record<string, string>] => [`e${index}`, {}]));
    const events = JSON.parse((await web.request({ path: "/api/v2/events", as: "admin" })).body);
    expect([events.length, events[0].event, events[999].event]).toEqual([1000, "e1", "e1000"]);
  });
});

describe("metadata", () => {
  test.each(versions)("are lists of names, and channels with the modules that take them: %s", async (version) => {
    const web = await startWebServer();
    const path = `/api/${version}/metadata`;
    const get = (rest: string, as: "admin" | "client" = "admin") => web.request({ path: `${path}${rest}`, as });
    expect(await get("")).toEqual(
      jsonAnswer([
        { name: "counters", title: "Performance counters", url: `${web.url}${path}/counters` },
        { name: "channels", title: "Registered submission channels", url: `${web.url}${path}/channels` },
      ]),
    );
    expect(await get("/channels")).toEqual(jsonAnswer([]));
    for (const channel of ["NSCA", "noop", "log"]) web.gateway.registry.addChannel(owner, channel, () => []);
    expect(await get("/channels")).toEqual(jsonAnswer([{ name: "nsca", plugins: ["LUAScript"] }]));
    expect(await get("/counters")).toEqual(
      textAnswer(500, "No response from module, is the CheckSystem module loaded?"),
    );
    for (const rest of ["", "/channels", "/counters"]) expect(await get(rest, "client")).toEqual(refused);
  });
});

describe("tags", () => {
  test("are those of the settings: none, or as they are there and within their limits", async () => {
    const web = await startWebServer();
    const get = () => web.request({ path: "/api/v2/tags", as: "admin" });
    expect(await get()).toEqual(jsonAnswer({}));
    const { store } = web.gateway;
    const tags = { os_name: "Demo OS", site: "Zürich", empty: "", ["k".repeat(129)]: "x", long: "x".repeat(1025) };
    for (const [key, value] of Object.entries(tags)) store.set("/settings/tags", key, value);
    expect(await get()).toEqual(jsonAnswer({ os_name: "Demo OS", site: "Zürich" }));
    for (let number = 0; number < 300; number++) store.set("/settings/tags", `tag${number}`, "x");
    expect(Object.keys(JSON.parse((await get()).body))).toHaveLength(256);
    expect(await web.request({ path: "/api/v2/tags", as: "client" })).toEqual(refused);
    expect((await web.request({ path: "/api/v1/tags", as: "admin" })).status).toBe(404);
  });
});
