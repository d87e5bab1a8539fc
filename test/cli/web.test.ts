import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../../src/cli/run.js";
import { temporaryFolder } from "../support/gateway-process.js";

/** `nscp web` with a settings file of its own; the file's folder is left out of what is printed. */
function webIn(settings?: string) {
  const folder = temporaryFolder("web");
  onTestFinished(() => folder.remove());
  const file = join(folder.path, "nscp.ini");
  if (settings !== undefined) writeFileSync(file, settings, { mode: 0o600 });
  const web = async (words: readonly string[], stdin = "", store = file) => {
    const common = ["--settings", store, "--path-override", `data-path=${folder.path}`];
    const written = { stdout: [] as string[], stderr: [] as string[] };
    const code = await runCli(["web", ...words, ...(words.length === 0 ? [] : common)], {
      stdout: (text) => void written.stdout.push(text),
      stderr: (text) => void written.stderr.push(text),
      stdin: Readable.from([Buffer.from(stdin)]),
    });
    const shown = (texts: readonly string[]) => texts.join("").replaceAll(folder.path, ".");
    return { code, stdout: shown(written.stdout), stderr: shown(written.stderr) };
  };
  const text = () => readFileSync(file, "utf8");
  /** The keys of a section. */
  const section = (name: string) => {
    const lines = text().split("\n");
    const begin = lines.indexOf(`[${name}]`) + 1;
    if (begin === 0) return undefined;
    const length = lines.slice(begin).findIndex((line) => line.startsWith("["));
    const rows = lines.slice(begin, length < 0 ? undefined : begin + length).filter((line) => /^[^;].*=/.test(line));
    return Object.fromEntries(rows.map((row) => row.split(/ *= *(.*)/s).slice(0, 2)));
  };
  return { web, text, section, file, folder: folder.path };
}

const hash = /^scrypt\$16384\$8\$1\$\S{24}\$\S{44}$/;
const once = "This is the only time that the password is shown.\n";
const url = "The web server is switched on: https://localhost:8443/\n";
const usage = "Usage: nscp web [install|password|add-user|add-role] --help\n";
const admin = "/settings/WEB/server/users/admin";

describe("nscp web", () => {
  it.each([
    [[], "", usage],
    [["instal"], "Unknown action: instal\n", usage],
    [["install-ui"], "nscp web install-ui is not offered: the web server has no pages that could be installed.\n", ""],
  ])("%j exits with 3 and says what there is", async (words, stderr, stdout) => {
    expect(await webIn("").web(words)).toEqual({ code: 3, stdout, stderr });
  });
});

