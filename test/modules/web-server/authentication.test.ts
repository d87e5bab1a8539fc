import { describe, expect, test } from "vitest";
import { basic, jsonAnswer, refused, startWebServer, type WebGateway } from "../../support/web-server.js";

const icinga = { "user-agent": "Icinga/check_nscp_api/r2.16.0" };

/** Whether a request with these headers gets in: the status. */
async function statusWith(web: WebGateway, headers: Record<string, string>, path = "/api/v2/info/version") {
  const answer = await web.request({ path, headers });
  if (answer.status !== 200)
    expect({ ...answer, headers: { ...answer.headers, "retry-after": undefined } }).toEqual(refused);
  return answer.status;
}

describe("a request gets in", () => {
  test.each([
    ["with name and password", { authorization: basic("admin", "admin-password") }],
    ["with the scheme in any case", { authorization: basic("admin", "admin-password").replace("Basic", "bASIC") }],
    ["with the password of admin", { password: "admin-password" }],
    ["with it as check_nsc_web writes it", { Password: "admin-password" }],
  ])("%s", async (_case, headers) => {
    expect(await statusWith(await startWebServer(), headers)).toBe(200);
  });

  test("with the token of a login, wherever it stands", async () => {
    const web = await startWebServer();
    const token = await web.login();
    expect(token).toMatch(/^[0-9A-Za-z]{32}$/);
    const shown: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer ${token}` },
      { TOKEN: token },
      { "X-Auth-Token": token },
    ];
    for (const headers of shown) {
      expect(await statusWith(web, headers)).toBe(200);
    }
    for (const name of ["TOKEN", "__TOKEN"]) {
      expect(await statusWith(web, icinga, `/api/v2/info/version?${name}=${token}`)).toBe(200);
      expect(await statusWith(web, { "user-agent": "curl/8.0" }, `/api/v2/info/version?${name}=${token}`)).toBe(403);
      expect(await statusWith(web, {}, `/api/v2/info/version?${name}=${token}`)).toBe(403);
    }
  });

  test("with a user whose password is in the settings as it is, and with one whose password has a colon", async () => {
    const web = await startWebServer({
      more: "[/settings/WEB/server/users/plain]\nrole = full\npassword = a:b:c\n",
    });
    expect(await statusWith(web, { authorization: basic("plain", "a:b:c") })).toBe(200);
    expect(await statusWith(web, { authorization: basic("plain", "a:b") })).toBe(403);
    expect(await statusWith(web, { authorization: basic("Plain", "a:b:c") })).toBe(403);
  });
});

describe("a request is refused, always with the same words", () => {
  test.each([
    ["without credentials", {}],
    ["with a wrong password", { authorization: basic("admin", "wrong") }],
    ["with an empty password", { authorization: basic("admin", "") }],
    ["with an unknown user", { authorization: basic("who", "admin-password") }],
    ["with Basic that is none", { authorization: "Basic !!" }],
    ["with an empty Authorization", { authorization: "", password: "admin-password" }],
    ["with another scheme", { authorization: "Digest x", password: "admin-password" }],
    ["with a wrong Bearer beside the right password", { authorization: "Bearer x", password: "admin-password" }],
    ["with a wrong password header", { password: "wrong" }],
    ["with a wrong token", { "x-auth-token": "x" }],
    ["with an empty token", { token: "" }],
    ["with a password that is too long", { password: "x".repeat(9000) }],
    ["with an Authorization that is too long", { authorization: `Bearer ${"x".repeat(9000)}` }],
    ["with cookies alone", { cookie: "token=x; uid=admin" }],
  ])("%s", async (_case, headers) => {
    expect(await statusWith(await startWebServer(), headers)).toBe(403);
  });

  test("for lack of a grant, once", async () => {
    const web = await startWebServer();
    expect(await web.request({ path: "/api/v2/info", as: "nobody" })).toEqual(refused);
    expect(await web.request({ path: "/api/v2/info", headers: { token: await web.login("legacy") } })).toEqual(refused);
    expect(web.audited.filter(({ outcome }) => outcome === "denied")).toEqual([
      expect.objectContaining({ action: "info.get", principal: expect.objectContaining({ name: "user:nobody" }) }),
      expect.objectContaining({ action: "info.get", principal: expect.objectContaining({ name: "user:legacy" }) }),
    ]);
  });
});

describe("after too many failed logins", () => {
  const limits = "auth rate limit max failures = 3\nauth rate limit block seconds = 60";

  test.each([
    ["Basic", { authorization: basic("admin", "wrong") }],
    ["Bearer", { authorization: "Bearer wrong" }],
    ["password", { password: "wrong" }],
  ])(
    "of %s the address is blocked, also for the right password, but not for a token in its own header",
    async (_case, wrong) => {
      const web = await startWebServer({ server: limits });
      const token = await web.login();
      for (let count = 0; count < 3; count++) await statusWith(web, wrong);
      const blocked = {
        ...refused,
        headers: { ...refused.headers, "retry-after": expect.stringMatching(/^(?:60|5\d)$/) },
      };
      const ask = (headers: Record<string, string>) => web.request({ path: "/api/v2/info/version", headers });
      expect(await ask({ authorization: basic("admin", "admin-password") })).toEqual(blocked);
      expect(await ask({ authorization: `Bearer ${token}` })).toEqual(blocked);
      expect(await ask({ password: "admin-password" })).toEqual(blocked);
      expect(await web.request({ path: "/auth/token?password=admin-password", headers: icinga })).toEqual(blocked);
      expect(await statusWith(web, { "x-auth-token": token })).toBe(200);
      expect(await statusWith(web, { token })).toBe(200);
      expect(await statusWith(web, { ...icinga }, `/api/v2/info/version?TOKEN=${token}`)).toBe(200);
    },
  );

  test("at the login of old programs the address is blocked, also for the right password", async () => {
    const web = await startWebServer({ server: limits });
    const ask = (password: string) => web.request({ path: `/auth/token?password=${password}`, headers: icinga });
    for (let count = 0; count < 3; count++) expect((await ask("wrong")).status).toBe(403);
    expect((await ask("admin-password")).status).toBe(403);
    expect(await statusWith(web, { password: "admin-password" })).toBe(403);
    expect(web.logLines.filter((line) => line.includes("admin-password"))).toEqual([]);
    expect(JSON.stringify(web.audited)).not.toContain("admin-password");
  });

  test.each([
    ["a token in its own header", { "x-auth-token": "x" }],
    ["a legacy token", { token: "x" }],
    ["nothing", {}],
    ["another scheme", { authorization: "Digest x" }],
  ])("%s does not count", async (_case, wrong) => {
    const web = await startWebServer({ server: limits });
    for (let count = 0; count < 5; count++) expect(await statusWith(web, wrong)).toBe(403);
    expect(await statusWith(web, { password: "admin-password" })).toBe(200);
  });

  test("a success in between begins the count anew", async () => {
    const web = await startWebServer({ server: limits });
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 2; count++) await statusWith(web, { password: "wrong" });
      expect(await statusWith(web, { password: "admin-password" })).toBe(200);
    }
  });

  test("the block ends", async () => {
    const web = await startWebServer({ server: "auth rate limit max failures = 1\nauth rate limit block seconds = 1" });
    expect(await statusWith(web, { password: "wrong" })).toBe(403);
    expect(await statusWith(web, { password: "admin-password" })).toBe(403);
    await expect.poll(() => statusWith(web, { password: "admin-password" }), { timeout: 10_000 }).toBe(200);
  });

  test("nobody is blocked where the settings switch it off", async () => {
    const web = await startWebServer({ server: "auth rate limit max failures = 0" });
    for (let count = 0; count < 15; count++) await statusWith(web, { "x-auth-token": "x", password: "wrong" });
    expect(await statusWith(web, { password: "admin-password" })).toBe(200);
  });
});

describe("behind a trusted proxy", () => {
  test("the address of the client is the one that the proxy names: it is blocked, and stands in the audit log", async () => {
    const web = await startWebServer({
      server: "trusted proxies = 127.0.0.1\nauth rate limit max failures = 1",
    });
    const from = (address: string) => ({ "x-forwarded-for": `203.0.113.7, ${address}` });
    expect(await statusWith(web, { ...from("192.0.2.1"), password: "wrong" })).toBe(403);
    expect(await statusWith(web, { ...from("192.0.2.1"), password: "admin-password" })).toBe(403);
    expect(await statusWith(web, { ...from("192.0.2.2"), password: "admin-password" })).toBe(200);
    expect(await statusWith(web, { password: "admin-password" })).toBe(200);
    expect(web.audited.map(({ peer }) => peer)).toEqual(["192.0.2.1", "192.0.2.1"]);
  });
});

describe("the user admin", () => {
  const adminStatus = async (web: WebGateway, password: string) => statusWith(web, { password });
  const noRow = "[/settings/WEB/server/users/admin]\npassword =\n";

  test("has the password of the web server, or that of all front ends, where there is no row of its own", async () => {
    const both = "[/settings/default]\npassword = theirs\n";
    const own = await startWebServer({ users: [], server: "password = mine", more: both });
    expect([await adminStatus(own, "mine"), await adminStatus(own, "theirs")]).toEqual([200, 403]);
    const inherited = await startWebServer({ users: [], more: both });
    expect(await adminStatus(inherited, "theirs")).toBe(200);
    const neither = await startWebServer({ users: [] });
    expect(await adminStatus(neither, "")).toBe(403);
  });

  test("has no other password than that of its row", async () => {
    const web = await startWebServer({ server: "password = mine" });
    expect([await adminStatus(web, "mine"), await adminStatus(web, "admin-password")]).toEqual([403, 200]);
    const empty = await startWebServer({ users: [], server: "password = mine", more: noRow });
    expect(await adminStatus(empty, "mine")).toBe(403);
  });

  test("is not there when the settings say so", async () => {
    const web = await startWebServer({ server: "disable admin user = true\npassword = mine" });
    expect([await adminStatus(web, "mine"), await adminStatus(web, "admin-password")]).toEqual([403, 403]);
    expect(await web.request({ path: "/api/v2/info/version", as: "client" })).toMatchObject({ status: 200 });
  });
});

describe("callers without credentials", () => {
  const role = "[/settings/WEB/server/roles]\nanonymous = info.get.version\n";

  test.each([
    ["true", role, 200],
    ["true", "", 403],
    ["false", role, 403],
  ])("get in when allow anonymous access is %s and there is a role of that name: %j", async (allowed, more, status) => {
    const web = await startWebServer({ server: `allow anonymous access = ${allowed}`, more });
    expect(await statusWith(web, {})).toBe(status);
    expect(await statusWith(web, {}, "/api/v2/info")).toBe(403);
    expect(await statusWith(web, { password: "wrong" })).toBe(403);
  });
});

describe("a login", () => {
  test.each(["/api/v1/login", "/api/v2/login"])("gives a token at %s, with GET and POST", async (path) => {
    const web = await startWebServer();
    for (const method of ["GET", "POST"]) {
      const answer = await web.request({ method, path, as: "client" });
      const { key } = JSON.parse(answer.body);
      const expected = jsonAnswer({ user: "client", key });
      const attributes = "; Path=/; HttpOnly; SameSite=Strict";
      const cookies = [`token=${key}${attributes}`, `uid=client${attributes}`];
      expect(answer).toEqual({
        ...expected,
        headers: { ...expected.headers, "set-cookie": cookies, "cache-control": "no-store" },
      });
      expect(await statusWith(web, { "x-auth-token": key })).toBe(200);
    }
  });

  test("over TLS has its cookies for TLS only", async () => {
    const web = await startWebServer({ tls: true });
    const answer = await web.request({ path: "/api/v2/login", as: "client" });
    expect(answer.headers["set-cookie"]).toEqual([
      expect.stringMatching(/^token=\w{32}; Path=\/; HttpOnly; Secure; SameSite=Strict$/),
      "uid=client; Path=/; HttpOnly; Secure; SameSite=Strict",
    ]);
  });

  test("with a token answers that token", async () => {
    const web = await startWebServer();
    const token = await web.login();
    const shown: Record<string, string>[] = [{ token }, { authorization: `Bearer ${token}` }];
    for (const headers of shown) {
      const answer = await web.request({ path: "/api/v2/login", headers });
      expect(JSON.parse(answer.body)).toEqual({ user: "admin", key: token });
    }
  });

  test("ends with DELETE, and only that one does", async () => {
    const web = await startWebServer();
    const [token, other] = [await web.login(), await web.login()];
    expect(await web.request({ method: "DELETE", path: "/api/v1/login", headers: { token } })).toEqual(
      jsonAnswer({ status: "ok" }),
    );
    expect([await statusWith(web, { token }), await statusWith(web, { token: other })]).toEqual([403, 200]);
    expect(web.audited.map(({ action, outcome, principal }) => `${action} ${outcome} ${principal.name}`)).toEqual([
      "login ok user:admin",
      "login ok user:admin",
      "logout ok user:admin",
      "login denied token",
    ]);
  });

  test("is the only request that makes a token: no other has a cookie", async () => {
    const web = await startWebServer();
    const answer = await web.request({ path: "/api/v2/info/version", as: "admin" });
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  test("ends when its user changes, and not when others do", async () => {
    const web = await startWebServer({ more: "[/settings/WEB/server/users/joe]\nrole = full\npassword = one\n" });
    const answer = await web.request({ path: "/api/v2/login", headers: { authorization: basic("joe", "one") } });
    const joe = String(JSON.parse(answer.body).key);
    const admin = await web.login();
    await web.reload({ more: "[/settings/WEB/server/users/joe]\nrole = full\npassword = two\n" });
    expect([await statusWith(web, { token: joe }), await statusWith(web, { token: admin })]).toEqual([403, 200]);
  });
});

describe("old programs", () => {
  const goneText =
    "This endpoint was removed: a password or token does not belong into a query parameter. Log in at /api/v2/login.";

  test.each(["GET", "POST"])("log in and out with the URL: %s", async (method) => {
    const web = await startWebServer();
    const login = await web.request({ method, path: "/auth/token?password=admin-password", headers: icinga });
    const token = String(login.headers["__token"]);
    const expected = jsonAnswer({ status: "ok", "auth token": token });
    expect(login).toEqual({
      ...expected,
      headers: { ...expected.headers, __token: token, "cache-control": "no-store" },
    });
    expect(await statusWith(web, { token })).toBe(200);
    const gone = jsonAnswer({ status: "ok", "auth token": "" });
    for (const value of [token, token, "unknown"]) {
      expect(await web.request({ method, path: `/auth/logout?token=${value}`, headers: icinga })).toEqual({
        ...gone,
        headers: { ...gone.headers, __token: "", "cache-control": "no-store" },
      });
    }
    expect(await statusWith(web, { token })).toBe(403);
    const about = { principal: "user:admin", outcome: "ok", peer: "127.0.0.1", frontEnd: "http" };
    const events = web.audited.map(({ action, outcome, principal, peer, frontEnd }) => {
      return { action, outcome, principal: principal.name, peer, frontEnd };
    });
    expect(events.filter(({ outcome }) => outcome === "ok")).toEqual([
      { action: "login", ...about },
      { action: "logout", ...about },
    ]);
  });

  test.each(["Icinga/check_nscp_api", "xx ICINGA/CHECK_NSCP_API/r2.16"])(
    "are known by a part of their name: %s",
    async (program) => {
      const web = await startWebServer();
      const headers = { "user-agent": program };
      expect((await web.request({ path: "/auth/token?password=admin-password", headers })).status).toBe(200);
    },
  );

  test.each([
    [{}],
    [{ "user-agent": "curl/8.0" }],
    [{ "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" }],
    [{ "user-agent": "MyIcingaProbe/1.0" }],
  ])("are not all programs: others are told that it is gone: %j", async (headers) => {
    const web = await startWebServer();
    const gone = jsonAnswer({ status: "error", message: goneText }, 410);
    expect(await web.request({ path: "/auth/token?password=admin-password", headers })).toEqual(gone);
    expect(await web.request({ path: "/auth/logout?token=x", method: "POST", headers })).toEqual(gone);
  });

  test("are none when the list is empty, and those of the settings otherwise", async () => {
    const none = await startWebServer({ server: "legacy query auth user agents =" });
    expect((await none.request({ path: "/auth/token?password=admin-password", headers: icinga })).status).toBe(410);
    const own = await startWebServer({ server: "legacy query auth user agents = probe , other" });
    const headers = { "user-agent": "My Probe" };
    expect((await own.request({ path: "/auth/token?password=admin-password", headers })).status).toBe(200);
  });

  test.each(["/auth/token", "/auth/token?password=", "/auth/token?password=wrong"])(
    "are refused without the password: %s",
    async (path) => {
      const web = await startWebServer();
      expect(await web.request({ path, headers: icinga })).toEqual(refused);
      expect(
        await web.request({
          ...{ method: "POST", path: "/auth/token", body: "password=admin-password" },
          headers: { ...icinga, "content-type": "application/x-www-form-urlencoded" },
        }),
      ).toEqual(refused);
    },
  );
});
