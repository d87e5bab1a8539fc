import { describe, expect, it } from "vitest";
import { Grants, type Principal } from "../../src/kernel/principal.js";
import { Sessions } from "../../src/security/sessions.js";
import { FakeClock } from "../support/fake-clock.js";

const hour = 3_600_000;

function user(name: string, grant = "*"): Principal {
  return { name: `user:${name}`, kind: "user", grants: new Grants([grant]) };
}

describe("a session", () => {
  it("is known by a token of 32 letters and digits, which nobody else has", () => {
    const sessions = new Sessions(new FakeClock());
    const joe = user("joe");
    const [one, other] = [sessions.open(joe, "joe"), sessions.open(joe, "joe")];
    expect(one).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(other).not.toBe(one);
    expect([sessions.find(one), sessions.find(other), sessions.find("x")]).toEqual([joe, joe, undefined]);
  });

  it("lasts for eight hours, however often it is used", () => {
    const clock = new FakeClock();
    const sessions = new Sessions(clock);
    const token = sessions.open(user("joe"), "joe");
    clock.advance(8 * hour - 1);
    expect(sessions.find(token)?.name).toBe("user:joe");
    clock.advance(1);
    expect(sessions.find(token)).toBeUndefined();
    expect(sessions.close(token)).toBe(false);
  });

  it("ends when it is closed", () => {
    const sessions = new Sessions(new FakeClock());
    const token = sessions.open(user("joe"), "joe");
    expect([sessions.close(token), sessions.find(token), sessions.close(token)]).toEqual([true, undefined, false]);
  });

  it("is the first to end when there are more than 4096", () => {
    const sessions = new Sessions(new FakeClock());
    const [first, second] = [sessions.open(user("a"), "a"), sessions.open(user("b"), "b")];
    for (let count = 0; count < 4095; count++) sessions.open(user("c"), "c");
    expect([sessions.find(first)?.name, sessions.find(second)?.name]).toEqual([undefined, "user:b"]);
  });

  it("goes on with new grants for users who stayed, and ends for all others", () => {
    const sessions = new Sessions(new FakeClock());
    const tokens = [
      sessions.open(user("stays"), "stays"),
      sessions.open(user("goes"), "goes"),
      sessions.open({ name: "CN=x", kind: "certificate", grants: new Grants(["*"]) }, undefined),
    ];
    sessions.renew((name) => (name === "stays" ? user(name, "info.get") : undefined));
    const grants = tokens.map((token) => sessions.find(token)?.grants.texts);
    expect(grants).toEqual([["info.get"], undefined, undefined]);
  });
});
