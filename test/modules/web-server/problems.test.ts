import { describe, expect, it } from "vitest";
import { refused, startWebServer, textAnswer } from "../../support/web-server.js";
import { problemAnswer } from "./problems.js";

const wanting = { accept: "application/problem+json" };

describe("a failure in version 3", () => {
  it("is a problem, whatever it is", async () => {
    const web = await startWebServer({ server: "body limit = 1k" });
    const path = "/api/v3/query";
    const post = { method: "POST", path, headers: { "content-type": "application/json" }, body: "{}" };
    expect(await web.request({ path: "/api/v3/nothing" })).toEqual(
      problemAnswer(404, "Document not found: GET /api/v3/nothing"),
    );
    expect(await web.request({ path, as: "admin" })).toEqual(
      problemAnswer(405, "GET is not served here.", { allow: "POST, OPTIONS" }),
    );
    expect(await web.request(post)).toEqual(
      problemAnswer(401, "Credentials are required.", {}, { code: "UNAUTHENTICATED" }),
    );
    expect(await web.request({ ...post, headers: { ...post.headers, authorization: "Basic eDp5" } })).toEqual(
      problemAnswer(401, "Wrong user or password.", {}, { code: "UNAUTHENTICATED" }),
    );
    expect(await web.request({ ...post, as: "admin", body: "x".repeat(2000) })).toEqual(
      problemAnswer(413, "The body is larger than 1024 bytes."),
    );
  });

  it("says for how long an address is blocked", async () => {
    const web = await startWebServer({
      server: "auth rate limit max failures = 1\nauth rate limit block seconds = 50",
    });
    const path = "/api/v3/openapi.json";
    await web.request({ path, headers: { password: "wrong" } });
    const { status, headers, body } = await web.request({ path, as: "admin" });
    expect({ status, after: headers["retry-after"] }).toEqual({ status: 401, after: "50" });
    expect(JSON.parse(body).detail).toBe("Too many failed logins from 127.0.0.1; try again in 50 s.");
  });

  it("never makes a browser ask for a password", async () => {
    const web = await startWebServer();
    const { headers } = await web.request({ path: "/api/v3/openapi.json" });
    expect(headers).not.toHaveProperty("www-authenticate");
  });
});

describe("a failure elsewhere", () => {
  it("is a problem for whoever accepts that, with the status that it has for all others", async () => {
    const web = await startWebServer();
    const denied = problemAnswer(403, "You're not allowed.", {}, { code: "PERMISSION_DENIED" });
    expect(await web.request({ path: "/api/v2/info", headers: wanting })).toEqual(denied);
    const { status, body } = await web.request({ path: "/api/v2/info", headers: wanting, as: "nobody" });
    const { traceId, ...problem } = JSON.parse(body);
    expect({ status, problem }).toEqual({ status: 403, problem: JSON.parse(denied.body) });
    expect(traceId).toMatch(/^[\da-f]{16}$/);
  });

  it("is a text for everybody else", async () => {
    const web = await startWebServer();
    for (const accept of ["*/*", "application/json", "text/plain, application/problem+json;q=0.5"]) {
      expect(await web.request({ path: "/api/v2/info", headers: { accept } })).toEqual(refused);
    }
    expect(await web.request({ path: "/api/v2/nothing", method: "PUT" })).toEqual(
      textAnswer(404, "Document not found: PUT /api/v2/nothing"),
    );
  });
});
