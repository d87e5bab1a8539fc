import { existsSync, linkSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { checkStore, runSalvage } from "./check.js";
import { crashPoint } from "./crash-points.js";
import { syncFile, syncFolderOf } from "./durable-files.js";
import { type SalvageFindings, salvageText } from "./salvage-findings.js";
import { damagedPrefix, storeFiles } from "./store-files.js";

/** What became of a damaged store. */
export interface Salvage {
  /** Where it is kept. */
  readonly damagedStore: string;
  /** What is in the new one; undefined when nothing could be salvaged and it is empty. */
  readonly findings: SalvageFindings | undefined;
}

/**
 * Looks at a store that was not closed in order, and salvages it when it is damaged. Afterwards it can be opened.
 *
 * @throws Error when a damaged store can't be set aside
 */
export async function mendStore(folder: string, log: Logger): Promise<void> {
  const verdict = await checkStore(folder, { purpose: "open" });
  if (verdict.kind === "damaged") await salvageStore(folder, verdict.problems, log);
  else if (verdict.kind === "sound") {
    const { records, deadLetters } = verdict.findings;
    log.info(
      `The spool ${folder} was not closed in order; it is sound, with ${records} waiting results and ${deadLetters} dead letters`,
    );
  } else if (verdict.kind === "unchecked") log.info(`The spool ${folder} was not closed in order; ${verdict.reason}`);
}

/**
 * Sets the damaged store of a folder aside and puts a new one with everything readable in its place. The damaged one is never
 * changed and never deleted. There is a store under its name at every moment until the new one is whole, so that after a crash at
 * any moment the next start begins again. When nothing can be salvaged there is no store afterwards, and a new one begins empty.
 *
 * Nobody has the store open.
 *
 * @throws Error when the folder takes no new names
 */
async function salvageStore(folder: string, problems: readonly string[], log: Logger): Promise<Salvage> {
  const { store, copy, readers } = storeFiles(folder);
  log.critical(
    `The spool's store ${store} is damaged: ${problems.slice(0, 5).join("; ")}${problems.length > 5 ? " …" : ""}`,
  );
  removeEnvironment(copy);
  const { findings, failure } = await salvage(store, copy);
  if (findings !== undefined) syncFile(copy);
  crashPoint("during-salvage");
  const damagedStore = keepAside(folder, store);
  syncFolderOf(store);
  crashPoint("after-set-aside");
  if (findings === undefined) {
    removeEnvironment(copy);
    rmSync(store);
  } else {
    renameSync(copy, store);
  }
  for (const lock of [readers, `${copy}-lock`]) rmSync(lock, { force: true });
  syncFolderOf(store);
  crashPoint("after-swap");
  report(damagedStore, findings, failure, log);
  return { damagedStore, findings };
}

async function salvage(store: string, copy: string): Promise<{ findings?: SalvageFindings; failure: string }> {
  try {
    const end = await runSalvage(store, copy);
    if (typeof end === "string") return { failure: end };
    return "failure" in end ? { failure: end.failure } : { findings: end.findings, failure: "" };
  } catch (thrown) {
    return { failure: errorText(thrown) };
  }
}

/** A second name for the damaged store; one that it got before a crash does as well. */
function keepAside(folder: string, store: string): string {
  const { ino } = statSync(store, { bigint: true });
  const known = readdirSync(folder)
    .filter((name) => name.startsWith(damagedPrefix))
    .map((name) => join(folder, name))
    .find((path) => statSync(path, { bigint: true }).ino === ino);
  if (known !== undefined) return known;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  for (let number = 1; ; number++) {
    const path = join(folder, `${damagedPrefix}${time}${number === 1 ? "" : `-${number}`}.mdb`);
    if (existsSync(path)) continue;
    linkSync(store, path);
    return path;
  }
}

function removeEnvironment(file: string): void {
  rmSync(file, { force: true });
  rmSync(`${file}-lock`, { force: true });
}

function report(damagedStore: string, findings: SalvageFindings | undefined, failure: string, log: Logger): void {
  if (findings === undefined) {
    log.critical(
      `Nothing of the spool's damaged store could be salvaged: ${failure}. It is kept as ${damagedStore}, and the spool begins empty.`,
    );
    return;
  }
  const queues = findings.queues.map(salvageText);
  const what = queues.length === 0 ? "there was nothing in it" : queues.join(". ");
  log.critical(
    `What is readable of the spool's damaged store is in a new one: ${what}. The damaged one is kept as ${damagedStore}`,
  );
}
