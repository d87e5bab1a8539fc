import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { templateProblem } from "../../../src/modules/simple-file-writer/line-template.js";
import { fileProtocol } from "../../../src/modules/simple-file-writer/protocol.js";
import { temporaryFolder } from "../../support/gateway-process.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";

const never = new AbortController().signal;
const delivered = { kind: "delivered", text: "Submission successful" };

/** A result of the service `disk` on `web1`. */
const disk = (text: string, code = 0) => outgoingResult("web1", "disk", code, text);

function writer(keys: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder("writer");
  onTestFinished(folder.remove);
  const file = join(folder.path, "results.txt");
  const make = (path = file) => relaySender(fileProtocol, { file: path, ...keys }).sender;
  return { folder: folder.path, file, make, sender: make(), read: () => readFileSync(file, "utf8") };
}

describe("the lines of a file", () => {
  it("have service, state and text unless the settings say otherwise", async () => {
    const { sender, read, file } = writer();
    const batch = [
      disk("91 % full|'/'=91%;90;95", 1),
      outgoingResult("web1", "häuser", 0, "one\ntwo\r\nthree"),
      outgoingResult("web1", "", 0, "up"),
    ];
    expect(await sender.send(batch, never)).toEqual([delivered, delivered, delivered]);
    await sender.send([disk("more", 9)], never);
    expect(read()).toBe(`disk WARNING 91 % full|'/'=91%;90;95
häuser OK one\\ntwo\\nthree
host_check OK up
disk UNKNOWN more
`);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it("are made of the words of the templates, one for hosts and one for services", async () => {
    const { sender, read } = writer({
      "service-syntax": "%(host);${service};${alias};${command};${channel};${result_number};${text};${perf};${epoch}",
      "host-syntax": "${time} ${host}",
      "time-syntax": "%F",
    });
    await sender.send([disk("x|a=1", 2), outgoingResult("web1", "", 0, "up")], never);
    const time = new Date(checkTimeMs);
    const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map((part) => String(part).padStart(2, "0"));
    expect(read()).toBe(`web1;disk;disk;disk;test;2;x;'a'=1;${checkTimeMs / 1000}\n${date.join("-")} web1\n`);
  });

  it("are refused when a template has a word that there is not", () => {
    expect(templateProblem("${host} %(servce)")).toMatch(/^there is no \$\{servce\} \(there are \$\{host\}, /);
    expect(templateProblem("${host} $ % ()")).toBeUndefined();
  });
});

describe("a file that others deal with", () => {
  it("is followed when it is renamed, removed or cut", async () => {
    const { sender, read, file } = writer();
    const send = (text: string) => sender.send([disk(text)], never);
    await send("one");
    renameSync(file, `${file}.1`);
    await send("two");
    expect([readFileSync(`${file}.1`, "utf8"), read()]).toEqual(["disk OK one\n", "disk OK two\n"]);
    rmSync(file);
    await send("three");
    expect(read()).toBe("disk OK three\n");
    truncateSync(file);
    await send("four");
    expect(read()).toBe("disk OK four\n");
  });

  it("is made through a link, and kept when it is there", async () => {
    const { make, file, folder, read } = writer();
    writeFileSync(file, "before\n");
    const link = join(folder, "link");
    symlinkSync(file, link);
    await make(link).send([disk("x")], never);
    expect(read()).toBe("before\ndisk OK x\n");
  });
});

describe("what can't be written fails, to be tried again", () => {
  it.each(["missing/results.txt", "folder", "pipe"])("to %s", async (name) => {
    const { make, folder } = writer();
    mkdirSync(join(folder, "folder"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await expect(make(join(folder, name)).send([disk("x")], never)).rejects.toThrow(/ENOENT|EISDIR|ENXIO/);
  });

  it("to a device, which keeps nothing", async () => {
    await expect(
      writer()
        .make("/dev/null")
        .send([disk("x")], never),
    ).rejects.toThrow("/dev/null is no regular file");
  });

  it("when the gateway ends", async () => {
    const { sender, file } = writer();
    await expect(sender.send([disk("x")], AbortSignal.abort(new Error("the gateway ends")))).rejects.toThrow(
      "The file was not written in time: the gateway ends",
    );
    await sender.close();
    expect(() => statSync(file)).toThrow(/ENOENT/);
  });
});
