import { readFileSync } from "node:fs";
import { request } from "node:https";
import { expect, onTestFinished, test } from "vitest";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

function get(gateway: GatewayProcess, user: string, password: string): Promise<string> {
  const port = Number(/Listening on 127\.0\.0\.1 port (\d+) \(HTTPS\)/.exec(gateway.log)?.[1]);
  const ca = readFileSync(gateway.certificate("ca.pem"));
  return new Promise((resolve, reject) => {
    const options = { host: "localhost", port, path: "/api/v2/login", auth: `${user}:${password}`, ca, agent: false };
    request(options, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      resolve(text);
    })
      .once("error", reject)
      .end();
  });
}

test("users that nscp web makes log in after a reload, with the password that was printed and no other", async () => {
  const gateway = await startGateway({
    settings: `[/modules]
GRPCServer = enabled
WEBServer = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
[/settings/WEB/server]
port = 0
bind to = 127.0.0.1
`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const made = await gateway.nscp("web", "add-user", "--user", "An na");
  const password = /^User An na authenticated by (\w{32}) as client$/m.exec(made.stdout)?.[1] ?? "";
  expect(await gateway.nscp("web", "add-user", "--user", "ops", "--password", 'pa:ss "w$rd" ü')).toMatchObject({
    code: 0,
  });
  expect(await get(gateway, "An na", password)).toBe("403 You're not allowed");

  expect(await gateway.nscp("reload")).toMatchObject({ code: 0 });
  expect(JSON.parse(await get(gateway, "An na", password))).toMatchObject({ user: "An na" });
  expect(JSON.parse(await get(gateway, "ops", 'pa:ss "w$rd" ü'))).toMatchObject({ user: "ops" });
  expect(await get(gateway, "ops", password)).toBe("403 You're not allowed");
  expect(gateway.log).not.toContain(password);
});
