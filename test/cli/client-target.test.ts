import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ClientOptions } from "../../src/cli/client-options.js";
import { remoteTarget, type StoredTarget } from "../../src/cli/client-target.js";
import { temporaryFolder } from "../support/gateway-process.js";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder("target");
  vi.stubEnv("XDG_CONFIG_HOME", folder.path);
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

const file = () => join(folder.path, "nscp-gateway", "client.ini");

function clientIni(text: string): void {
  mkdirSync(join(folder.path, "nscp-gateway"));
  writeFileSync(file(), text);
}

const resolve = (options: Partial<ClientOptions>, stored?: StoredTarget) =>
  remoteTarget({ argument: [], rawArgument: [], ...options }, async () => stored);

describe("the gateway that nscp client asks", () => {
  it("is none without an address and a target", async () => {
    expect(await resolve({ ca: "x" })).toBeUndefined();
  });

  it("is that of --address, for 30 seconds unless told otherwise", async () => {
    expect(await resolve({ address: "a:1", cert: "c", key: "k", insecure: true })).toEqual({
      address: "a:1",
      certificate: "c",
      certificateKey: "k",
      insecure: true,
      timeoutMs: 30_000,
    });
  });

  it("is that of client.ini, whose files lie beside it, and options beat it", async () => {
    clientIni(`[web.example.org]
address = web.example.org:8444
ca = pem/ca.pem
Certificate Key = /abs/key.pem
cert = ~/c.pem
token-file = token
insecure = no
timeout = 5s
`);
    vi.stubEnv("HOME", "/home/me");
    const beside = join(folder.path, "nscp-gateway");
    expect(await resolve({ target: "web.example.org", timeout: "7", ca: "mine.pem" })).toEqual({
      address: "web.example.org:8444",
      ca: "mine.pem",
      certificate: "/home/me/c.pem",
      certificateKey: "/abs/key.pem",
      tokenFile: join(beside, "token"),
      insecure: false,
      timeoutMs: 7000,
    });
  });

  it("is that of a client.ini as other systems save it", async () => {
    clientIni("\ufeff[gw]\r\naddress = gw:1\r\n");
    expect(await resolve({ target: "gw" })).toMatchObject({ address: "gw:1" });
  });

  it("is that of the settings when client.ini does not know it", async () => {
    clientIni("[other]\naddress = x\n");
    const stored = { address: "s:1", token: "secret", timeoutMs: 9000 };
    expect(await resolve({ target: "mine" }, stored)).toEqual(stored);
    expect(await resolve({ target: "mine", tokenFile: "t" }, stored)).toEqual({
      address: "s:1",
      tokenFile: "t",
      timeoutMs: 9000,
    });
  });

  it.each([
    ["[t]\nadress = x\n", '[t]: there is no key adress (did you mean "address"?)'],
    ["[t]\naddress = x\ninsecure = maybe\n", "[t] insecure is not true or false: maybe"],
  ])("is refused when client.ini is wrong: %j", async (text, message) => {
    clientIni(text);
    await expect(resolve({ target: "t" })).rejects.toThrow(`${file()}, ${message}`);
  });

  it("is refused without an address, and when nobody knows it", async () => {
    clientIni("[t]\nca = x\n");
    await expect(resolve({ target: "t" })).rejects.toThrow("The target t has no address");
    await expect(resolve({ target: "__proto__" })).rejects.toThrow("There is no target __proto__; looked into ");
  });
});
