import { expect, test } from "vitest";
import { runConfigCheck, runSettings } from "../../src/cli/settings.js";
import { configContext } from "../../src/cli/settings-contexts.js";
import { moduleSchemas } from "../../src/gateway/module-list.js";
import { coreSettings } from "../../src/settings/core-settings.js";
import { openSettings } from "../../src/settings/open.js";
import { registryOf } from "../../src/settings/registry.js";
import { settingsFolder } from "../settings/temporary-store.js";

/** What a command of the settings prints about this file. */
async function printed(command: typeof runSettings, file: string, ...args: string[]): Promise<[number, string]> {
  const made = settingsFolder({ "main.ini": file });
  let text = "";
  const write = (more: string) => {
    text += more.replaceAll(made.folder, "");
  };
  const open = () =>
    openSettings({
      ...{ context: made.file("main.ini"), paths: made.tokens(), defines: [], workingFolder: made.folder },
      registry: registryOf(coreSettings, moduleSchemas),
    });
  const code = await command(
    args,
    { stdout: write, stderr: write },
    { core: coreSettings, modules: moduleSchemas, open },
  );
  return [code, text];
}

const nrdp = `[/modules]
NRDPClient = enabled
[/settings/NRDP/client]
submit to = first
[/settings/NRDP/client/targets/first]
address = http://gateway:pass-word@127.0.0.1:1/nrdp/
token = secret
`;

test("config check takes a relay that can work", async () => {
  expect(await printed(runConfigCheck, nrdp)).toEqual([0, expect.stringContaining("No problems found")]);
});

test("config check knows the section of the spool", async () => {
  const made = settingsFolder({ "main.ini": "[/settings/spool]\nmaximum size = 4G\nmaximun count = 5\n" });
  const written: string[] = [];
  const write = (text: string) => void written.push(text.replaceAll(made.folder, ""));
  const io = { stdout: write, stderr: write, stdin: process.stdin };
  expect(await configContext.run(["check", "--settings", made.file("main.ini")], io)).toBe(1);
  expect(written).toEqual([
    '/main.ini:3: warning: [/settings/spool] maximun count: unknown key (did you mean "maximum count"?)\n',
  ]);
});

test.for([
  [
    "submit to = first",
    "submit to = frist",
    "4: error: [/settings/NRDP/client] submit to: NRDPClient has no target frist",
  ],
  [
    "token = secret",
    "token = secret\nfailover = secnod",
    "8: error: [/settings/NRDP/client/targets/first] failover: NRDPClient has no target secnod",
  ],
  ["http://gateway", "ftp://gateway", "6: error: [/settings/NRDP/client/targets/first] address: it begins with ftp://"],
  [
    ":1/nrdp",
    ":99999/nrdp",
    '6: error: [/settings/NRDP/client/targets/first] address: "http://gateway:***@127.0.0.1:99999/nrdp/" is neither',
  ],
  [
    "token = secret",
    "token = secret\nhost name template = ${hots}",
    "8: error: [/settings/NRDP/client/targets/first] host name template: there is no ${hots}",
  ],
] as const)(
  "config check finds what would keep a relay from starting: %s becomes %s",
  async ([right, wrong, problem]) => {
    const [code, text] = await printed(runConfigCheck, nrdp.replace(right, wrong));
    expect([code, text.slice(0, `/main.ini:${problem}`.length)]).toEqual([1, `/main.ini:${problem}`]);
  },
);

test("config check names each target with a cipher that there is not, in sections of an alias too", async () => {
  const file = `[/modules]
nsca2 = NSCAClient
[/settings/NSCA/nsca2/targets/a]
address = 127.0.0.1
encryption = aes257
[/settings/NSCA/nsca2/targets/b]
address = 127.0.0.1
encryption = mars
`;
  const [code, text] = await printed(runConfigCheck, file);
  expect([code, text.match(/^.* is not known/gm)]).toEqual([
    1,
    [
      '/main.ini:5: error: [/settings/NSCA/nsca2/targets/a] encryption: encryption "aes257" is not known',
      '/main.ini:8: error: [/settings/NSCA/nsca2/targets/b] encryption: encryption "mars" is not known',
    ],
  ]);
});

test("the password in an address is not shown when settings are listed", async () => {
  const [, text] = await printed(runSettings, nrdp, "--list", "--path", "/settings/NRDP/client/targets/first");
  expect(text).toContain("address=http://gateway:***@127.0.0.1:1/nrdp/\n");
  expect(text).not.toMatch(/pass-word|secret/);
});
