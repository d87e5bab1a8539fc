import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder("nrpe-install");
  onTestFinished(() => folder.remove());
  writeFileSync(join(folder.path, "nscp.ini"), "");
});

const path = (name: string) => join(folder.path, name);

async function nscp(...words: readonly string[]) {
  const store = ["--settings", path("nscp.ini"), "--path-override", `certificate-path=${path("certs")}`];
  const { code, stdout, stderr } = await run(join(packageRoot, "bin", "nscp.js"), ["nrpe", ...words, ...store]);
  return { code, stdout, stderr };
}

/** Section → keys, as they stand in the file. */
function written(): string[] {
  return readFileSync(path("nscp.ini"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(";"));
}

test("install switches the server on, keeps what it had, and warns of what is open", async () => {
  expect(await nscp("install", "--allowed-hosts", "192.0.2.1", "--port", "5667", "--arguments=safe")).toEqual({
    ...{ code: 0, stderr: "" },
    stdout: `The NRPE server is switched on, on port 5667.
Allowed hosts: 192.0.2.1
Arguments are allowed.
Certificate: ${path("certs/certificate.pem")}
WARNING: no client certificate is asked for: every allowed host may run checks.
WARNING: ${path("certs/certificate.pem")} is not there; nscp nrpe make-cert makes it.
`,
  });
  const before = written();
  expect((await nscp("install")).code).toBe(0);
  expect(written()).toEqual(before);
  expect(before).toEqual([
    "[/modules]",
    "NRPEServer = enabled",
    "[/settings/NRPE/server]",
    "allow arguments = true",
    "allow nasty characters = false",
    "insecure = false",
    "port = 5667",
    "verify mode = none",
    "[/settings/default]",
    "allowed hosts = 192.0.2.1",
  ]);
});

test("client certificates are not asked for without a CA, and nothing is written then", async () => {
  expect(await nscp("install", "--verify=peer-cert")).toEqual({
    ...{ code: 3, stderr: "" },
    stdout: "Client certificates can't be verified without a CA: name one with --ca, or use --verify=none\n",
  });
  expect(written()).toEqual([]);
  expect((await nscp("install", "--verify", "--ca", path("ca.pem"))).code).toBe(0);
  expect(written()).toContain("verify mode = peer-cert");
  expect(written()).toContain(`ca = ${path("ca.pem")}`);
});

test("insecure or not, versions and ciphers of the other mode do not stay behind", async () => {
  for (const value of ["true", "false"]) {
    const strength = "tls version = 1.0+\nallowed ciphers = ALL:!MD5:@STRENGTH:@SECLEVEL=0\nssl options = no-tlsv1_3";
    writeFileSync(path("nscp.ini"), `[/settings/NRPE/server]\n${strength}\n`);
    expect((await nscp("install")).code).toBe(0);
    expect(written().join("\n")).toContain(strength);
    expect((await nscp("install", `--insecure=${value}`)).code).toBe(0);
    expect(written().filter((line) => /^(tls version|allowed ciphers|ssl options)/.test(line))).toEqual([]);
  }
});

test("insecure clears the certificate of the settings", async () => {
  await nscp("install", "--certificate", path("own.pem"), "--certificate-key", path("own_key.pem"));
  expect(written()).toContain(`certificate = ${path("own.pem")}`);
  const { stdout } = await nscp("install", "--insecure");
  expect(stdout).toContain("WARNING: insecure is on");
  expect(written().filter((line) => line.startsWith("certificate"))).toEqual([]);
});

test("make-cert and make-certs make a certificate that its authority has signed, and replace none", async () => {
  const files = [path("certs/certificate.pem"), path("certs/certificate_key.pem")];
  expect(await nscp("make-cert", "--host", "agent.example")).toEqual({
    ...{ code: 0, stderr: "" },
    stdout: [...files, path("certs/ca.pem"), path("certs/ca-key.pem")].map((file) => `${file} generated.\n`).join(""),
  });
  const authority = new X509Certificate(readFileSync(path("certs/ca.pem")));
  const certificate = () => new X509Certificate(readFileSync(files[0] ?? ""));
  expect([certificate().verify(authority.publicKey), certificate().checkHost("agent.example")]).toEqual([
    true,
    "agent.example",
  ]);
  const first = certificate().fingerprint256;
  expect(await nscp("make-certs")).toEqual({
    ...{ code: 3, stderr: "" },
    stdout: "Certificate already exists, wont overwrite\n",
  });
  expect(certificate().fingerprint256).toBe(first);
  expect((await nscp("make-certs", "--force")).stdout).toBe(files.map((file) => `${file} generated.\n`).join(""));
  expect(certificate().fingerprint256 === first).toBe(false);
  expect((await nscp("make-cert", "--certificate", path("certs/b.pem"))).code).toBe(0);
  expect(existsSync(path("certs/b_key.pem"))).toBe(true);
});

test("without words and with unknown ones the usage is the answer", async () => {
  const usage = "Usage: nscp nrpe [install|make-cert] --help\n";
  const plain = await run(join(packageRoot, "bin", "nscp.js"), ["nrpe"]);
  expect([plain.code, plain.stdout]).toEqual([3, usage]);
  const unknown = await run(join(packageRoot, "bin", "nscp.js"), ["nrpe", "instal"]);
  expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([3, usage, "Unknown action: instal\n"]);
});
