import { existsSync, readdirSync } from "node:fs";
import { checkStore, type StoreVerdict } from "../spool/check.js";
import { damagedPrefix } from "../spool/store-files.js";
import type { CliIo } from "./context.js";
import { spoolPlace } from "./queue-backend.js";
import { count } from "./queue-text.js";
import { contextCommand, parseArguments, storeOptions } from "./store-options.js";

/** As of a check: 0 sound, 2 damaged, 3 could not be looked at. */
const codes = { sound: 0, damaged: 2, absent: 3, unchecked: 3 } as const;

/** `nscp queue verify`: looks at every record of the store, also while the gateway works with it. Nothing is changed. */
export async function verify(args: readonly string[], io: CliIo): Promise<number> {
  const command = contextCommand("nscp queue verify", "Look at every record on disk; nothing is changed", io).option(
    "--json",
    "as an object, for programs",
  );
  if (!parseArguments(command, args)) return 1;
  const { folder, isInUse } = await spoolPlace(storeOptions(command, io));
  const verdict = await checkStore(folder, { purpose: isInUse ? "in use" : "read" });
  const setAside = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(damagedPrefix)) : [];
  if (command.opts<{ json?: true }>().json) io.stdout(`${JSON.stringify({ folder, ...verdict, setAside }, null, 2)}\n`);
  else io.stdout(verdictText(folder, verdict, setAside));
  return codes[verdict.kind];
}

function verdictText(folder: string, verdict: StoreVerdict, setAside: readonly string[]): string {
  const lines = [headline(folder, verdict)];
  if (verdict.kind === "damaged") {
    const { problems, findings } = verdict;
    const unnamed = (findings?.problemCount ?? problems.length) - problems.length;
    lines.push(...problems.map((problem) => `  ${problem}`), ...(unnamed > 0 ? [`  and ${unnamed} more`] : []));
    lines.push("What is readable is saved into a new store when the gateway is started again; this one is kept.");
  }
  if (setAside.length > 0) lines.push(`Damaged stores that were set aside: ${setAside.join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function headline(folder: string, verdict: StoreVerdict): string {
  if (verdict.kind === "absent") return `There is no store in ${folder}`;
  if (verdict.kind === "unchecked") return `The store in ${folder} can't be verified: ${verdict.reason}`;
  if (verdict.findings === undefined) return `The store in ${folder} is damaged:`;
  const { records, deadLetters, queues, problemCount } = verdict.findings;
  const checked = `${count(records, "waiting result")} and ${count(deadLetters, "dead letter")} in ${count(queues, "queue")}`;
  if (verdict.kind === "sound") return `The store in ${folder} is sound: ${checked}`;
  return `The store in ${folder} is damaged: ${checked}, ${count(problemCount, "problem")}`;
}
