import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

/** `nscp` with settings and folders of its own. */
function nscpIn(settings = "") {
  const folder = temporaryFolder("security");
  onTestFinished(() => folder.remove());
  const file = join(folder.path, "nscp.ini");
  writeFileSync(file, settings);
  const common = ["--settings", file, "--path-override", `data-path=${join(folder.path, "var")}`];
  const nscp = async (words: string, stdin = "") => {
    const args = [join(packageRoot, "bin", "nscp.js"), ...words.split(" "), ...common];
    const { code, stdout, stderr } = await run(process.execPath, args, { cwd: folder.path, stdin });
    return { code, stdout: stdout.replaceAll(folder.path, "."), stderr: stderr.replaceAll(folder.path, ".") };
  };
  return { nscp, read: (name: string) => readFileSync(join(folder.path, "var", name), "utf8") };
}

describe("nscp token", () => {
  it("makes a token that is shown once, lists it and revokes it", async () => {
    const { nscp, read } = nscpIn("[/settings/security/roles]\nbackup = submit:NSCA\n");
    const added = await nscp("token add icinga --role backup");
    expect(added).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^nscp_[A-Za-z0-9_-]{43}\n$/),
      stderr: expect.stringMatching(
        /^This is the only time that the token is shown\. Token icinga \([0-9a-f]{8}\) has the role backup and does not expire\.\n$/,
      ),
    });
    expect(read("tokens.json")).not.toContain(added.stdout.trim());
    const listed = await nscp("token list");
    const today = new Date().toISOString().slice(0, 10);
    const id = /^[0-9a-f]{8}/m.exec(listed.stdout)?.[0] ?? "";
    expect(listed).toEqual({
      code: 0,
      stdout: `ID        NAME    ROLE    CREATED     EXPIRES\n${id}  icinga  backup  ${today}  never\n`,
      stderr: "",
    });
    expect(await nscp(`token revoke ${id}`)).toEqual({
      code: 0,
      stdout: `Revoked token icinga (${id}).\n`,
      stderr: "",
    });
    expect(await nscp("token list")).toEqual({ code: 0, stdout: "There are no tokens.\n", stderr: "" });
  });

  it.each([
    ["token add x --role poler", 3, 'There is no role "poler" (did you mean "poller"?).\n'],
    ["token add x --role poller --expires soon", 3, '"soon" is not a time such as 12h, 30d or 52w.\n'],
    [
      "token add ../x --role poller",
      3,
      'The token name "../x" needs letters, digits and . _ - @, at most 64 of them, and must not look like an ID.\n',
    ],
    ["token add x", 1, "error: required option '--role <role>' not specified\n"],
    ["token revoke x", 3, "There is no token x.\n"],
    ["token hash-password", 3, "There is no password on standard input.\n"],
  ])("%s exits with %i and says why", async (words, code, stderr) => {
    expect(await nscpIn().nscp(words)).toEqual({ code, stdout: "", stderr });
  });

  it("hashes a password for a user's section", async () => {
    const hashed = await nscpIn().nscp("token hash-password", "geheim\n");
    expect(hashed).toEqual({ code: 0, stdout: expect.stringMatching(/^scrypt\$16384\$8\$1\$\S+\$\S+\n$/), stderr: "" });
  });
});

describe("nscp certs", () => {
  it("makes what TLS needs, once, and a client more when asked", async () => {
    const { nscp } = nscpIn();
    const files = ["ca", "ca-key", "certificate", "certificate_key", "poller1", "poller1-key"];
    expect(await nscp("certs init --host gw.example.com --client-name poller1")).toEqual({
      code: 0,
      stdout: files.map((name) => `./var/security/${name}.pem\n`).join(""),
      stderr: "Keep ca-key.pem away from everybody: whoever has it can pass for any client.\n",
    });
    expect(await nscp("certs init")).toEqual({
      code: 3,
      stdout: "",
      stderr: "./var/security/ca.pem is there already; --force replaces it.\n",
    });
    expect(await nscp("certs client poller2")).toEqual({
      code: 0,
      stdout: "./var/security/poller2.pem\n./var/security/poller2-key.pem\n",
      stderr: "Give it a role: [/settings/security/certificates] CN:poller2 = poller\n",
    });
    const shown = await nscp("certs show");
    const subjects = shown.stdout.match(/^ {2}subject .*$/gm)?.map((line) => line.replace(/CA \w+/, "CA …"));
    expect([shown.code, subjects]).toEqual([
      0,
      [
        "  subject    CN=nscp-gateway CA …",
        "  subject    CN=gw.example.com",
        "  subject    CN=poller1",
        "  subject    CN=poller2",
      ],
    ]);
  });

  it.each([
    ["certs show", 3, /^There are no certificates: ENOENT/],
    ["certs show nscp.ini", 3, /^nscp\.ini holds no certificate in PEM form\.\n$/],
    ["certs init --days 0", 3, /^"0" is not a number of days between 1 and 36500\.\n$/],
    ["certs init --host a_b,c", 3, /^"a_b,c" is neither a host name nor an address\.\n$/],
    ["certs client late", 3, /^There is no authority to issue it: .*; nscp certs init makes one\n$/],
    ["certs renew", 1, /^Unknown action: renew\nUsage: nscp certs <action>\n/],
  ])("%s exits with %i and says why", async (words, code, stderr) => {
    expect(await nscpIn().nscp(words)).toEqual({ code, stdout: "", stderr: expect.stringMatching(stderr) });
  });
});
