import { expect, it } from "vitest";
import { securitySettings } from "../../src/security/security-settings.js";
import { problemText } from "../../src/settings/errors.js";
import { validateSettings } from "../../src/settings/validate.js";
import { storeOf } from "./support.js";

it("a check of the settings finds grants that can't match, broken hashes and keys that are not there", () => {
  const store = storeOf(`
[/settings/security]
anonymus role = poller
auth rate limit block seconds = 0
[/settings/security/roles]
own = public,querys.execute
[/settings/security/users/ops]
password = scrypt$1$1$1$$
[/settings/WEB/server/users/old]
role = client
pasword = x`);
  const problems = validateSettings(store, { core: securitySettings, modules: [] }).map(problemText);
  expect(problems.sort()).toEqual([
    'error: [/settings/security/roles] own: there is no grant "querys.execute" (did you mean "queries.execute"?)',
    "error: [/settings/security/users/ops] password: the parameters of its scrypt hash are out of range",
    "error: [/settings/security] auth rate limit block seconds: 0 is less than 1",
    'warning: [/settings/WEB/server/users/old] pasword: unknown key (did you mean "password"?)',
    'warning: [/settings/security] anonymus role: unknown key (did you mean "anonymous role"?)',
  ]);
});

it("a password that stands in place of a user's section is a secret all the same", () => {
  const { registry } = storeOf("");
  registry.registerSchema(securitySettings, "", "security");
  const shown = (path: string, key: string) => registry.isSensitive(path, key);
  expect([shown("/settings/security/users", "joe"), shown("/settings/WEB/server/users", "admin")]).toEqual([
    true,
    true,
  ]);
  expect([shown("/settings/security/roles", "own"), shown("/settings/security/users/joe", "role")]).toEqual([
    false,
    false,
  ]);
});

it.each([
  ["api key", true],
  ["access_key", true],
  ["user-token", true],
  ["credentials", true],
  ["key", false],
  ["keyboard", false],
  ["tokens used", false],
])("an undescribed key called %s is secret: %s", (key, expected) => {
  expect(storeOf("").registry.isSensitive("/settings/my", key)).toBe(expected);
});
