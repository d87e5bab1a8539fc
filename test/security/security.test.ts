import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Principal } from "../../src/kernel/principal.js";
import type { Credentials } from "../../src/security/credentials.js";
import { LoginMemory } from "../../src/security/login-memory.js";
import { hashPassword } from "../../src/security/passwords.js";
import { Security } from "../../src/security/security.js";
import { updateTokenFile } from "../../src/security/token-file.js";
import { makeToken, type TokenRecord } from "../../src/security/tokens.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";
import { storeOf, temporaryFolder } from "./support.js";

const peer = { frontEnd: "grpc", peer: "10.0.0.1" };
const certificate = { subjectAltNames: ["DNS:poller1.example.com"], commonName: "poller1", fingerprint256: "AB:CD" };

class Door {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly audited: string[] = [];
  readonly folder = temporaryFolder();
  readonly tokenFile = join(this.folder, "tokens.json");
  readonly security = new Security({
    clock: this.clock,
    log: this.log,
    openAuditFile: () => ({ write: (line) => this.audited.push(line), flush: async () => {}, close: async () => {} }),
  });

  static async with(ini: string): Promise<Door> {
    const door = new Door();
    onTestFinished(() => door.security.close());
    await door.reload(ini);
    return door;
  }

  reload(ini: string): Promise<void> {
    return this.security.reload(storeOf(ini, this.folder));
  }

