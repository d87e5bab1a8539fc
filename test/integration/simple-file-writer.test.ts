import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

// The limit of a file's size stands for a disk that is full: what fits is written, then writing fails.
it("SimpleFileWriter leaves no half of a batch behind on a full disk, and writes it whole when there is room", async () => {
  const folder = temporaryFolder("writer");
  onTestFinished(folder.remove);
  const file = join(folder.path, "results.txt");
  const script = join(folder.path, "write.mjs");
  writeFileSync(
    script,
    `import { FileSender } from ${JSON.stringify(join(packageRoot, "dist/modules/simple-file-writer/file-sender.js"))};
const settings = { file: ${JSON.stringify(file)}, syntax: "\${text}", hostSyntax: "", serviceSyntax: "", timeSyntax: "" };
const result = { host: "h", service: "s", timeMs: 0, channel: "", result: { lines: [{ message: "x".repeat(300_000), perf: [] }] } };
await new FileSender({ path: "", settings }).send([result, result], new AbortController().signal).then(
  (verdicts) => console.log(verdicts.map(({ kind }) => kind).join()),
  (error) => console.log(error.code),
);
`,
  );
  writeFileSync(file, "before\n");
  const limited = await run("bash", ["-c", `ulimit -f 400; exec "$0" "$1"`, process.execPath, script]);
  expect(limited).toEqual({ code: 0, signal: null, stdout: "EFBIG\n", stderr: "" });
  expect(readFileSync(file, "utf8")).toBe("before\n");
  expect((await run(process.execPath, [script])).stdout).toBe("delivered,delivered\n");
  const line = `${"x".repeat(300_000)}\n`;
  expect(readFileSync(file, "utf8")).toBe(`before\n${line}${line}`);
});
