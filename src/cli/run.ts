import { errorText, GatewayError } from "../kernel/errors.js";
import { closest } from "../settings/did-you-mean.js";
import type { CliIo } from "./context.js";
import { type ContextEntry, contexts } from "./contexts.js";
import { versionText } from "./version.js";

/** Exit code of help, of what was not understood and of an unknown context. Tools that call us rely on it. */
const helpCode = 1;

/**
 * The command line: `nscp <context> [options] [arguments]`.
 * @param args the words behind `nscp`
 * @returns the exit code
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined) {
    io.stdout(usage());
    return helpCode;
  }
  if (word === "--version") {
    io.stdout(versionText());
    return 0;
  }
  if (word === "--help" || word === "-h") {
    io.stdout(`${commonOptions}\n${usage()}`);
    return helpCode;
  }
  if (word.startsWith("-")) {
    io.stderr('First option should be the "context": nscp <context>\n');
    return helpCode;
  }
  if (word === "help") return help(rest[0], io);
  const context = find(word);
  if (context === undefined) {
    const names = contexts.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    const suggestion = closest(word, names);
    io.stdout(usage());
    io.stderr(
      `Invalid module specified: ${word}${suggestion === undefined ? "" : ` (did you mean "${suggestion}"?)`}\n`,
    );
    return helpCode;
  }
  if (rest[0] === "--version" && rest.length === 1) {
    io.stdout(versionText());
    return helpCode;
  }
  return runContext(context, rest, io);
}

async function runContext(context: ContextEntry, args: readonly string[], io: CliIo): Promise<number> {
  const ours = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  const output = ours.includes("--no-stderr") ? withoutStderr(io) : io;
  try {
    const { run } = await context.load();
    return await run(args, output);
  } catch (thrown) {
    output.stderr(failureText(thrown, ours.includes("--debug")));
    return thrown instanceof GatewayError ? thrown.kind.exit : 3;
  }
}

function withoutStderr(io: CliIo): CliIo {
  return {
    stdout: io.stdout,
    stderr: () => {},
    get stdin() {
      return io.stdin;
    },
  };
}

/** One clear line; with `--debug` where it came from. */
function failureText(thrown: unknown, debug: boolean): string {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  if (debug && stack !== undefined) return `${stack}\n`;
  return thrown instanceof GatewayError
    ? `${thrown.message}\n`
    : `Internal error: ${errorText(thrown)} (see more with --debug)\n`;
}

/** All options of all contexts, or of the one that was named. */
async function help(name: string | undefined, io: CliIo): Promise<number> {
  const asked = name === undefined ? undefined : find(name);
  if (asked !== undefined) return runContext(asked, ["--help"], io);
  if (name !== undefined) io.stderr(`Invalid module specified: ${name}\n`);
  io.stdout(`${commonOptions}\n`);
  for (const context of contexts) {
    io.stdout(`${context.name}: ${context.summary}\n\n`);
    await runContext(context, ["--help"], io);
    io.stdout("\n");
  }
  io.stdout(usage());
  return helpCode;
}

function find(word: string): ContextEntry | undefined {
  return contexts.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
}

const commonOptions = `Options:
  --help     show this
  --version  show the version
`;

function usage(): string {
  const rows = [
    ...contexts.map(({ name, aliases = [], summary }): [string, string] => [[name, ...aliases].join(", "), summary]),
    ["help", "Show the options of all contexts"] as const,
  ];
  const width = Math.max(...rows.map(([names]) => names.length));
  const lines = rows.map(([names, summary]) => `  ${names.padEnd(width)}  ${summary}\n`);
  return `Usage: nscp <context> [options] [arguments]\n\nContexts:\n${lines.join("")}`;
}