  /** The principal, or why there is none. */
  async ask(credentials: Partial<Credentials>): Promise<Principal | string> {
    try {
      return await this.security.authenticate({ ...peer, ...credentials });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Name, kind and one grant of the principal, or why there is none. */
  async who(credentials: Partial<Credentials>, grant = "queries.execute"): Promise<string> {
    const principal = await this.ask(credentials);
    if (typeof principal === "string") return principal;
    return `${principal.name} (${principal.kind}) ${principal.grants.allows(grant) ? "may" : "may not"} ${grant}`;
  }

  /** Adds a token as `nscp token add` does. */
  async token(what: Partial<TokenRecord> = {}): Promise<string> {
    const { text, record } = makeToken({ name: "icinga", role: "poller", expires: undefined, ...what }, 0);
    await updateTokenFile(this.tokenFile, (tokens) => ({ tokens: [...tokens, record], result: undefined }));
    return text;
  }

  revokeAll(): Promise<void> {
    return updateTokenFile(this.tokenFile, () => ({ tokens: [], result: undefined }));
  }
}

describe("before the settings were read", () => {
  it("nobody gets in", async () => {
    const door = new Door();
    expect([await door.who({}), await door.who({ basic: { user: "admin", password: "" } })]).toEqual([
      "Credentials are required.",
      "Wrong user or password.",
    ]);
    expect(await door.who({ certificate })).toBe("CN=poller1 (certificate) may not queries.execute");
  });
});

describe("a client certificate", () => {
  it.each([
    ["CN:poller1", "may"],
    ["cn:POLLER1", "may"],
    ["poller1", "may"],
    ["poller1.example.com", "may"],
    ["DNS:poller1.example.com", "may"],
    ["DNS:*.example.com", "may"],
    ["SHA256:abcd", "may"],
    ["DNS:poller1", "may not"],
    ["CN:poller1.example.com", "may not"],
    ["URI:poller1.example.com", "may not"],
    ["DNS:*.example.org", "may not"],
    ["DNS:", "may not"],
  ])("that the row %s names %s run checks", async (row, may) => {
    const door = await Door.with(`[/settings/security/certificates]\n${row} = poller`);
    expect(await door.who({ certificate })).toBe(`CN=poller1 (certificate) ${may} queries.execute`);
  });

  it("has the role of the most specific row", async () => {
    const rows = ["* = full", "DNS:*.example.com = submitter", "DNS:poller*.example.com = client", "CN:poller2 = full"];
    const door = await Door.with(`[/settings/security/certificates]\n${rows.join("\n")}\nCN:poller1 = nobody`);
    const others = { ...certificate, commonName: "x", fingerprint256: "EF" };
    expect(await door.who({ certificate }, "public")).toBe("CN=poller1 (certificate) may not public");
    expect(await door.who({ certificate: others }, "submit")).toBe("CN=x (certificate) may not submit");
    expect(await door.who({ certificate: others }, "login.get")).toBe("CN=x (certificate) may login.get");
  });

  it("without a row has the default role if there is one", async () => {
    const door = await Door.with("[/settings/security]\ndefault certificate role = submitter");
    expect(await door.who({ certificate }, "submit")).toBe("CN=poller1 (certificate) may submit");
  });

  it("gives the same principal again, until the settings change", async () => {
    const ini = "[/settings/security/certificates]\npoller1 = poller";
    const door = await Door.with(ini);
    const first = await door.ask({ certificate });
    const again = await door.ask({ certificate: { ...certificate } });
    await door.reload(`${ini}x`);
    expect([again === first, (await door.ask({ certificate })) === first]).toEqual([true, false]);
  });

  it("does not help who shows a wrong token", async () => {
    const door = await Door.with("[/settings/security/certificates]\npoller1 = full");
    expect(await door.who({ certificate, bearer: "nscp_wrong" })).toBe("The token is not known.");
  });
});

describe("a token", () => {
  it("works at once when it is made, without a reload, and is worthless at once when it is revoked", async () => {
    const door = await Door.with("");
    const early = await door.token();
    door.clock.advance(1000);
    const first = await door.ask({ bearer: early });
    expect([await door.who({ bearer: early }), (await door.ask({ bearer: early })) === first]).toEqual([
      "token:icinga (token) may queries.execute",
      true,
    ]);
    await door.revokeAll();
    await expect.poll(() => door.who({ bearer: early })).toBe("The token is not known.");
  });

  it("expires", async () => {
    const door = await Door.with("");
    const bearer = await door.token({ expires: door.clock.now() + 1000 });
    const before = await door.who({ bearer });
    door.clock.advance(1000);
    expect([before, await door.who({ bearer })]).toEqual([
      "token:icinga (token) may queries.execute",
      "The token icinga has expired.",
    ]);
  });

  it("stays good while its file is broken, and the log says so", async () => {
    const door = await Door.with("");
    const bearer = await door.token();
    door.clock.advance(1000);
    await door.ask({ bearer });
    writeFileSync(door.tokenFile, "{");
    door.clock.advance(1000);
    await door.ask({ bearer: "nscp_other" });
    expect(await door.who({ bearer })).toBe("token:icinga (token) may queries.execute");
    expect(door.log.of("error")[0]).toBe(
      `${door.tokenFile}: not a token file: it is no JSON. The tokens stay as they were.`,
    );
    await expect(door.reload("")).rejects.toThrow(`${door.tokenFile}: not a token file: it is no JSON`);
  });

  it("that is too long or empty is not known", async () => {
    const door = await Door.with("");
    expect([await door.who({ bearer: "x".repeat(9000) }), await door.who({ bearer: "" })]).toEqual([
      "The token is not known.",
      "The token is not known.",
    ]);
  });
});

describe("a user", () => {
  it("logs in with the password, from either section, and the gateway's own section wins", async () => {
    const hash = await hashPassword("geheim");
    const door = await Door.with(`
[/settings/security/users/ops]
password = ${hash}
role = operator
[/settings/WEB/server/users/ops]
password = old
role = full
[/settings/WEB/server/users/view]
password = plain
role = client
[/settings/WEB/server/users/idle]
role = client`);
    const logins = [
      ["ops", "geheim"],
      ["ops", "old"],
      ["OPS", "geheim"],
      ["view", "plain"],
      ["idle", ""],
      ["nobody", "plain"],
    ] as const;
    const answers = [];
    for (const [user, password] of logins) answers.push(await door.who({ basic: { user, password } }));
    expect(answers).toEqual([
      "user:ops (user) may queries.execute",
      "Wrong user or password.",
      "Wrong user or password.",
      "user:view (user) may queries.execute",
      "Wrong user or password.",
      "Wrong user or password.",
    ]);
  });

  it("is hashed once for calls at the same time and afterwards, and anew when the settings change", async () => {
    const ini = `[/settings/security]\nauth rate limit max failures = 2\n[/settings/security/users/ops]\nrole = full\npassword = `;
    const door = await Door.with(`${ini}one`);
    const basic = { user: "ops", password: "one" };
    const all = await Promise.all(Array.from({ length: 50 }, () => door.ask({ basic })));
    expect(new Set([...all, await door.ask({ basic })]).size).toBe(1);
    await door.reload(`${ini}two`);
    expect(await door.who({ basic })).toBe("Wrong user or password.");
  });
});

describe("a connection whose login was right", () => {
  const users = (password: string) => `[/settings/security/roles]
operator = queries.execute
[/settings/security]
auth rate limit max failures = 2
[/settings/security/users/ops]
password = ${password}
role = operator`;
  const known = "user:ops (user) may queries.execute";
  const wrong = "Wrong user or password.";

  it("is known without a hash, and asked again when users change and after five minutes", async () => {
    const door = await Door.with(users("right"));
    const login = { basic: { user: "ops", password: "right" }, memory: new LoginMemory() };
    const recognised = () => door.security.recognise({ ...peer, ...login })?.name;
    const answers = [recognised(), await door.who(login), recognised(), recognised()];
    expect(answers).toEqual([undefined, known, "user:ops", "user:ops"]);
    door.clock.advance(5 * 60_000);
    expect([recognised(), await door.who(login), recognised()]).toEqual([undefined, known, "user:ops"]);
    await door.reload(users("changed"));
    expect([recognised(), await door.who(login)]).toEqual([undefined, wrong]);
  });

  it("is blocked like any other when its address has failed too often", async () => {
    const door = await Door.with(users("right"));
    const memory = new LoginMemory();
    const login = (password: string) => door.who({ basic: { user: "ops", password }, memory });
    const answers: string[] = [];
    for (const password of ["right", "wrong", "right", "wrong", "wrong", "right"]) answers.push(await login(password));
    const blocked = "Too many failed logins from 10.0.0.1; try again in 60 s.";
    expect(answers).toEqual([known, wrong, known, wrong, wrong, blocked]);
  });
});

describe("after too many failed logins", () => {
  const ini = `[/settings/security]
auth rate limit max failures = 2
auth rate limit block seconds = 30
[/settings/security/certificates]
poller1 = poller
[/settings/security/users/ops]
password = right
role = operator`;
  const wrong = { basic: { user: "ops", password: "wrong" } };
  const right = { basic: { user: "ops", password: "right" } };
  const blocked = "Too many failed logins from 10.0.0.1; try again in 30 s.";

  it("an address is refused, also with the right password, until the time is over", async () => {
    const door = await Door.with(ini);
    await door.ask(wrong);
    await door.ask(wrong);
    expect([await door.who(right), await door.who({ ...right, peer: "10.0.0.2" })]).toEqual([
      blocked,
      "user:ops (user) may queries.execute",
    ]);
    door.clock.advance(30_000);
    expect(await door.who(right)).toBe("user:ops (user) may queries.execute");
  });

  it("a certificate and a known token still get in, an unknown token does not", async () => {
    const door = await Door.with(ini);
    const bearer = await door.token();
    door.clock.advance(1000);
    await door.ask({ bearer: "nscp_a" });
    await door.ask({ bearer: "nscp_b" });
    expect([await door.who({ certificate }), await door.who({ bearer }), await door.who({ bearer: "nscp_c" })]).toEqual(
      ["CN=poller1 (certificate) may queries.execute", "token:icinga (token) may queries.execute", blocked],
    );
  });

  it("a hundred guesses at the same time are not all tried", async () => {
    const door = await Door.with(ini);
    const guesses = Array.from({ length: 100 }, (_, index) =>
      door.who({ basic: { user: "ops", password: `p${index}` } }),
    );
    const answers = await Promise.all(guesses);
    expect(answers.filter((answer) => answer === "Wrong user or password.")).toHaveLength(2);
    expect(new Set(answers)).toEqual(
      new Set(["Wrong user or password.", "Too many logins from 10.0.0.1 at once; try again in a moment."]),
    );
  });

  it("callers without credentials do not count", async () => {
    const door = await Door.with(ini);
    for (let call = 0; call < 5; call++) await door.ask({});
    expect(await door.who(right)).toBe("user:ops (user) may queries.execute");
  });
});

describe("somebody without credentials", () => {
  it("is refused, unless there is a role for them", async () => {
    const door = await Door.with("");
    const refused = await door.who({});
    await door.reload("[/settings/security]\nanonymous role = poller");
    expect([refused, await door.who({})]).toEqual([
      "Credentials are required.",
      "anonymous (anonymous) may queries.execute",
    ]);
  });
});

describe("what the operator hears", () => {
  it("refused logins are in the audit log", async () => {
    const door = await Door.with("");
    await door.ask({ basic: { user: "admin\u001b[2J", password: "secret" } });
    await door.ask({ bearer: "nscp_secret" });
    await door.ask({});
    const records = door.audited.map((line) => JSON.parse(line));
    const common = { time: records[0]?.time, action: "login", outcome: "denied", peer: "10.0.0.1", frontEnd: "grpc" };
    expect(records).toEqual([
      { ...common, principal: "user:admin?[2J", kind: "user", reason: "Wrong user or password." },
      { ...common, principal: "token", kind: "token", reason: "The token is not known." },
      { ...common, principal: "anonymous", kind: "anonymous", reason: "Credentials are required." },
    ]);
    expect(door.audited.join("")).not.toContain("secret");
  });

  it("roles that are not there, grants that can't match and users without passwords are in the log", async () => {
    const door = await Door.with(`
[/settings/security/roles]
own = querys.execute,public
old = legacy,login.get
[/settings/security/certificates]
CN:poller1 = poler
[/settings/security/users/idle]
role = own
[/settings/security/users/odd]
password = pbkdf2-sha256$0$00$00
role = own`);
    expect(door.log.records).toEqual([
      "error: The user idle has no password and can't log in",
      "error: The user odd can't log in: the iterations of its pbkdf2 hash are not between 1 and 1000000",
      "error: The role old has the grant legacy, which runs checks without queries.execute",
      'warn: Role own: there is no grant "querys.execute" (did you mean "queries.execute"?)',
      'warn: The certificate CN:poller1 has the role "poler", which is not there (did you mean "poller"?), and so may do nothing',
    ]);
  });

  it("settings of a wrong type change nothing", async () => {
    const door = await Door.with("[/settings/security]\nanonymous role = poller");
    await expect(door.reload("[/settings/security]\nauth rate limit max failures = many")).rejects.toThrow(
      '[/settings/security] auth rate limit max failures: "many" is not a whole number',
    );
    expect(await door.who({})).toBe("anonymous (anonymous) may queries.execute");
  });
});
