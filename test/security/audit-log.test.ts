import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/security/audit.js";
import { AuditLog, type LineFile, type LineFileOptions } from "../../src/security/audit-log.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";

class Paper implements LineFile {
  readonly lines: string[] = [];
  closed = false;
  constructor(
    readonly options: LineFileOptions,
    readonly onProblem: (reason: string) => void,
    readonly lostText: (count: number) => string,
  ) {}
  write(line: string): void {
    this.lines.push(line);
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {
    this.closed = true;
  }
}

function auditLog() {
  const files: Paper[] = [];
  const log = new RecordingLog();
  const audit = new AuditLog(new FakeClock(), log, (...all) => {
    const file = new Paper(...all);
    files.push(file);
    return file;
  });
  return { audit, files, log };
}

const settings = { file: "/var/log/audit.jsonl", queries: false, maxSize: 1000, files: 2 };
const event: AuditEvent = {
  action: "settings.put",
  outcome: "ok",
  principal: { name: "token:ops", kind: "token" },
  peer: "10.0.0.1",
  frontEnd: "grpc",
};

describe("the audit log", () => {
  it("shows no sign that steers a terminal, and says the same", async () => {
    const { audit, files } = auditLog();
    await audit.use(settings);
    const evil = "\u001b[2J\u009b31m\u007f\u2028\u202e";
    audit.record({ ...event, objects: [evil], reason: `${evil}\r\n{}` });
    const [line = ""] = files[0]?.lines ?? [];
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ objects: [evil], reason: `${evil}\r\n{}` });
  });

  it("has a JSON object a line, and is readable for its owner only", async () => {
    const { audit, files } = auditLog();
    await audit.use(settings);
    audit.record({ ...event, objects: ["/settings/demo.a"], traceId: "4bf92f" });
    audit.record({ ...event, outcome: "denied", reason: "no grant\nsettings.put" });
    expect(files.map(({ options }) => options)).toEqual([
      { path: settings.file, maxSize: 1000, files: 2, mode: 0o600 },
    ]);
    expect(files[0]?.lines).toEqual([
      '{"time":"2030-01-01T00:00:00.000Z","action":"settings.put","outcome":"ok","principal":"token:ops","kind":"token",' +
        '"peer":"10.0.0.1","frontEnd":"grpc","objects":["/settings/demo.a"],"traceId":"4bf92f"}\n',
      '{"time":"2030-01-01T00:00:00.000Z","action":"settings.put","outcome":"denied","principal":"token:ops","kind":"token",' +
        '"peer":"10.0.0.1","frontEnd":"grpc","reason":"no grant\\nsettings.put"}\n',
    ]);
  });

  it("keeps checks only when they are refused, or when it is told to keep all", async () => {
    const { audit } = auditLog();
    const kept = () =>
      (["queries.execute", "commands.execute"] as const).flatMap((action) =>
        (["ok", "denied", "failed"] as const).map((outcome) => audit.keeps(action, outcome)),
      );
    expect(kept()).toEqual([false, false, false, false, false, false]);
    await audit.use(settings);
    expect(kept()).toEqual([false, true, false, true, true, true]);
    await audit.use({ ...settings, queries: true });
    expect(kept()).toEqual([true, true, true, true, true, true]);
  });

  it("names sixteen objects and says how many more there were; long texts are cut", async () => {
    const { audit, files } = auditLog();
    await audit.use(settings);
    audit.record({ ...event, objects: Array.from({ length: 20 }, (_, index) => `o${index}${"x".repeat(1000)}`) });
    const record = JSON.parse(files[0]?.lines[0] ?? "");
    expect([record.objects.length, record.moreObjects, record.objects[3]]).toEqual([16, 4, `o3${"x".repeat(510)}…`]);
  });

  it("goes to another file when the settings say so, and stays open when they don't", async () => {
    const { audit, files } = auditLog();
    await audit.use(settings);
    await audit.use({ ...settings, queries: true });
    await audit.use({ ...settings, file: "/var/log/other.jsonl" });
    await audit.use({ ...settings, file: "none" });
    audit.record(event);
    expect(files.map(({ options, closed, lines }) => [options.path, closed, lines])).toEqual([
      ["/var/log/audit.jsonl", true, []],
      ["/var/log/other.jsonl", true, []],
    ]);
  });

  it("says when it can't be written, and what is missing from it", async () => {
    const { audit, files, log } = auditLog();
    await audit.use(settings);
    files[0]?.onProblem("no space left on device");
    expect(log.records).toEqual([
      "error: The audit log /var/log/audit.jsonl can't be written: no space left on device. Calls go on; records wait in memory.",
    ]);
    expect(files[0]?.lostText(7)).toBe('{"time":"2030-01-01T00:00:00.000Z","action":"audit.lost","records":7}\n');
  });
});
