import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCertificates } from "../../src/security/certificate-files.js";
import { loadTls, type TlsFiles, type TlsMaterial } from "../../src/security/tls.js";
import { TlsWatcher } from "../../src/security/tls-watcher.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";
import { temporaryFolder } from "./support.js";

/** A folder in use, and others with new pairs of other authorities. */
async function watched(options: { newDays?: number } = {}) {
  const root = temporaryFolder();
  const folder = join(root, "live");
  const next = join(root, "next");
  const clock = new FakeClock(Date.UTC(2030, 0, 1));
  await createCertificates({ folder, now: clock.now(), days: 100 });
  await createCertificates({ folder: next, now: clock.now(), days: options.newDays ?? 100 });
  return { root, folder, next, clock, log: new RecordingLog(), ...parts(folder) };
}

function parts(folder: string) {
  const [certificate, key, ca] = ["certificate.pem", "certificate_key.pem", "ca.pem"].map((name) => join(folder, name));
  const files: TlsFiles = { certificate: certificate ?? "", privateKey: key ?? "", ca };
  return { files };
}

async function start(given: { files: TlsFiles; clock: FakeClock; log: RecordingLog }) {
  const watcher = await TlsWatcher.start(given.files, {
    clock: given.clock,
    log: given.log,
    settleMs: 10,
    pollMs: 100,
  });
  onTestFinished(() => watcher.close());
  return watcher;
}

function copy(name: string, from: string, to: string): void {
  copyFileSync(join(from, name), join(to, name));
}

function nextOf(watcher: TlsWatcher): Promise<TlsMaterial> {
  return new Promise((resolve) => {
    const stop = watcher.onChange((material) => {
      stop();
      resolve(material);
    });
  });
}

describe("a certificate in use", () => {
  it("is replaced when its key has come too; until then the old pair stays, and that is said once", async () => {
    const given = await watched();
    const watcher = await start(given);
    const before = watcher.current();
    copy("certificate.pem", given.next, given.folder);
    const mismatch = `The key ${given.files.privateKey} does not belong to the certificate ${given.files.certificate}`;
    expect(await watcher.reload()).toEqual([mismatch]);
    expect(await watcher.reload()).toEqual([mismatch]);
    expect(watcher.current()).toBe(before);
    const pushed = nextOf(watcher);
    copy("certificate_key.pem", given.next, given.folder);
    const after = await pushed;
    expect(watcher.current()).toBe(after);
    expect(after.privateKey).toEqual(readFileSync(join(given.next, "certificate_key.pem")));
    expect(given.log.records).toEqual([
      `warn: ${mismatch}. The certificate in use stays.`,
      `info: The certificate ${given.files.certificate} was replaced; connections that are open stay so.`,
    ]);
  });

  it("is replaced when the link to its folder is turned, as container platforms do", async () => {
    const given = await watched();
    const mount = join(given.root, "mount");
    mkdirSync(mount);
    symlinkSync(given.folder, join(mount, "..data"));
    for (const name of ["certificate.pem", "certificate_key.pem", "ca.pem"]) {
      symlinkSync(join("..data", name), join(mount, name));
    }
    const watcher = await start({ ...given, ...parts(mount) });
    const pushed = nextOf(watcher);
    symlinkSync(given.next, join(mount, "..new"));
    renameSync(join(mount, "..new"), join(mount, "..data"));
    expect((await pushed).certificate).toEqual(readFileSync(join(given.next, "certificate.pem")));
  });

  it("is replaced when only the authorities change", async () => {
    const given = await watched();
    const watcher = await start(given);
    const pushed = nextOf(watcher);
    copy("ca.pem", given.next, given.folder);
    expect((await pushed).ca).toEqual(readFileSync(join(given.next, "ca.pem")));
  });

  it("stays when the new one is broken, gone, empty or has no authorities", async () => {
    const given = await watched();
    const watcher = await start(given);
    const before = watcher.current();
    const { certificate, privateKey } = given.files;
    const ca = join(given.folder, "ca.pem");
    const problems: unknown[] = [];
    for (const [file, content] of [
      [certificate, "-----BEGIN CERTIFICATE-----\nMIIB"],
      [privateKey, ""],
      [privateKey, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"],
      [ca, ""],
    ] as const) {
      const good = readFileSync(file);
      writeFileSync(file, content);
      problems.push(...(await watcher.reload()).map((problem) => problem.replace(/ \(error:.*\)$/, " (…)")));
      writeFileSync(file, good);
    }
    expect(problems).toEqual([
      `${certificate} holds no certificate in PEM form`,
      `${privateKey} holds no private key in PEM form (…)`,
      `The key ${privateKey} is encrypted; the gateway needs one without a passphrase`,
      `${ca} holds no certificate of an authority`,
    ]);
    expect([await watcher.reload(), watcher.current()]).toEqual([[], before]);
  });

  it("stays when the new one has expired already", async () => {
    const given = await watched({ newDays: 1 });
    const watcher = await start(given);
    given.clock.advance(2 * 86_400_000);
    copy("certificate.pem", given.next, given.folder);
    copy("certificate_key.pem", given.next, given.folder);
    expect(await watcher.reload()).toEqual([`The new certificate ${given.files.certificate} has expired already`]);
  });

  it("is spoken of when it ends soon, when it has ended and when everybody can read its key", async () => {
    const given = await watched();
    chmodSync(given.files.privateKey, 0o644);
    given.clock.advance(90 * 86_400_000);
    await start(given);
    const soon = given.log.of("warn").map((text) => text.replace(/CN=\S+|on .* GMT/g, "…"));
    expect(soon).toEqual([
      `${given.files.certificate}: … expires in 10 days, …`,
      `Everybody on this machine may read the key ${given.files.privateKey}; set its permissions to 600`,
    ]);
    given.clock.advance(20 * 86_400_000);
    given.log.records.length = 0;
    await start(given);
    expect(given.log.of("warn")[0]).toMatch(/ has expired on .* GMT$/);
  });

  it("is in use although its key was taken away right after it was read", async () => {
    const { files, next } = await watched();
    const key = readFileSync(files.privateKey);
    const privateKey = join(next, "pipe");
    execFileSync("mkfifo", [privateKey]);
    const loading = loadTls({ ...files, privateKey }, Date.UTC(2030, 0, 1));
    const writer = await open(privateKey, "w");
    rmSync(privateKey);
    await writer.write(key);
    await writer.close();
    expect(await loading).toMatchObject({ material: { privateKey: key }, problems: [], warnings: [] });
  });

  it("that is not there is no reason to begin", async () => {
    const folder = temporaryFolder();
    const begun = start({ ...parts(folder), clock: new FakeClock(), log: new RecordingLog() });
    await expect(begun).rejects.toThrow(
      [
        ["certificate", "certificate.pem"],
        ["private key", "certificate_key.pem"],
        ["file of certificate authorities", "ca.pem"],
      ]
        .map(
          ([what, name = ""]) =>
            `The ${what} can't be read: ENOENT: no such file or directory, open '${join(folder, name)}'`,
        )
        .join("\n"),
    );
  });
});
