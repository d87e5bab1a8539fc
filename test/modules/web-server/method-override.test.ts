import { describe, expect, test } from "vitest";
import { jsonAnswer, notServed, refused, startWebServer } from "../../support/web-server.js";

const override = "X-HTTP-Method-Override";

describe("the header X-HTTP-Method-Override", () => {
  test("replaces the method: a GET becomes a DELETE, and the login ends", async () => {
    const web = await startWebServer();
    const token = await web.login();
    const headers = { "x-auth-token": token };
    expect(await web.request({ path: "/api/v2/login", headers: { ...headers, [override]: "DELETE" } })).toEqual(
      jsonAnswer({ status: "ok" }),
    );
    expect(await web.request({ path: "/api/v2/info/version", headers })).toEqual(refused);
  });

  test.each([
    ["twice", { [override]: ["DELETE", "DELETE"] }],
    ["under a longer name", { [`${override}s`]: "DELETE" }],
    ["under a shorter name", { "X-HTTP-Method-Overrid": "DELETE" }],
    ["from a page of another site", { [override]: "DELETE", "Sec-Fetch-Site": "cross-site" }],
    ["empty", { [override]: "" }],
  ])("has no effect %s", async (_case, headers) => {
    const web = await startWebServer();
    const token = await web.login();
    await web.request({ path: "/api/v2/login", headers: { "x-auth-token": token, ...headers } });
    const answer = await web.request({ path: "/api/v2/info/version", headers: { "x-auth-token": token } });
    expect(answer.status).toBe(200);
  });

  test("counts once when its other copies are empty, and is taken as it is written", async () => {
    const web = await startWebServer();
    const ask = (values: string[]) =>
      web.request({ path: "/api/v2/login", as: "admin", headers: { [override]: values } });
    expect(await ask(["", "DELETE"])).toEqual(jsonAnswer({ status: "ok" }));
    expect(await ask(["delete"])).toEqual(notServed("delete", "GET, POST, DELETE, OPTIONS"));
  });

  test("does nothing when the settings say so", async () => {
    const web = await startWebServer({ server: "method override = false" });
    const token = await web.login();
    const headers = { "x-auth-token": token };
    await web.request({ path: "/api/v2/login", headers: { ...headers, [override]: "DELETE" } });
    expect((await web.request({ path: "/api/v2/info/version", headers })).status).toBe(200);
  });
});

test("a page of another site can't have a browser change anything", async () => {
  const web = await startWebServer();
  for (const site of ["cross-site", "same-site"]) {
    const headers = { "sec-fetch-site": site };
    expect(await web.request({ path: "/api/v2/login", as: "admin", headers })).toEqual(refused);
    expect(await web.request({ path: "/core/reload", method: "POST", as: "admin", headers })).toEqual(refused);
    expect((await web.request({ path: "/api/v2/info", as: "admin", headers })).status).toBe(200);
  }
  const own = { "sec-fetch-site": "same-origin" };
  expect((await web.request({ path: "/api/v2/login", as: "admin", headers: own })).status).toBe(200);
});

test("nor can it where browsers say only from which origin it comes", async () => {
  const web = await startWebServer();
  const ask = (headers: Record<string, string>) =>
    web.request({ path: "/api/v2/login", method: "POST", as: "admin", headers });
  for (const origin of ["https://evil.example", "null", "http://localhost", "file://"]) {
    expect(await ask({ origin })).toEqual(refused);
    expect(await ask({ origin, [override]: "DELETE" })).toEqual(refused);
    expect((await web.request({ path: "/api/v2/info", as: "admin", headers: { origin } })).status).toBe(200);
  }
  expect((await ask({ host: "gateway.example:8443", origin: "https://Gateway.example:8443" })).status).toBe(200);
  const behindProxy = { host: "inner:1", "x-forwarded-host": "gateway.example", origin: "https://gateway.example" };
  expect((await ask(behindProxy)).status).toBe(200);
  expect((await ask({ origin: "https://evil.example", "sec-fetch-site": "same-origin" })).status).toBe(200);
});