describe("nscp web install", () => {
  it("without settings makes them, for their owner only, and prints a password that is kept as a hash", async () => {
    const { web, text, section, file } = webIn();
    const installed = await web(["install"]);
    expect(installed).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^The web server is switched on: \S+\nLogin using this password [0-9A-Za-z]{32}\n$/,
      ),
      stderr: once,
    });
    const password = installed.stdout.trim().split(" ").at(-1) ?? "";
    expect(text()).not.toContain(password);
    expect(section("/modules")).toEqual({ WEBServer: "enabled" });
    expect(section("/settings/WEB/server")).toEqual({ port: "8443" });
    expect(section(admin)).toEqual({ password: expect.stringMatching(hash), role: "full" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("keeps comments, other keys, the file's mode and the admin that there is", async () => {
    const mine = "; mine\n[/modules]\n# why\nWEBServer = disabled\n[/settings/WEB/server]\nthreads = 3\n";
    const { web, text, section, file } = webIn(`${mine}[${admin}]\npassword = plain\nrole = client\n`);
    chmodSync(file, 0o640);
    expect(await web(["install", "--port", "9443s", "-h", "10.0.0.0/8, ::1", "--https"])).toEqual({
      code: 0,
      stdout:
        "The web server is switched on: https://localhost:9443/\nLogin as admin using the password that it has.\n",
      stderr: "",
    });
    expect(text()).toContain("; mine\n[/modules]\n# why\nWEBServer = enabled\n");
    expect(section("/settings/WEB/server")).toEqual({ threads: "3", port: "9443", "allow insecure": "false" });
    expect(section("/settings/default")).toEqual({ "allowed hosts": "10.0.0.0/8,::1" });
    expect(section(admin)).toEqual({ password: "plain", role: "client" });
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("names certificates by their whole path, and says which are not there", async () => {
    const { web, section, folder } = webIn("");
    const near = (name: string) => relative(process.cwd(), join(folder, name));
    writeFileSync(join(folder, "mine.pem"), "");
    const words = [
      "install",
      "--disable-admin",
      "--certificate",
      near("mine.pem"),
      "--certificate-key",
      near("key file.pem"),
    ];
    expect(await web(words)).toEqual({
      code: 0,
      stdout: `${url}There is no user admin; nscp web add-user makes others.\n`,
      stderr: "The certificate key ./key file.pem is not there yet.\n",
    });
    expect(section("/settings/WEB/server")).toEqual({
      certificate: join(folder, "mine.pem"),
      "certificate key": join(folder, "key file.pem"),
      port: "8443",
      "disable admin user": "true",
    });
    expect(section(admin)).toBeUndefined();
    expect((await web(["install"])).stdout).toBe(`${url}The user admin stays disabled; a password enables it.\n`);
    expect((await web(["install", "--password", "a b"])).stdout).toBe(
      `${url}Login as admin using the password that was given.\n`,
    );
    expect(section("/settings/WEB/server")?.["disable admin user"]).toBe("false");
  });

  it("takes the password from standard input or from a file", async () => {
    const { web, section, folder } = webIn("");
    const given = { code: 0, stdout: `${url}Login as admin using the password that was given.\n`, stderr: "" };
    const passwords = new Set<string | undefined>();
    writeFileSync(join(folder, "secret"), 'quo"ted $ % ; # ü\r\n');
    for (const words of [
      ["--password", "-"],
      ["--password-file", "-"],
      ["--password-file", join(folder, "secret")],
    ]) {
      expect(await web(["install", ...words], "from a pipe\n")).toEqual(given);
      passwords.add(section(admin)?.["password"]);
    }
    expect(passwords.size).toBe(3);
    for (const password of passwords) expect(password).toMatch(hash);
  });

  it.each([
    [["--disable-admin", "--password", "x"], "--disable-admin and a password for admin exclude each other.\n"],
    [
      ["--password", "x", "--password-file", "y"],
      /^Give one password: on the command line or in a file, not both\.\n$/,
    ],
    [["--password", ""], "The password is empty.\n"],
    [["--password-file", "missing"], /^The password file can't be read: ENOENT/],
    [["--password", "-"], "There is no password on standard input.\n"],
    [["--port", "99999"], '"99999" is not a port between 1 and 65535.\n'],
    [["-h", "no_host!"], /^--allowed-hosts: .*no_host!/],
    [["-h", ","], "--allowed-hosts: the list is empty.\n"],
  ])("%j is refused, and nothing is written", async (words, stderr) => {
    const { web, text } = webIn("; untouched\n");
    const refused = await web(["install", ...words]);
    expect(refused).toEqual({
      code: 3,
      stdout: "",
      stderr: typeof stderr === "string" ? stderr : expect.stringMatching(stderr),
    });
    expect(text()).toBe("; untouched\n");
  });

  it("shows no password that it could not keep", async () => {
    const { web, folder } = webIn();
    // A file that not even root can write.
    const store = join(folder, "system.ini");
    symlinkSync("/proc/version", store);
    expect(await web(["install"], "", store)).toEqual({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(/^Failed to save settings: .*\/proc\/.*\.\n$/),
    });
  });

  it("says when everybody on the machine can read the hashes", async () => {
    const { web, file } = webIn("");
    chmodSync(file, 0o644);
    expect((await web(["install", "--password", "x"])).stderr).toBe(
      "Every user of this machine can read ./nscp.ini; chmod o-r keeps it from them.\n",
    );
  });
});

describe("nscp web password", () => {
  it("--only-web sets just the login of admin, and forgets what it began with", async () => {
    const { web, text, section } = webIn(
      "[/settings/WEB/server]\npassword = old\n[/settings/default]\npassword = shared\n",
    );
    expect(await web(["password", "--set", "new", "--only-web"])).toEqual({
      code: 0,
      stdout: "The password of admin is set.\n",
      stderr: "",
    });
    expect(section("/settings/default")).toEqual({ password: "shared" });
    expect(section(admin)).toEqual({ password: expect.stringMatching(hash), role: "full" });
    expect(text()).not.toMatch(/= old|= new/);
  });

  it("without it sets the one that other servers share too", async () => {
    const { web, section } = webIn(`[${admin}]\npassword = old\nrole = client\n`);
    expect(await web(["password", "-s", "-"], "new\n")).toEqual({
      code: 0,
      stdout:
        "The password of admin is set.\nThe shared password in [/settings/default] is the same, in plain text: NSCA and others need it to encrypt.\n",
      stderr: "",
    });
    expect(section("/settings/default")).toEqual({ password: "new" });
    expect(section(admin)).toEqual({ password: expect.stringMatching(hash), role: "client" });
  });

  it("--display shows plain text, and says which passwords are hashes", async () => {
    const { web } = webIn(`[/settings/default]\npassword = shared\n[${admin}]\npassword = scrypt$16384$8$1$x$y\n`);
    expect(await web(["password", "--display"])).toEqual({
      code: 0,
      stdout: `[/settings/default] password: shared\n[${admin}] password: kept as a hash (scrypt), which can't be shown\n`,
      stderr: "",
    });
    expect((await web(["password", "-d", "--only-web"])).stdout).toBe(
      `[${admin}] password: kept as a hash (scrypt), which can't be shown\n`,
    );
    expect(await webIn("").web(["password", "--display"])).toEqual({
      code: 3,
      stdout: "",
      stderr: "There is no password; nscp web password --set - reads one from standard input.\n",
    });
  });

  it.each([[[]], [["--only-web"]], [["--set", "x", "--display"]]])(
    "%j exits with 3 and shows its help",
    async (words) => {
      const { code, stdout } = await webIn("").web(["password", ...words]);
      expect([code, stdout.split("\n")[0]]).toEqual([3, "Usage: nscp web password [options]"]);
    },
  );
});

describe("nscp web add-user", () => {
  it("makes a user with a password that is shown once, changes the role alone, and the password alone", async () => {
    const { web, section } = webIn("");
    const user = "/settings/WEB/server/users/An na";
    const added = await web(["add-user", "--user", "An na"]);
    expect(added).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^User An na authenticated by [0-9A-Za-z]{32} as client\n$/),
      stderr: once,
    });
    const first = section(user);
    expect(first).toEqual({ password: expect.stringMatching(hash), role: "client" });
    expect(await web(["add-user", "--user", "An na", "--role", " operator "])).toEqual({
      code: 0,
      stdout: "User An na authenticated by the password that it has as operator\n",
      stderr: "",
    });
    expect(section(user)).toEqual({ ...first, role: "operator" });
    expect((await web(["add-user", "--user", "An na", "--password", "x"])).stdout).toBe(
      "User An na authenticated by the password that was given as operator\n",
    );
    expect(section(user)?.["password"]).not.toBe(first?.["password"]);
  });

  it("warns of a role that is not there and of a user that hides this one", async () => {
    const { web } = webIn("[/settings/security/users/ops]\npassword = x\n");
    expect((await web(["add-user", "--user", "ops", "--password", "y", "--role", "oprator"])).stderr).toBe(
      'There is no role "oprator" yet (did you mean "operator"?).\nThe user ops in [/settings/security/users] counts, and not this one.\n',
    );
  });

  it.each([[["--user", "a:b"]], [["--user", ""]], [["--user", "../x]"]], [["--user", "Default"]], [["--user", " x"]]])(
    "%j can't be a name",
    async (words) => {
      const { code, stdout, stderr } = await webIn("").web(["add-user", ...words]);
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toMatch(/^The user name ".*" can't have a colon, a slash or brackets, /);
    },
  );

  it("needs a name that differs from others in more than case", async () => {
    const { web } = webIn("[/settings/WEB/server/users/ops]\npassword = x\n");
    expect(await web(["add-user"])).toEqual({ code: 3, stdout: "", stderr: "Say which user: --user NAME\n" });
    expect(await web(["add-user", "--user", "Ops"])).toEqual({
      code: 3,
      stdout: "",
      stderr: "There is a user ops already; two names must differ in more than case.\n",
    });
  });
});

describe("nscp web add-role", () => {
  it("writes grants without blanks and twins, and says what they were", async () => {
    const { web, section } = webIn("[/settings/security/roles]\nboard = public\n");
    expect(await web(["add-role", "--role", "board", "--grant", " metrics.list , queries.* ,metrics.list"])).toEqual({
      code: 0,
      stdout: "Role board: metrics.list,queries.*\n",
      stderr: "The role board in [/settings/security/roles] counts, and not this one.\n",
    });
    const more = ["add-role", "--role", "board", "--grant", "public", "--grant", "legacy"];
    expect(await web(more)).toEqual({
      code: 0,
      stdout: "Role board: public,legacy\n",
      stderr:
        "It was: metrics.list,queries.*\nThe role board in [/settings/security/roles] counts, and not this one.\nThe grant legacy runs every check, without queries.execute.\n",
    });
    expect(section("/settings/WEB/server/roles")).toEqual({ board: "public,legacy" });
  });

  it.each([
    [[], "Say which role and what it may do: --role NAME --grant GRANT,…\n"],
    [["--role", "x", "--grant", ","], "Say which role and what it may do: --role NAME --grant GRANT,…\n"],
    [
      ["--role", "x", "--grant", "queries.execut,public,nothing"],
      'Role x: there is no grant "queries.execut" (did you mean "queries.execute"?); there is no grant "nothing".\n',
    ],
    [["--role", "[x", "--grant", "public"], '"[x" can\'t be the name of a settings key\n'],
  ])("%j is refused, and nothing is written", async (words, stderr) => {
    const { web, file } = webIn();
    expect(await web(["add-role", ...words])).toEqual({ code: 3, stdout: "", stderr });
    expect(existsSync(file)).toBe(false);
  });
});
