// Builds dist/: the message classes, the compiled sources, and the generated files that the compiler doesn't copy.
// With --if-stale only when something in src/, proto/ or tools/ is newer than what was built.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pythonHost = join("modules", "python-script", "host");
/** The last file that is written: its age is that of a build which succeeded. */
const messages = join(root, "dist", pythonHost, "nscp_host", "messages.binpb");
if (!process.argv.includes("--if-stale") || isStale()) {
  await import("./generate-messages.js");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  try {
    execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  } catch {
    // The compiler has said what is wrong.
    process.exit(1);
  }
  cpSync(join(root, "src", "wire", "generated"), join(root, "dist", "wire", "generated"), { recursive: true });
  copyPythonHost();
  const { describeMessages } = await import("./describe-messages.js");
  writeFileSync(messages, describeMessages(join(root, "proto")));
}

/** The Python side of the script host runs as it is. What stood there before goes, or a file that was renamed would stay importable. */
function copyPythonHost() {
  rmSync(join(root, "dist", pythonHost), { recursive: true, force: true });
  cpSync(join(root, "src", pythonHost), join(root, "dist", pythonHost), {
    recursive: true,
    filter: (source) => !source.includes("__pycache__"),
  });
}

function isStale() {
  if (!existsSync(messages)) return true;
  const builtAt = statSync(messages).mtimeMs;
  return ["src", "proto", "tools"].some((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).some(
      (entry) => entry.isFile() && statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs > builtAt,
    ),
  );
}
