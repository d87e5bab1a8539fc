import { describe, expect, test } from "vitest";
import { bodyHeaders, jsonAnswer, refused, startWebServer, textAnswer } from "../../support/web-server.js";

const pages = {
  "index.html": "<!DOCTYPE html><title>UI</title>",
  "assets/index.js": "void 0;",
  "assets/index.css": "a{}",
  "nscp.png": "png",
  "secret.txt": "no",
};

function page(body: string, type = "text/html") {
  const headers = {
    ...bodyHeaders(type, body),
    ...{ "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cache-control": "no-cache" },
  };
  return { status: 200, headers, body };
}

describe("the web pages", () => {
  test.each([
    "/",
    "/index.html",
    "/modules",
    "/queries/x",
    "/settings",
    "/logs",
    "/some/view/",
    "/modules?x=1",
    "/mod%3Cules/",
  ])("are one page, which draws all views: %s", async (path) => {
    const web = await startWebServer({ pages });
    expect(await web.request({ path })).toEqual(page(pages["index.html"]));
  });

  test.each([
    ["/assets/index.js", "application/javascript"],
    ["/assets/index.css", "text/css"],
    ["/nscp.png", "image/png"],
  ] as const)("have their files, which browsers may keep: %s", async (path, type) => {
    const web = await startWebServer({ pages });
    const body = pages[path.slice(1) as keyof typeof pages];
    expect(await web.request({ path })).toEqual({
      status: 200,
      headers: { ...bodyHeaders(type, body), "cache-control": "max-age=3600" },
      body,
    });
  });

  test.each(["/other.js", "/assets/other.css", "/../secret.png", "/assets/index.js"])(
    "say of a file that is not there that it is not: %s",
    async (path) => {
      const web = await startWebServer();
      expect(await web.request({ path })).toEqual(textAnswer(404, `Not found: ${path}`));
    },
  );

  test.each(["/invalid", "/secret.txt", "/.%2e/x"])("are not at every path: %s", async (path) => {
    const web = await startWebServer({ pages });
    const answer = await web.request({ path });
    expect([answer.status, answer.headers["content-type"]]).toEqual([404, "text/plain"]);
  });

  test("say what to do when they are not installed, in a page that needs nothing else", async () => {
    const web = await startWebServer();
    const answer = await web.request({ path: "/" });
    expect({ ...answer, body: "" }).toEqual({
      status: 200,
      headers: {
        ...bodyHeaders("text/html", answer.body),
        ...{ "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cache-control": "no-cache" },
        "content-security-policy":
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'",
      },
      body: "",
    });
    expect(answer.body).toContain("The web interface is not installed");
    expect(answer.body.length).toBeLessThan(8192);
    expect(answer.body).not.toMatch(/<script|<link|<img|src=/);
  });
});

describe("health", () => {
  test("is told to everybody: the program answers, and all front ends are open", async () => {
    const web = await startWebServer({ modules: ["CheckHelpers"] });
    expect(await web.request({ path: "/core/isalive" })).toEqual({
      status: 200,
      headers: bodyHeaders("application/json", '{"status" : "ok"}'),
      body: '{"status" : "ok"}',
    });
    const noStore = { "cache-control": "no-store" };
    const live = jsonAnswer({ status: "live" });
    expect(await web.request({ path: "/health/live" })).toEqual({ ...live, headers: { ...live.headers, ...noStore } });
    const ready = jsonAnswer({
      status: "ready",
    });
    expect(await web.request({ path: "/health/ready" })).toEqual({
      ...ready,
      headers: { ...ready.headers, ...noStore },
    });
  });

  test("is worse when a module has failed", async () => {
    const twins = "[/settings/NRDP/server/tokens]\none = same\nother = same\n";
    const web = await startWebServer({ modules: ["NRDPServer"], more: twins });
    const answer = await web.request({ path: "/health/ready" });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { status: "degraded" }]);
  });
});

describe("a reload", () => {
  test("is asked for with the grant of old programs, and begins when that is answered", async () => {
    const web = await startWebServer();
    const body = '{"status" : "reload"}';
    expect(await web.request({ method: "POST", path: "/core/reload", as: "legacy" })).toEqual({
      status: 200,
      headers: { ...bodyHeaders("application/json", body) },
      body,
    });
    await expect.poll(async () => (await web.request({ path: "/core/isalive" })).body).toBe('{"status" : "ok"}');
    expect(await web.request({ method: "POST", path: "/core/reload", as: "client" })).toEqual(refused);
    expect(web.audited.map(({ action, outcome, objects }) => [action, outcome, objects])).toEqual([
      ["admin.reload", "ok", ["service"]],
      ["admin.reload", "denied", ["service"]],
    ]);
  });
});

describe("the console", () => {
  const exec = { method: "POST", path: "/console/exec?command=check_it+%22a+b%22", as: "admin" } as const;

  test("is not there unless the settings say so", async () => {
    const web = await startWebServer();
    expect(await web.request(exec)).toEqual(textAnswer(404, "Document not found: POST /console/exec"));
  });

  test("runs a check, whose result is in the log and not in the answer", async () => {
    const web = await startWebServer({ server: "console exec = true" });
    web.check("check_it", "all is well|a=1");
    const body = '{"status" : "ok"}';
    expect(await web.request(exec)).toEqual({ status: 200, headers: bodyHeaders("application/json", body), body });
    expect(web.logLines.filter((line) => line.includes("all is well"))).toEqual([
      expect.stringContaining("check_it: OK: all is well|'a'=1"),
    ]);
    expect(await web.request({ ...exec, as: "client" })).toEqual(refused);
    expect(await web.request({ ...exec, path: "/console/exec" })).toEqual(textAnswer(400, "There is no command."));
    expect(await web.request({ ...exec, path: "/console/exec?command=%22" })).toEqual(
      textAnswer(400, 'The command is wrong: a " is not closed.'),
    );
  });
});
