import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { nagiosProtocol } from "../../../src/modules/nagios-client/protocol.js";
import { renderCheckResultFile } from "../../../src/wire/nagios-check-result.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";

const never = new AbortController().signal;
const delivered = { kind: "delivered", text: "Written to the check result path" };
const time = checkTimeMs / 1000;

function resultFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "check-results-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function senderTo(folder: string, keys: Record<string, string> = {}) {
  return relaySender(nagiosProtocol, { "check result path": folder, ...keys });
}

describe("the folder that Nagios takes check results from", () => {
  it("gets a batch as one file, and the sign that it is complete", async () => {
    const folder = resultFolder();
    const { sender, clock } = senderTo(folder);
    const executionMs = { start: checkTimeMs - 2500, end: checkTimeMs - 500 };
    const batch = [
      outgoingResult("web1", "Disk", 2, "voll; 99 %|a=1\nmehr"),
      outgoingResult("web1", "a\rb", 0, "x"),
      outgoingResult("web2", "", 2, "weg", { executionMs }),
    ];
    expect(await sender.send(batch, never)).toEqual([
      delivered,
      {
        kind: "refused",
        reason: 'The name of the service "a\\rb" has the control character U+000D in it, which Nagios can\'t take.',
      },
      delivered,
    ]);
    const names = readdirSync(folder).sort();
    expect(names).toEqual([expect.stringMatching(/^c[0-9a-f]{6}$/), `${names[0]}.ok`]);
    const file = join(folder, names[0] ?? "");
    expect(readFileSync(file, "utf8")).toBe(
      renderCheckResultFile(
        [
          { time, host: "web1", service: "Disk", code: 2, output: "voll; 99 %|'a'=1\nmehr" },
          {
            time,
            host: "web2",
            service: "",
            code: 1,
            output: "weg",
            execution: { start: time - 2.5, end: time - 0.5 },
          },
        ],
        clock.now() / 1000,
      ),
    );
    expect(statSync(file).mode & 0o777).toBe(0o660);
  });

  it("gets files with the permissions and the owner that the target has", async () => {
    const folder = resultFolder();
    const { uid, gid } = statSync(folder);
    const { sender } = senderTo(folder, { mode: "640", owner: `${uid}:${gid}` });
    await sender.send([outgoingResult("web1", "s", 0, "x")], never);
    for (const name of readdirSync(folder)) {
      const facts = statSync(join(folder, name));
      expect([facts.mode & 0o777, facts.uid, facts.gid]).toEqual([0o640, uid, gid]);
    }
  });

  it("gets files that belong to its own owner, whom only root can give them to", async () => {
    const folder = resultFolder();
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(folder, 65_534, 65_534);
    await senderTo(folder).sender.send([outgoingResult("web1", "s", 0, "x")], never);
    const { uid, gid } = statSync(folder);
    const owners = readdirSync(folder).map((name) => statSync(join(folder, name)));
    expect(owners.map((facts) => [facts.uid, facts.gid])).toEqual([
      [uid, gid],
      [uid, gid],
    ]);
    expect(uid).toBe(isRoot ? 65_534 : process.getuid?.());
  });

  it("gets no more while Nagios does not read it", async () => {
    const folder = resultFolder();
    const { sender, clock } = senderTo(folder);
    const batch = [outgoingResult("web1", "s", 0, "x")];
    expect(await sender.send(batch, never)).toEqual([delivered]);
    const [first = ""] = readdirSync(folder).filter((name) => name.endsWith(".ok"));
    clock.advance(300_000);
    expect(await sender.send(batch, never)).toEqual([delivered]);
    clock.advance(1_000);
    await expect(sender.send(batch, never)).rejects.toThrow(
      `Nagios does not read ${folder}: 2 files lie there for up to 301 s.`,
    );
    rmSync(join(folder, first));
    expect(await sender.send(batch, never)).toEqual([delivered]);
  });

  it("that nobody reads when the gateway starts is given its time, too", async () => {
    const folder = resultFolder();
    writeFileSync(join(folder, "cAbCdEf.ok"), "");
    const { sender, clock } = senderTo(folder, { "unread limit": "1m" });
    const batch = [outgoingResult("web1", "s", 2, "x")];
    expect(await sender.send(batch, never)).toEqual([delivered]);
    clock.advance(61_000);
    await expect(sender.send(batch, never)).rejects.toThrow(
      `Nagios does not read ${folder}: 2 files lie there for up to 61 s.`,
    );
  });

  it("is written to on and on when it has no limit", async () => {
    const folder = resultFolder();
    const { sender, clock } = senderTo(folder, { "unread limit": "off" });
    const batch = [outgoingResult("web1", "s", 0, "x")];
    expect(await sender.send(batch, never)).toEqual([delivered]);
    clock.advance(86_400_000);
    expect(await sender.send(batch, never)).toEqual([delivered]);
  });

  it("that is not there is named", async () => {
    const folder = join(resultFolder(), "none");
    await expect(senderTo(folder).sender.send([outgoingResult("web1", "s", 0, "x")], never)).rejects.toThrow(folder);
    mkdirSync(folder);
    expect(await senderTo(folder).sender.send([outgoingResult("web1", "s", 0, "x")], never)).toEqual([delivered]);
  });

  it("keeps nothing of a file that could not be finished", async () => {
    const folder = resultFolder();
    // Nobody may give a file to this user, root included: the number is no user's.
    const { sender } = senderTo(folder, { owner: "999999999:999999999" });
    const isRoot = process.getuid?.() === 0;
    const sent = sender.send([outgoingResult("web1", "s", 0, "x")], never);
    if (isRoot) await sent;
    else await expect(sent).rejects.toThrow(`Can't write to ${folder}: EPERM`);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("a target for Nagios that can't work is not loaded", () => {
  it.each<[Record<string, string>, string]>([
    [{}, "check result path: it is missing, and so is a command file; give one of them"],
    [
      { "check result path": "/a", "command file": "/b" },
      "command file: the target has a check result path as well; give one of them",
    ],
  ])("%j", (keys, message) => {
    expect(() => relaySender(nagiosProtocol, keys)).toThrow(message);
  });
});
