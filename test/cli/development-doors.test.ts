import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { findPorts, makeFirstLogin } from "../../src/cli/development-doors.js";
import { settingsFolder } from "../settings/temporary-store.js";
import { freePort } from "../support/free-port.js";

const admin = "/settings/WEB/server/users/admin";

function storeOf(text: string) {
  return settingsFolder({ "main.ini": text }).open();
}

it("a port that another program has is left to it for this run, and that is said", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const taken = (other.address() as AddressInfo).port;
  const web = await freePort();
  const store = storeOf(`[/modules]
WEBServer = enabled
NRPEServer = enabled
[/settings/WEB/server]
port = ${web}
[/settings/NRPE/server]
port = ${taken}
`);
  const { ports, defines, notes } = await findPorts(store);
  expect(ports.web).toBe(web);
  expect(ports.nrpe).toBeGreaterThan(taken);
  expect(defines).toEqual([{ path: "/settings/NRPE/server", key: "port", value: String(ports.nrpe) }]);
  expect(notes).toEqual([`Another program has port ${taken}; NRPEServer takes ${ports.nrpe} this time`]);
});

it("modules that are switched off have no port", async () => {
  const store = storeOf("[/modules]\nWEBServer = disabled\n");
  expect(await findPorts(store)).toEqual({ ports: { web: undefined, nrpe: undefined }, defines: [], notes: [] });
});

it("the first login is made once, and kept as a hash", async () => {
  const store = storeOf("[/modules]\nWEBServer = enabled\n");
  expect(await makeFirstLogin(store)).toMatch(/^[0-9A-Za-z]{32}$/);
  expect(store.get(admin, "password")).toMatch(/^scrypt\$/);
  expect(store.get(admin, "role")).toBe("full");
  expect(store.hasChanged).toBe(false);
  expect(await makeFirstLogin(store)).toBeUndefined();
});

it.each([
  `[${admin}]\npassword = x\n`,
  "[/settings/default]\npassword = x\n",
  "[/settings/WEB/server]\npassword = x\n",
  "[/settings/WEB/server]\ndisable admin user = true\n",
])("there is no first login beside %j", async (text) => {
  const store = storeOf(text);
  expect(await makeFirstLogin(store)).toBeUndefined();
  expect(store.hasChanged).toBe(false);
});
